/** Sources of a tokenizer: a Hugging Face folder, or the metadata of a GGUF file. */
import { UserError } from '../base/errors.ts';
import { GgufFile } from '../ggml/gguf-reader.ts';
import { openLibrary } from '../ggml/library.ts';
import type { Fields } from '../json/value.ts';
import { GGUF_TOKEN_TYPES } from '../model/checkpoint/gguf-tokenizer.ts';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { addedToken, type AddedToken } from './added-tokens.ts';
import { idsByText, type Merge } from './bpe.ts';
import { pipelineOf } from './pipeline.ts';
import { mergesByScore } from './sentencepiece.ts';
import { parseMerges, readTokenizerFiles, type TokenizerParts } from './tokenizer-files.ts';
import {
  byteLevelShell,
  type Preparation,
  PREPARATIONS,
  QWEN2,
  sentencePieceShell,
  type Surroundings,
  TOKENIZER_CONFIG,
} from './tokenizer-shells.ts';

/** Reads the tokenizer of a folder or a GGUF file; every fault of it is a UserError. */
export function readTokenizer(source: string): TokenizerParts {
  return isGguf(source) ? readGgufTokenizer(source) : readTokenizerFiles(source);
}

/** Keys under which GGUF files name the ends of a turn and of a message, and the list that some converters write. */
const END_KEYS = ['tokenizer.ggml.eot_token_id', 'tokenizer.ggml.eom_token_id'] as const;
const END_LIST = 'tokenizer.ggml.eos_token_ids';

const { normal, control, unknown, userDefined, unused, byte } = GGUF_TOKEN_TYPES;

/** Preparation of a byte-level file's text; undefined for a SentencePiece file, and a UserError for any other. */
function preparationOf(file: GgufFile): Preparation | undefined {
  const [model, pre = 'default'] = [file.string('tokenizer.ggml.model'), file.string('tokenizer.ggml.pre')];
  if (model === 'llama') return undefined;
  const preparation = model === 'gpt2' && Object.hasOwn(PREPARATIONS, pre) ? PREPARATIONS[pre] : undefined;
  if (preparation !== undefined) return preparation;
  const what =
    model === undefined ? 'has no tokenizer' : `has a tokenizer of type ${model} that cuts words as ${pre}`;
  throw new UserError(
    'GGUF_TOKENIZER',
    `${file.path} ${what}, and tinystar reads SentencePiece (llama) and byte-level BPE (gpt2) that cuts words as one of ${Object.keys(PREPARATIONS).join(', ')}; give a model that does.`,
  );
}

/** The special tokens of a GGUF file by the names that chat templates know, whatever its tokenizer is. */
export function ggufSpecialTokens(path: string): Readonly<Record<string, string>> {
  using file = GgufFile.open(openLibrary(), path);
  const texts = file.strings('tokenizer.ggml.tokens') ?? [];
  const names = { bos_token: 'bos', eos_token: 'eos', pad_token: 'padding', unk_token: 'unknown' };
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, key]) => {
      const token = texts[file.number(`tokenizer.ggml.${key}_token_id`) ?? -1];
      return token === undefined ? [] : [[name, token]];
    }),
  );
}

/** Tokens of a file by what they are. */
interface Vocabulary {
  readonly tokens: (string | undefined)[];
  readonly added: readonly AddedToken[];
  readonly types: readonly number[];
}

const isSpaces = (text: string): boolean => /^ +$/.test(text);

function vocabularyOf(file: GgufFile, refuse: (why: string) => never): Vocabulary {
  const texts = file.strings('tokenizer.ggml.tokens') ?? refuse('has no tokens');
  const types = Array.from(file.numbers('tokenizer.ggml.token_type') ?? texts.map(() => normal));
  const tokens: (string | undefined)[] = [];
  const added: AddedToken[] = [];
  const last = types.findLastIndex((type) => type === normal || type === byte);
  for (const [id, text] of texts.entries()) {
    const type = types[id];
    // llama.cpp's converter writes SentencePiece's own sign for a space as one where a token is nothing else.
    const content = type === userDefined && isSpaces(text) ? '\u2581'.repeat(text.length) : text;
    if (type === normal || type === byte) tokens[id] = content;
    else if (type === control || type === unknown || type === userDefined) {
      added.push(addedToken(id, content, type !== userDefined));
      // Those between other tokens are in a Hugging Face vocabulary, too: its library numbers the rest one by one.
      if (id < last) tokens[id] = content;
    } else if (type !== unused)
      refuse(`has the token ${JSON.stringify(content)} of unknown type ${String(type)}`);
  }
  return { tokens, added, types };
}

