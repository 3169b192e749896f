/**
 * Bytes as text. GPT-2's byte-level alphabet: each of the 256 bytes is written as one printable character, so
 * that a vocabulary of byte strings can live in JSON; printable Latin-1 stands for itself, the rest moves to U+0100
 * and up. SentencePiece's byte tokens: <0x00> to <0xFF>, for what a vocabulary of characters lacks.
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

/** `text` in UTF-8, each byte as its character of the alphabet. */
export function byteText(text: string): string {
  let written = '';
  for (const byte of Buffer.from(text, 'utf8')) written += byteChar(byte);
  return written;
}

/** The bytes that a text of the alphabet stands for; a text with any other character stands for itself. */
export function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = byteOfCode[text.charCodeAt(i)] ?? -1;
    if (byte < 0) return Buffer.from(text, 'utf8');
    bytes[i] = byte;
  }
  return bytes;
}

/** SentencePiece's token for a byte. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** The byte of a token such as <0x41>, or undefined. */
export function byteOfToken(token: string): number | undefined {
  const [, hex] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? [];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}
