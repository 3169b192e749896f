/** GorillaFileSystem's commands that look at files. */
import { compare, contains, hashable } from '../python/compare.ts';
import { noAttribute, typeError } from '../python/errors.ts';
import { twoDecimals } from '../python/numbers.ts';
import { str } from '../python/print.ts';
import { codePoints, sortedText, splitLines, words } from '../python/text.ts';
import { asInt, dict, isNumeric, truthy, type Value } from '../python/value.ts';
import { validName, type FileSystem } from './file-moving.ts';
import { File, walk } from './file-tree.ts';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

function failed(error: string): Value {
  return dict({ error });
}

function fileNamed({ current }: FileSystem, name: Value): File | undefined {
  const entry = current.contents.get(hashable(name));
  return entry instanceof File ? entry : undefined;
}

function linesOf({ content }: File): string[] {
  if (typeof content !== 'string') throw noAttribute(content, 'splitlines');
  return splitLines(content);
}

/** A command that reads one file; a directory is as good as none. */
function reading<Values extends Value[]>(
  command: string,
  run: (file: File, ...values: Values) => Value,
): (files: FileSystem, name: Value, ...values: Values) => Value {
  return (files, name, ...values) => {
    const file = fileNamed(files, name);
    if (file === undefined) return failed(`${command}: ${str(name)}: No such file or directory`);
    return run(file, ...values);
  };
}

export function cat({ current }: FileSystem, name: Value): Value {
  if (!validName(name)) return failed(`cat: '${str(name)}': Invalid character`);
  const entry = current.contents.get(hashable(name));
  if (entry === undefined) return failed(`cat: ${str(name)}: No such file or directory`);
  if (!(entry instanceof File)) return failed(`cat: ${str(name)}: Is a directory`);
  return dict({ file_content: entry.content });
}

const counted = reading('wc', (file: File, mode: Value) => {
  const { content } = file;
  if (mode === 'l') return dict({ count: BigInt(linesOf(file).length), type: 'lines' });
  if (typeof content !== 'string') throw noAttribute(content, 'split');
  if (mode === 'w') return dict({ count: BigInt(words(content).length), type: 'words' });
  return dict({ count: BigInt(codePoints(content)), type: 'characters' });
});

export function wc(files: FileSystem, name: Value, mode: Value): Value {
  if (mode !== 'l' && mode !== 'w' && mode !== 'c') return failed(`wc: invalid mode '${str(mode)}'`);
  return counted(files, name, mode);
}

export const sort = reading('sort', (file) => dict({ sorted_content: sortedText(linesOf(file)).join('\n') }));

export const grep = reading('grep', (file, pattern: Value) =>
  dict({ matching_lines: linesOf(file).filter((line) => contains(line, pattern)) }),
);

export const tail = reading('tail', (file, count: Value) => {
  const lines = linesOf(file);
  const wanted = compare(count, '>', BigInt(lines.length)) ? BigInt(lines.length) : asInt(count);
  if (!isNumeric(wanted)) throw typeError("bad operand type for unary -: 'list'");
  if (typeof wanted !== 'bigint')
    throw typeError('slice indices must be integers or None or have an __index__ method');
  // A slice from -0 is the whole; a negative count drops lines from the front.
  return dict({ last_lines: lines.slice(Number(-wanted)).join('\n') });
});

export function diff(files: FileSystem, name1: Value, name2: Value): Value {
  const [first, second] = [fileNamed(files, name1), fileNamed(files, name2)];
  if (first === undefined || second === undefined)
    return failed(`diff: ${str(name1)} or ${str(name2)}: No such file or directory`);
  const others = linesOf(second);
  const pairs = linesOf(first)
    .slice(0, others.length)
    .map((line, i) => [line, others[i] ?? ''] as const);
  const different = pairs.filter(([line, other]) => line !== other);
  return dict({ diff_lines: different.map(([line, other]) => `- ${line}\n+ ${other}`).join('\n') });
}

export function du({ current }: FileSystem, humanReadable: Value): Value {
  let bytes = 0;
  walk(current, '', (entry) => {
    if (!(entry instanceof File)) return;
    if (typeof entry.content !== 'string') throw noAttribute(entry.content, 'encode');
    bytes += Buffer.byteLength(entry.content);
  });
  if (!truthy(humanReadable)) return dict({ disk_usage: `${bytes} bytes` });
  let size = bytes;
  for (const unit of UNITS) {
    if (size < 1024) return dict({ disk_usage: `${twoDecimals(size)} ${unit}` });
    size /= 1024;
  }
  return dict({ disk_usage: `${twoDecimals(size)} PB` });
}
