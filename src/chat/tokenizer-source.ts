/** Sources of a tokenizer: a Hugging Face folder, or the metadata of a GGUF file. */
import { UserError } from '../base/errors.ts';
import { GgufFile } from '../ggml/gguf-reader.ts';
import { openLibrary } from '../ggml/library.ts';
import { GGUF_TOKEN_TYPES } from '../model/checkpoint/gguf.ts';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { compilePattern, QWEN_PATTERN } from './pretokenize.ts';
import { qwenConfig, qwenShell } from './qwen-files.ts';
import { type AddedToken, parseMerges, readTokenizerFiles, type TokenizerParts } from './tokenizer-files.ts';

/** Reads the tokenizer of a folder or a GGUF file; every fault of it is a UserError. */
export function readTokenizer(source: string): TokenizerParts {
  return isGguf(source) ? readGgufTokenizer(source) : readTokenizerFiles(source);
}

/** Keys under which GGUF files name the ends of a turn and of a message, and the list that some converters write. */
const END_KEYS = ['tokenizer.ggml.eot_token_id', 'tokenizer.ggml.eom_token_id'] as const;
const END_LIST = 'tokenizer.ggml.eos_token_ids';

const { normal, control, userDefined, unused } = GGUF_TOKEN_TYPES;

/** Throws a UserError unless text is cut and merged as Qwen does: it is what the file's name for that stands for. */
function needQwen(file: GgufFile): void {
  const [model, cut] = [file.string('tokenizer.ggml.model'), file.string('tokenizer.ggml.pre')];
  if (model === 'gpt2' && cut === 'qwen2') return;
  const what =
    model === undefined
      ? 'has no tokenizer'
      : `has a tokenizer of type ${model}${cut === undefined ? '' : ` that cuts words as ${cut}`}`;
  throw new UserError(
    'GGUF_TOKENIZER',
    `${file.path} ${what}, and tinystar reads byte-level BPE that cuts words as qwen2; give a model that does.`,
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

/**
 * Rebuilds the tokenizer of a Qwen GGUF file. What such a file cannot say is taken to be as in Qwen's own: text is
 * brought to NFC and cut by Qwen's pattern.
 */
function readGgufTokenizer(path: string): TokenizerParts {
  using file = GgufFile.open(openLibrary(), path);
  needQwen(file);
  const refuse = (why: string): never => {
    throw new UserError('GGUF_TOKENIZER', `The tokenizer in ${path} ${why}; convert the model again.`);
  };
  const texts = file.strings('tokenizer.ggml.tokens') ?? refuse('has no tokens');
  const types = file.numbers('tokenizer.ggml.token_type') ?? texts.map(() => normal);
  const tokens: (string | undefined)[] = [];
  const added: AddedToken[] = [];
  const idOf = new Map<string, number>();
  for (const [id, content] of texts.entries()) {
    const type = types[id];
    if (type === normal) {
      tokens[id] = content;
      idOf.set(content, id);
    } else if (type === control || type === userDefined) {
      added.push({ id, content, special: type === control });
    } else if (type !== unused)
      refuse(`has the token ${JSON.stringify(content)} of unknown type ${String(type)}`);
  }
  const tokenOf = (key: string): string | undefined => texts[file.number(key) ?? -1];
  const eos = tokenOf('tokenizer.ggml.eos_token_id') ?? refuse('does not say which token ends a turn');
  const special = added.filter((token) => token.special).map(({ content }) => content);
  return {
    tokens,
    merges: parseMerges(file.strings('tokenizer.ggml.merges') ?? [], idOf, path),
    added,
    normalize: true,
    patterns: [compilePattern(QWEN_PATTERN)],
    shell: qwenShell(),
    config: qwenConfig({ eos, pad: tokenOf('tokenizer.ggml.padding_token_id') ?? eos, special }),
    // Some files name several templates; the one for tools is the one that this project needs.
    chatTemplate: file.string('tokenizer.chat_template.tool_use') ?? file.string('tokenizer.chat_template'),
    ends: [...END_KEYS.flatMap((key) => file.number(key) ?? []), ...(file.numbers(END_LIST) ?? [])],
  };
}