/** Merges of a file: as it lists them, or as its scores say. */
function mergesOf(file: GgufFile, { tokens, types }: Vocabulary, isByteLevel: boolean): readonly Merge[] {
  if (isByteLevel)
    return parseMerges(file.strings('tokenizer.ggml.merges') ?? [], idsByText(tokens), file.path);
  const scores = file.numbers('tokenizer.ggml.scores') ?? [];
  return mergesByScore(tokens, (id) => scoreOf(types[id], scores[id]));
}

/** The score by which a token is merged: what a file has for tokens of its makers is not meant. */
export function scoreOf(type: number | undefined, score: number | undefined): number | undefined {
  if (type === userDefined) return 0;
  return type === normal ? score : undefined;
}

/**
 * Rebuilds the tokenizer of a GGUF file. What such a file cannot say is taken to be as in the tokenizer.json of the
 * models that have its kind: for `qwen2`, that text is brought to NFC.
 */
function readGgufTokenizer(path: string): TokenizerParts {
  using file = GgufFile.open(openLibrary(), path);
  const preparation = preparationOf(file);
  const refuse = (why: string): never => {
    throw new UserError('GGUF_TOKENIZER', `The tokenizer in ${path} ${why}; convert the model again.`);
  };
  const vocabulary = vocabularyOf(file, refuse);
  const { tokens, added } = vocabulary;
  const tokenOf = (name: string): { content: string; id: number } | undefined => {
    const id = file.number(`tokenizer.ggml.${name}_token_id`) ?? -1;
    const content = tokens[id] ?? added.find((token) => token.id === id)?.content;
    return content === undefined ? undefined : { content, id };
  };
  const eos = tokenOf('eos') ?? refuse('does not say which token ends a turn');
  const bos = tokenOf('bos');
  const adds = (name: string): boolean | undefined => {
    const value = file.value(`tokenizer.ggml.add_${name}`);
    return typeof value === 'boolean' ? value : undefined;
  };
  const addsBos = bos !== undefined && (adds('bos_token') ?? preparation?.addsBos ?? true);
  const surroundings: Surroundings = {
    before: addsBos ? bos : undefined,
    after: adds('eos_token') === true ? eos : undefined,
  };
  const unknownToken = tokenOf('unknown')?.content ?? null;
  const shell: Fields =
    preparation === undefined
      ? sentencePieceShell(unknownToken, adds('space_prefix') ?? true, surroundings)
      : byteLevelShell(preparation, surroundings);
  return {
    tokens,
    merges: mergesOf(file, vocabulary, preparation !== undefined),
    added,
    pipeline: pipelineOf(shell, path),
    shell,
    config: {
      ...TOKENIZER_CONFIG,
      add_bos_token: addsBos,
      additional_special_tokens: added.filter((token) => token.special).map(({ content }) => content),
      eos_token: eos.content,
      pad_token: tokenOf('padding')?.content ?? eos.content,
      ...(preparation === QWEN2
        ? { tokenizer_class: 'Qwen2Tokenizer' }
        : { bos_token: bos?.content ?? null, unk_token: unknownToken }),
    },
    // Some files name several templates; the one for tools is the one that this project needs.
    chatTemplate: file.string('tokenizer.chat_template.tool_use') ?? file.string('tokenizer.chat_template'),
    ends: [...END_KEYS.flatMap((key) => file.number(key) ?? []), ...(file.numbers(END_LIST) ?? [])],
  };
}
