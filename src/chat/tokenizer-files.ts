/**
 * A tokenizer as a Hugging Face folder: tokenizer.json (the whole truth), tokenizer_config.json, vocab.json,
 * merges.txt and chat_template.jinja. Only BPE is read; what else a file may ask for is refused, not ignored.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorText, UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import { type Fields, isFields } from '../json/value.ts';
import type { AddedToken } from './added-tokens.ts';
import { idsByText, type Merge } from './bpe.ts';
import { type Pipeline, pipelineOf, refuse } from './pipeline.ts';

/** Above every vocabulary that there is; tables are as long as the largest id, so that a damaged one would fill the memory. */
const MAX_ID = 2 ** 22;

const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_ID;

/** Everything a tokenizer is made of. */
export interface TokenizerParts {
  /** Text by id, in the alphabet of `pipeline`; added tokens may be in it, too. */
  readonly tokens: readonly (string | undefined)[];
  readonly merges: readonly Merge[];
  readonly added: readonly AddedToken[];
  readonly pipeline: Pipeline;
  /** tokenizer.json without its tokens and merges, to be written back as it was. */
  readonly shell: Fields;
  /** tokenizer_config.json without its tokens and template. */
  readonly config: Fields;
  readonly chatTemplate: string | undefined;
  /** Ids and texts of tokens that end an answer according to the files beside the tokenizer's own. */
  readonly ends?: readonly (number | string)[];
}

function readJson(path: string): Fields {
  const text = readText(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return damaged(path, `is not valid JSON (${errorText(thrown)})`);
  }
  return isFields(value) ? value : damaged(path, 'must hold a JSON object');
}

function damaged(path: string, what: string): never {
  throw new UserError('TOKENIZER', `${path} ${what}; copy the file again.`);
}

const flag = z.boolean().catch(false);
const addedTokens = z.array(
  z.object({
    id: z.custom<number>(isId),
    content: z.string(),
    lstrip: flag,
    rstrip: flag,
    normalized: flag,
    single_word: flag,
    special: flag,
  }),
);

function parseAdded(value: unknown, path: string): AddedToken[] {
  const read = addedTokens.safeParse(Array.isArray(value) ? value : []);
  return read.success ? read.data : damaged(path, 'has an unreadable entry in added_tokens');
}

/** Reads a list of merges; `path` names its file in errors. */
export function parseMerges(
  value: unknown,
  idOf: ReadonlyMap<string, number>,
  path: string,
): readonly Merge[] {
  if (!Array.isArray(value)) return damaged(path, 'has no list of merges');
  return value.map((entry: unknown, rank) => {
    // Older files write "a b", newer ones ["a", "b"].
    const pair: unknown[] = typeof entry === 'string' ? entry.split(' ') : Array.isArray(entry) ? entry : [];
    const [a, b] = [String(pair[0]), String(pair[1])];
    const [left, right, result] = [idOf.get(a), idOf.get(b), idOf.get(a + b)];
    return left === undefined || right === undefined || result === undefined
      ? damaged(path, `has a merge of unknown tokens (number ${rank})`)
      : { left, right, result };
  });
}

function templateOf(folder: string, config: Fields): string | undefined {
  const path = join(folder, 'chat_template.jinja');
  if (existsSync(path)) return readText(path);
  if (typeof config.chat_template === 'string') return config.chat_template;
  if (!Array.isArray(config.chat_template)) return undefined;
  // Some checkpoints name several templates; the one for tools is the one that this project needs.
  const named = config.chat_template.filter(isFields);
  const chosen =
    named.find((entry) => entry.name === 'tool_use') ?? named.find((entry) => entry.name === 'default');
  return typeof chosen?.template === 'string' ? chosen.template : undefined;
}

