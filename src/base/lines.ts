/** Files of lines that grow: read piece by piece, so that they may be longer than memory. */
import { closeSync, existsSync, openSync, readSync, truncateSync } from 'node:fs';
import { fileError } from './files.ts';

const CHUNK = 1 << 20;
const NEWLINE = 0x0a;

export interface FileLine {
  readonly text: string;
  /** Place in the file behind the line and its end. */
  readonly end: number;
}

/** The whole lines of a file; what comes after the last line's end was cut off by a kill and is left out. */
export function* wholeLines(path: string): Generator<FileLine> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
  try {
    const chunk = Buffer.alloc(CHUNK);
    let parts: Buffer[] = [];
    let place = 0;
    for (let got = readSync(file, chunk); got > 0; got = readSync(file, chunk)) {
      const bytes = Buffer.from(chunk.subarray(0, got));
      let from = 0;
      for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
        const text = Buffer.concat([...parts, bytes.subarray(from, at)]).toString('utf8');
        parts = [];
        from = at + 1;
        yield { text, end: place + from };
      }
      if (from < got) parts.push(bytes.subarray(from));
      place += got;
    }
  } finally {
    closeSync(file);
  }
}

/** Cuts a file off at a place, such as the end of its last whole line. */
export function cutFile(path: string, end: number): void {
  try {
    if (existsSync(path)) truncateSync(path, end);
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
}
