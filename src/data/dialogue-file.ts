/** A file of one dialogue a line. All lines are checked first; of a large file only their places are kept. */
import { createHash } from 'node:crypto';
import { UserError } from '../base/errors.ts';
import { inputName, LineFile } from '../base/lines.ts';
import type { Tool } from '../chat/messages.ts';
import { DialogueList } from './dialogues.ts';
import { parseDialogue, type TaskDialogue } from './source.ts';

/** Bytes up to which a file's dialogues are kept in memory. */
const KEPT = 1 << 26;

/**
 * Reads a file of one dialogue a line: {id?, tools, messages, category?, mustMention?}, or a record of `data convert`,
 * whose source is then its category. Blank lines are skipped.
 */
export function readDialogues(path: string, keptBytes = KEPT): DialogueList<TaskDialogue> {
  const file = new LineFile(path);
  const isLarge = file.size > keptBytes;
  const kept: TaskDialogue[] = [];
  const [starts, ends, numbers, tools]: [number[], number[], number[], number[]] = [[], [], [], []];
  const toolSets = new Map<string, { readonly number: number; readonly tools: readonly Tool[] }>();
  const parse = (text: string, number: number): TaskDialogue =>
    parseDialogue(text, `${inputName(path)}:${number}`, number);
  try {
    for (const { text, number, start, end } of file.lines()) {
      if (text.trim() === '') continue;
      const dialogue = parse(text, number);
      const json = JSON.stringify(dialogue.tools);
      const key = isLarge ? createHash('sha1').update(json).digest('base64') : json;
      // Equal tools are made one array, which small files then have once.
      const set = toolSets.get(key) ?? { number: toolSets.size, tools: isLarge ? [] : dialogue.tools };
      toolSets.set(key, set);
      tools.push(set.number);
      if (isLarge) {
        starts.push(start);
        ends.push(end);
        numbers.push(number);
      } else kept.push({ ...dialogue, tools: set.tools });
    }
  } catch (thrown) {
    file[Symbol.dispose]();
    throw thrown;
  }
  if (tools.length === 0)
    throw new UserError(
      'DATA_EMPTY',
      `${inputName(path)} holds no dialogue; give a file with one JSON object a line.`,
    );
  const toolsAt = (index: number): unknown => tools[index];
  if (!isLarge) {
    file[Symbol.dispose]();
    return new DialogueList(kept.length, { at: (index) => kept[index], toolsAt, isLarge });
  }
  const at = (index: number): TaskDialogue =>
    parse(file.textAt(starts[index] ?? 0, ends[index] ?? 0).trimEnd(), numbers[index] ?? 0);
  return new DialogueList(starts.length, { at, toolsAt, isLarge });
}
