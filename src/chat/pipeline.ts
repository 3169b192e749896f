/**
 * The rest of a tokenizer.json beside its tokens and merges: how text is normalised, cut into words, given special
 * tokens and put together again. A part that is not computed is refused by its name, never ignored.
 */
import { UserError } from '../base/errors.ts';
import { type Fields, isFields } from '../json/value.ts';
import { byteText } from './byte-level.ts';
import { BEHAVIORS, type Cut, cutAt, GPT2_PATTERN, literal, splitWords } from './pretokenize.ts';

/** A tokenizer.json without its tokens and merges, ready to be used. */
export interface Pipeline {
  readonly normalize: (text: string) => string;
  /** Ways of cutting normalised text into words, one after another. */
  readonly cuts: readonly CutStep[];
  /** Tells whether the vocabulary's alphabet is bytes instead of characters. */
  readonly byteLevel: boolean;
  /** Tells whether a word that is a token is not put together from its parts. */
  readonly ignoreMerges: boolean;
  /** Tells whether a character that is no token is written as byte tokens, <0x00> to <0xFF>. */
  readonly byteFallback: boolean;
  readonly unknown: string | undefined;
  readonly fuseUnknown: boolean;
  /** Special tokens around a text, by name. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly decoder: Decoder;
}

export interface Decoder {
  /** Tells whether tokens are bytes in the byte-level alphabet, not characters. */
  readonly byteLevel: boolean;
  /** Gives the text of a token of characters. */
  readonly change: (token: string) => string;
  /** Tells whether <0x41> is a byte. */
  readonly byteTokens: boolean;
  /** Number of spaces that are taken from the start of a text. */
  readonly strip: number;
}

/** Throws the error for a part that `source` uses and this project does not compute. */
export function refuse(source: string, what: string): never {
  throw new UserError(
    'TOKENIZER',
    `${source} ${what}, which tinystar does not compute; use another tokenizer.`,
  );
}

/** The parts of a sequence, or the one part that there is; `key` is the sequence's list of them. */
function partsOf(part: unknown, key: string): Fields[] {
  if (!isFields(part)) return [];
  if (part.type !== 'Sequence') return [part];
  const parts: unknown = part[key];
  return Array.isArray(parts) ? parts.flatMap((one) => partsOf(one, key)) : [];
}

function refusePart(source: string, kind: string, { type, ...options }: Fields): never {
  const name = typeof type === 'string' ? type : JSON.stringify(type);
  const given = Object.keys(options).length === 0 ? '' : ` with the options ${JSON.stringify(options)}`;
  return refuse(source, `has a ${kind} of type ${name}${given}`);
}

const FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;

/** A replacement of one text by another, as normalizers and decoders have it; undefined for any other part. */
function replacement({ type, pattern, content }: Fields): ((text: string) => string) | undefined {
  const text = isFields(pattern) ? pattern.String : undefined;
  if (type !== 'Replace' || typeof text !== 'string' || typeof content !== 'string') return undefined;
  return (whole) => whole.replaceAll(text, () => content);
}

function normalizerOf(part: Fields, source: string): Pipeline['normalize'] {
  const { type, prepend } = part;
  const form = FORMS.find((name) => name === type);
  if (form !== undefined) return (text) => text.normalize(form);
  if (type === 'Prepend' && typeof prepend === 'string') return (text) => prepend + text;
  return replacement(part) ?? refusePart(source, 'normalizer', part);
}

/** A cut, a space before a word that has none, or writing a word's bytes in the byte-level alphabet. */
export type CutStep = Cut | 'prefixSpace' | 'byteLevel';

const PUNCTUATION = '[\\p{P}!-/:-@\\[-`{-~]';

/** The ways of cutting that one part of a pre_tokenizer stands for. */
function cutsOf(part: Fields, source: string): CutStep[] {
  const { type, pattern, use_regex, individual_digits } = part;
  const behavior = BEHAVIORS.find((name) => name === part.behavior);
  if (type === 'Digits')
    return [cutAt('\\p{N}', individual_digits === true ? 'Isolated' : 'Contiguous', { trusted: true })];
  if (type === 'Punctuation') return [cutAt(PUNCTUATION, behavior ?? 'Isolated', { trusted: true })];
  if (type === 'ByteLevel') {
    const words = use_regex === false ? [] : [cutAt(GPT2_PATTERN)];
    return [...(part.add_prefix_space === true ? ['prefixSpace' as const] : []), ...words, 'byteLevel'];
  }
  const { Regex: regex, String: text } = isFields(pattern) ? pattern : {};
  if (type !== 'Split' || behavior === undefined) return refusePart(source, 'pre_tokenizer', part);
  const invert = part.invert === true;
  if (typeof text === 'string') return [cutAt(literal(text), behavior, { invert, trusted: true })];
  return typeof regex === 'string'
    ? [cutAt(regex, behavior, { invert })]
    : refusePart(source, 'pre_tokenizer', part);
}

