/**
 * GPT-2's byte-level alphabet: each of the 256 bytes is written as one printable character, so that a
 * vocabulary of byte strings can live in JSON. Printable Latin-1 stands for itself, the rest moves to U+0100 and up.
 */
const charOfByte: string[] = [];
const byteOfCode = new Int16Array(0x144).fill(-1);

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
}

let moved = 0x100;
for (let byte = 0; byte < 256; byte++) {
  const code = isPrintable(byte) ? byte : moved++;
  charOfByte.push(String.fromCharCode(code));
  byteOfCode[code] = byte;
}

/** The 256 characters in the order in which Qwen and GPT-2 number them: by code point. */
export const BYTE_ALPHABET: readonly string[] = charOfByte.toSorted();

/** The character that stands for `byte`. */
export function byteChar(byte: number): string {
  return charOfByte[byte] ?? '';
}

/** The byte that a character of the alphabet stands for, or -1. */
export function byteOf(charCode: number): number {
  return byteOfCode[charCode] ?? -1;
}
