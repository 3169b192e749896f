/** A checkpoint's tokenizer in the form that a GGUF file holds it. */
import { UserError } from '../base/errors.ts';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import {
  GGUF_TOKEN_TYPES,
  type GgufTokenizer,
  type GgufTokenType,
  UNSCORED,
} from '../model/checkpoint/gguf-tokenizer.ts';
import type { Merge } from './bpe.ts';
import { byteOfToken } from './byte-level.ts';
import { cutWords, type CutStep, type Pipeline, pipelineOf } from './pipeline.ts';
import { mergesByScore, scoresOf } from './sentencepiece.ts';
import type { TokenizerParts } from './tokenizer-files.ts';
import { byteLevelShell, PREPARATIONS } from './tokenizer-shells.ts';
import { readTokenizer, scoreOf } from './tokenizer-source.ts';
import { Tokenizer } from './tokenizer.ts';

/** Cuts as a text, equal for those that cut alike. */
const written = (cuts: readonly CutStep[]): string =>
  JSON.stringify(
    cuts.map((cut) => (typeof cut === 'string' ? cut : { ...cut, pattern: cut.pattern.source })),
  );

/** llama.cpp's name for how a byte-level tokenizer cuts words, or undefined; it has no way to be told another. */
function preTokenizerName({ cuts, ignoreMerges, normalize }: Pipeline): string | undefined {
  const probe = ' E\u0301 ';
  // llama.cpp leaves text as it is, also where the tokenizer's own library brings it to NFC.
  if (normalize(probe).normalize('NFC') !== probe.normalize('NFC')) return undefined;
  const found = Object.entries(PREPARATIONS).find(
    ([name, preparation]) =>
      preparation.ignoreMerges === ignoreMerges &&
      written(pipelineOf(byteLevelShell(preparation), name).cuts) === written(cuts),
  );
  return found?.[0];
}

const sameMerges = (some: readonly Merge[], others: readonly Merge[]): boolean =>
  some.length === others.length &&
  some.every(({ left, right, result }, rank) => {
    const other = others[rank];
    return left === other?.left && right === other.right && result === other.result;
  });

/** Scores that make llama.cpp merge as the tokenizer does, or undefined where none do. */
function scoresFor(
  { merges, tokens, pipeline }: TokenizerParts,
  types: readonly GgufTokenType[],
): Float32Array | undefined {
  const cutsNothing = cutWords('\u2581a\u2581b', pipeline).length === 1;
  if (!cutsNothing || !pipeline.byteFallback || pipeline.ignoreMerges) return undefined;
  const scores = scoresOf(merges, (id) => types[id] !== 'normal');
  const score = (id: number): number | undefined =>
    types[id] === undefined ? undefined : scoreOf(GGUF_TOKEN_TYPES[types[id]], scores.get(id));
  if (!sameMerges(mergesByScore(tokens, score), merges)) return undefined;
  return Float32Array.from(types, (_, id) => scores.get(id) ?? UNSCORED);
}

/** The kind of each id. */
function typesOf({ tokens, added, pipeline }: TokenizerParts, size: number): GgufTokenType[] {
  const types = Array.from({ length: size }, (_, id): GgufTokenType => {
    const token = tokens[id];
    if (token === undefined) return 'unused';
    return pipeline.byteFallback && byteOfToken(token) !== undefined ? 'byte' : 'normal';
  });
  for (const { id, content, special } of added)
    types[id] = content === pipeline.unknown ? 'unknown' : special ? 'control' : 'userDefined';
  return types;
}

/** Reads a checkpoint's tokenizer for `exportGguf`. Throws a UserError where llama.cpp would make other tokens of a text. */
export function ggufTokenizer(source: string): GgufTokenizer {
  const parts = readTokenizer(source);
  const { pipeline, added } = parts;
  // A runtime must take for the end of text what the student writes at the end of its turn.
  const tokenizer = new Tokenizer(parts);
  const { turnEndId: eosId, padId, vocabSize } = tokenizer;
  const types = typesOf(parts, vocabSize);
  const tokens = Array.from({ length: vocabSize }, (_, id) => parts.tokens[id] ?? `[PAD${id}]`);
  for (const { id, content } of added) tokens[id] = content;
  const pre = pipeline.byteLevel ? preTokenizerName(pipeline) : 'default';
  const scores = pipeline.byteLevel ? undefined : scoresFor(parts, types);
  if (pre === undefined || (scores === undefined && !pipeline.byteLevel)) {
    throw new UserError(
      'GGUF_TOKENIZER',
      `The tokenizer in ${source} prepares, cuts or merges text in another way than llama.cpp has a name for, which a GGUF file cannot say; use a tokenizer of a family such as Qwen's, Llama's or Gemma's.`,
    );
  }
  const text = (id: number): string => parts.tokens[id] ?? '';
  const merges = parts.merges.map(({ left, right }) => `${text(left)} ${text(right)}`);
  const idOf = (token: string | undefined): number | undefined =>
    token === undefined ? undefined : tokenizer.findId(token);
  const [bos, unknown] = [tokenizer.specialTokens.bos_token, tokenizer.specialTokens.unk_token];
  return {
    model: pipeline.byteLevel ? 'gpt2' : 'llama',
    pre,
    // llama.cpp looks for SentencePiece's own tokens of spaces before it writes spaces as its sign.
    tokens: tokens.map((token, id) =>
      !pipeline.byteLevel && types[id] === 'userDefined' && /^\u2581+$/.test(token)
        ? ' '.repeat(token.length)
        : token,
    ),
    types,
    merges: pipeline.byteLevel ? merges : [],
    ...(scores === undefined ? {} : { scores }),
    eosId,
    padId,
    bosId: idOf(bos),
    unknownId: idOf(unknown ?? pipeline.unknown),
    addBos: bos !== undefined && pipeline.before[0] === bos,
    addEos: pipeline.after.length > 0,
    addSpacePrefix: pipeline.normalize(' a').startsWith('\u2581\u2581'),
    chatTemplate: parts.chatTemplate,
  };
}

/** Source of a checkpoint's tokenizer for `saveCheckpoint`: its folder, or what writes that of a GGUF file. */
export function tokenizerFilesOf(source: string): string | ((folder: string) => void) {
  return isGguf(source) ? (folder) => Tokenizer.load(source).save(folder) : source;
}