/** The text of a config's token entry: a string, or an object with a content. */
export function tokenEntry(entry: unknown): string | undefined {
  const text = isFields(entry) ? entry.content : entry;
  return typeof text === 'string' ? text : undefined;
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/**
 * Tokens that end an assistant's turn, or a message of one. A checkpoint names them in up to five places that need not
 * agree: a base model of Qwen has <|endoftext|> as eos_token, while its template, and so what is trained on, ends turns
 * with <|im_end|>. All of them end an answer, wherever one is drawn.
 */
function endsOf(folder: string, config: Fields): (number | string)[] {
  const named = [config.eos_token, config.eot_token, config.eom_token].flatMap(
    (entry) => tokenEntry(entry) ?? [],
  );
  const declared = ['generation_config.json', 'config.json'].flatMap((name) => {
    const path = join(folder, name);
    if (!existsSync(path)) return [];
    try {
      const { eos_token_id, stop_strings } = readJson(path);
      const strings = listOf(stop_strings).filter((text) => typeof text === 'string');
      return [...listOf(eos_token_id).filter(isId), ...strings];
    } catch (thrown) {
      // It is checked where the model is loaded.
      if (name === 'config.json') return [];
      throw thrown;
    }
  });
  return [...named, ...declared];
}

/** tokenizer_config.json; an eos_token that only special_tokens_map.json names is taken from there. */
function readConfig(folder: string): Fields {
  const path = join(folder, 'tokenizer_config.json');
  const config = existsSync(path) ? readJson(path) : {};
  const mapPath = join(folder, 'special_tokens_map.json');
  if (tokenEntry(config.eos_token) !== undefined || !existsSync(mapPath)) return config;
  const { eos_token } = readJson(mapPath);
  return tokenEntry(eos_token) === undefined ? config : { ...config, eos_token };
}

/** Reads a tokenizer's folder; every fault of it is a UserError. */
export function readTokenizerFiles(folder: string): TokenizerParts {
  const path = join(folder, 'tokenizer.json');
  const { added_tokens, model, ...outer } = readJson(path);
  const config = readConfig(folder);
  if (!isFields(model)) return damaged(path, 'has no model');
  if (model.type !== 'BPE' || !isFields(model.vocab))
    return refuse(path, `has a model of type ${String(model.type)}`);
  const { vocab, merges, ...modelShell } = model;
  const tokens: (string | undefined)[] = [];
  const idOf = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!isId(id)) return damaged(path, `has an id that is no whole number up to ${MAX_ID}`);
    tokens[id] = token;
    idOf.set(token, id);
  }
  const shell = { ...outer, model: modelShell };
  const { added_tokens_decoder: _, chat_template: __, ...configShell } = config;
  return {
    tokens,
    merges: parseMerges(merges, idOf, path),
    added: parseAdded(added_tokens, path),
    pipeline: pipelineOf(shell, path),
    shell,
    config: configShell,
    chatTemplate: templateOf(folder, config),
    ends: endsOf(folder, config),
  };
}

/** Writes the five files; transformers and llama.cpp's converter read them. */
export function writeTokenizerFiles(folder: string, parts: TokenizerParts): void {
  const { tokens, merges, shell, config, chatTemplate } = parts;
  const vocab = Object.fromEntries(idsByText(tokens));
  const lines = merges.map(({ left, right }) => `${tokens[left]} ${tokens[right]}`);
  const decoder = Object.fromEntries(parts.added.map(({ id, ...token }) => [String(id), token]));
  const { model, version, truncation, padding, ...rest } = shell;
  const whole = {
    version: version ?? '1.0',
    truncation: truncation ?? null,
    padding: padding ?? null,
    added_tokens: parts.added,
    ...rest,
    model: { ...(isFields(model) ? model : {}), vocab, merges: lines },
  };
  const template = chatTemplate === undefined ? {} : { chat_template: chatTemplate };
  const configWhole = { added_tokens_decoder: decoder, ...config, ...template };
  writeAtomic(join(folder, 'tokenizer.json'), JSON.stringify(whole));
  writeAtomic(join(folder, 'tokenizer_config.json'), `${JSON.stringify(configWhole, null, 2)}\n`);
  writeAtomic(join(folder, 'vocab.json'), JSON.stringify(vocab));
  writeAtomic(join(folder, 'merges.txt'), `#version: 0.2\n${lines.join('\n')}\n`);
  if (chatTemplate !== undefined) writeAtomic(join(folder, 'chat_template.jinja'), chatTemplate);
}
