/** Files of text in every encoding that people save them in. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { decodeText, encodingFault, TextPieces } from '../../src/base/text.ts';

const utf16 = (text: string, big: boolean): Buffer => {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return big ? bytes.swap16() : bytes;
};
const TEXT = 'Zürich, 北京, 🌦️\r\nnext line\n';

/** Error of a decoding, or the text. */
function read(bytes: Uint8Array): string {
  try {
    return decodeText(bytes, 'file.json');
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.code === 'ENCODING') return thrown.message;
    throw thrown;
  }
}

function inPieces(bytes: Uint8Array, size: number): string {
  const pieces = new TextPieces('file.json');
  let text = '';
  for (let at = 0; at < bytes.length; at += size) text += pieces.push(bytes.subarray(at, at + size));
  return text + pieces.end();
}

describe('decodeText', () => {
  it('reads UTF-8 with and without a byte order mark, and UTF-16 that says so', () => {
    for (const bytes of [
      Buffer.from(TEXT),
      Buffer.from(`\uFEFF${TEXT}`),
      utf16(TEXT, false),
      utf16(TEXT, true),
    ])
      expect(read(bytes)).toBe(TEXT);
    expect(read(Buffer.alloc(0))).toBe('');
  });

  it('refuses what it would have to guess, and says what it is and what to do', () => {
    const wide = Buffer.from(TEXT, 'utf16le');
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [Buffer.from('a: 1\nb: Zürich', 'latin1'), 'is not UTF-8 (byte 0xFC in line 2); save it as UTF-8.'],
      [
        // "天气" as GBK has it.
        Buffer.from([0xcc, 0xec, 0xc6, 0xf8]),
        'is not UTF-8 (byte 0xCC in line 1); save it as UTF-8.',
      ],
      [wide, 'begins with NUL bytes, as UTF-16 without a byte order mark does; save it as UTF-8.'],
      [Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0]), Buffer.alloc(8)]), 'is UTF-32; save it as UTF-8.'],
      [Buffer.from('name: a\0b\n'), 'has a NUL byte in line 1; save it as UTF-8, or copy it again.'],
      [
        Buffer.concat([utf16('a', false), Buffer.from([0x3d, 0xd8])]),
        'begins as UTF-16 and goes on as something else; save it as UTF-8.',
      ],
      [
        gzipSync(TEXT),
        'is packed with gzip, not text; unpack it (data can stay packed under a name that ends in .gz).',
      ],
      [Buffer.from('PAR1....'), 'is a parquet file, not text; give it a name that ends in .parquet.'],
    ];
    for (const [bytes, message] of cases) expect(read(bytes)).toBe(`file.json ${message}`);
  });
});

describe('TextPieces', () => {
  it('reads the same wherever the pieces end', () => {
    for (const bytes of [Buffer.from(`\uFEFF${TEXT}`), utf16(TEXT, false), utf16(TEXT, true)])
      for (let size = 1; size <= bytes.length; size++) expect(inPieces(bytes, size)).toBe(TEXT);
  });

  it('keeps every byte that is not UTF-8, in its own row', () => {
    const rows = Buffer.concat([Buffer.from('"Zürich"\n'), Buffer.from('"Zürich"\n', 'latin1')]);
    for (let size = 1; size <= rows.length; size++) {
      const [good = '', bad = ''] = inPieces(rows, size).split('\n');
      expect([good, encodingFault(good)]).toEqual(['"Zürich"', undefined]);
      expect(encodingFault(bad)).toBe('It is not UTF-8 (byte 0xFC at character 3); save the file as UTF-8.');
    }
  });

  it('gives any bytes back, as Python’s surrogateescape does', () => {
    const back = (text: string): Buffer =>
      Buffer.concat(
        Array.from(text, (char) => {
          const code = char.charCodeAt(0);
          return char.length === 1 && code >= 0xdc80 && code <= 0xdcff
            ? Buffer.from([code - 0xdc00])
            : Buffer.from(char);
        }),
      );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (tail, size) => {
        const bytes = Buffer.concat([Buffer.from('{"a": "0123'), tail]);
        expect(back(inPieces(bytes, size)).equals(bytes)).toBe(true);
      }),
    );
  });
});
