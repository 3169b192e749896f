/** Zip archives of folders, as Ray unpacks them: deflated, files in the order of their names, no times, so that the same folder gives the same bytes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { UserError } from '../../../src/base/errors.ts';
import { fileError } from '../../../src/base/files.ts';

/** Sizes that the format's plain form can hold. */
const MOST_BYTES = 2 ** 32 - 1;
const MOST_FILES = 2 ** 16 - 1;
/** 1980-01-01, the format's first day. */
const DATE = 0x21;
const VERSION = 20;
const UTF8 = 0x800;
const DEFLATED = 8;

interface Entry {
  readonly name: Buffer;
  readonly offset: number;
  /** Fields that both headers of a file have: from the version to the length of its name. */
  readonly fields: Buffer;
}

function fieldsOf(content: Buffer, packed: Buffer, name: Buffer): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(VERSION, 0);
  fields.writeUInt16LE(UTF8, 2);
  fields.writeUInt16LE(DEFLATED, 4);
  fields.writeUInt16LE(0, 6);
  fields.writeUInt16LE(DATE, 8);
  fields.writeUInt32LE(crc32(content), 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(content.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function directoryEntry({ name, offset, fields }: Entry): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(VERSION, 4);
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE(offset, 10);
  return Buffer.concat([head, fields, tail, name]);
}

/** An archive of texts and bytes by their names. */
export function zip(files: Iterable<readonly [name: string, content: Buffer]>): Buffer {
  const parts: Buffer[] = [];
  const entries: Entry[] = [];
  let offset = 0;
  for (const [path, content] of files) {
    const name = Buffer.from(path, 'utf8');
    const packed = deflateRawSync(content);
    const fields = fieldsOf(content, packed, name);
    entries.push({ name, offset, fields });
    const signature = Buffer.from([0x50, 0x4b, 0x03, 0x04]);
    for (const part of [signature, fields, name, packed]) {
      parts.push(part);
      offset += part.length;
    }
    if (offset > MOST_BYTES || entries.length > MOST_FILES)
      throw new UserError('ZIP', 'The folder is too large for a zip archive of 4 GiB and 65,535 files.');
  }
  const directory = Buffer.concat(entries.map(directoryEntry));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

/** Files of a folder by their paths in it, sorted, without those that `skip` names. Throws a UserError where one cannot be read, or all have more than `most` bytes. */
export function* filesOf(
  folder: string,
  skip: (path: string) => boolean,
  most: number,
): Generator<readonly [name: string, content: Buffer]> {
  try {
    const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((path) => !skip(path))
      .toSorted();
    const bytes = paths.reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
    if (bytes > most)
      throw new UserError(
        'TOO_LARGE',
        `${folder} has ${(bytes / 2 ** 30).toFixed(1)} GiB, which is too much for an upload; put it where the cluster sees it and give --shared, or hand the stage over with --model-path.`,
      );
    for (const path of paths) yield [path, readFileSync(join(folder, path))];
  } catch (thrown) {
    throw thrown instanceof UserError ? thrown : fileError('read', folder, thrown);
  }
}