function cutOnce(word: string, step: CutStep): readonly string[] {
  if (step === 'byteLevel') return [byteText(word)];
  if (step === 'prefixSpace') return [word.startsWith(' ') ? word : ` ${word}`];
  return splitWords(word, step);
}

/** Cuts normalised text into words. */
export function cutWords(text: string, { cuts }: Pick<Pipeline, 'cuts'>): readonly string[] {
  const [first, ...others] = cuts;
  let words = first === undefined ? [text] : cutOnce(text, first);
  for (const step of others) words = words.flatMap((word) => cutOnce(word, step));
  return words;
}

/** The special tokens that a TemplateProcessing puts around one text. */
function surroundings(shell: Fields, source: string): Pick<Pipeline, 'before' | 'after'> {
  const before: string[] = [];
  const after: string[] = [];
  for (const part of partsOf(shell.post_processor, 'processors')) {
    if (part.type === 'ByteLevel') continue;
    if (part.type !== 'TemplateProcessing' || !Array.isArray(part.single))
      return refusePart(source, 'post_processor', part);
    const items: unknown[] = part.single;
    const text = items.findIndex((item) => isFields(item) && 'Sequence' in item);
    for (const [i, item] of items.entries()) {
      const special = isFields(item) ? item.SpecialToken : undefined;
      if (i !== text && !(isFields(special) && typeof special.id === 'string'))
        return refusePart(source, 'post_processor', part);
      if (isFields(special)) (i < text ? before : after).push(String(special.id));
    }
  }
  return { before, after };
}

function decoderOf(shell: Fields, source: string): Decoder {
  const parts = partsOf(shell.decoder, 'decoders');
  if (parts.length === 0) return refuse(source, 'has no decoder');
  const byteLevel = parts.length === 1 && parts[0]?.type === 'ByteLevel';
  const changes: ((token: string) => string)[] = [];
  let [byteTokens, fused, strip] = [false, false, 0];
  for (const part of byteLevel ? [] : parts) {
    const { type, content, start, stop } = part;
    const change = replacement(part);
    if (change !== undefined && !fused) changes.push(change);
    else if (type === 'ByteFallback' && !fused) byteTokens = true;
    else if (type === 'Fuse') fused = true;
    else if (type === 'Strip' && fused && content === ' ' && typeof start === 'number' && stop === 0)
      strip = start;
    else return refusePart(source, 'decoder', part);
  }
  const change = (token: string): string => changes.reduce((changed, next) => next(changed), token);
  return { byteLevel, change, byteTokens, strip };
}

/** Reads what `shell`, a tokenizer.json, says beside its tokens; throws a UserError that names `source` and the part that is not computed. */
export function pipelineOf(shell: Fields, source: string): Pipeline {
  const model = isFields(shell.model) ? shell.model : {};
  const foreign = ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix'].find(
    (key) => ![undefined, null, '', 0].includes(model[key] as null),
  );
  if (foreign !== undefined) return refuse(source, `has a model with ${foreign}`);
  const changes = partsOf(shell.normalizer, 'normalizers').map((part) => normalizerOf(part, source));
  const cuts = partsOf(shell.pre_tokenizer, 'pretokenizers').flatMap((part) => cutsOf(part, source));
  return {
    normalize: (text) => changes.reduce((changed, change) => change(changed), text),
    // Written by the encoder, which knows most words already; what comes behind it cuts what it wrote.
    cuts: cuts.at(-1) === 'byteLevel' ? cuts.slice(0, -1) : cuts,
    byteLevel: cuts.at(-1) === 'byteLevel',
    ignoreMerges: model.ignore_merges === true,
    byteFallback: model.byte_fallback === true,
    unknown: typeof model.unk_token === 'string' ? model.unk_token : undefined,
    fuseUnknown: model.fuse_unk === true,
    ...surroundings(shell, source),
    decoder: decoderOf(shell, source),
  };
}
