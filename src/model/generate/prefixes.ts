/** Beginnings of prompts that were computed: kept for whoever goes on from them, and in files that outlive the process. */
import { existsSync } from 'node:fs';
import { asTokenIds, type TokenIds } from '../../base/token-ids.ts';
import { type OutgoingTensor, SafetensorsFile, writeSafetensors } from '../checkpoint/safetensors.ts';
import type { PromptContents } from './cache.ts';

/** Keys and values of the tokens that prompts begin with. */
export interface KeptPrefix {
  readonly tokens: TokenIds;
  readonly contents: PromptContents;
}

/** Tells whether a prompt begins so, and has a token more. */
export const beginsWith = (prompt: TokenIds, tokens: TokenIds): boolean =>
  prompt.length > tokens.length && tokens.every((id, i) => id === prompt[i]);

const IDENTITY = 'identity';
const TOKENS = '.tokens';

/** Writes a file at once or not at all; `identity` is that of the model, and of the program that computed. */
export function writePrefixes(path: string, identity: string, prefixes: readonly KeptPrefix[]): void {
  const bytes = (name: string, data: Uint8Array): OutgoingTensor => ({
    name,
    shape: [data.length],
    data,
    dtype: 'U8',
  });
  writeSafetensors(path, [
    ...prefixes.flatMap(({ tokens, contents }, i): OutgoingTensor[] => [
      ...[...contents].map(([name, data]): OutgoingTensor => {
        return { name: `${i} ${name}`, shape: [data.length], data, dtype: 'F32' };
      }),
      bytes(`${i} ${TOKENS}`, new Uint8Array(new Int32Array(tokens).buffer)),
    ]),
    bytes(IDENTITY, Buffer.from(identity)),
  ]);
}

/**
 * Reads a file of `writePrefixes`; nothing where there is none, or where it is of another model or program, as all of it
 * can be computed again. Throws a UserError for a damaged file.
 */
export function readPrefixes(path: string, identity: string): KeptPrefix[] {
  if (!existsSync(path)) return [];
  using file = SafetensorsFile.open(path);
  const own = file.tensors.has(IDENTITY) ? Buffer.from(file.readBytes(IDENTITY)).toString() : undefined;
  if (own !== identity) return [];
  const names = [...file.tensors.keys()];
  return names
    .filter((name) => name.endsWith(TOKENS))
    .map((name) => {
      const begin = name.slice(0, -TOKENS.length);
      const parts = names.filter((other) => other.startsWith(begin) && other !== name);
      return {
        tokens: asTokenIds(new Int32Array(file.readBytes(name).buffer)),
        contents: new Map(parts.map((part) => [part.slice(begin.length), file.readF32(part)])),
      };
    });
}
