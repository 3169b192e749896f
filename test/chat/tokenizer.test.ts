/** The tokenizer against the real Qwen3 vocabulary's published vectors, and its files' faults. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as Oracle } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { cutAt, QWEN_PATTERN, splitWords } from '../../src/chat/pretokenize.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { goldenFolder } from '../helpers/golden-folder.ts';

const qwenFolder = goldenFolder('qwen3-tokenizer');
const scratch = mkdtempSync(join(tmpdir(), 'tokenizer-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const small = trainTokenizer(['some words to learn from, some more words'], { size: 272 });

function oracleOf(folder: string): Oracle {
  const read = (name: string): object => JSON.parse(readFileSync(join(folder, name), 'utf8')) as object;
  return new Oracle(read('tokenizer.json'), read('tokenizer_config.json'));
}

/** Words, spaces, marks and pieces of added tokens, put together at random. */
const words = [
  'a',
  'the',
  ' ',
  '  ',
  '\n',
  '\r\n',
  '\t',
  "'S",
  "'ll",
  '7',
  '½',
  'e\u0301',
  '中文',
  '👩‍👩‍👧',
  '\u0000',
];
const tags = ['<|im_end|>', '<think>', '</tool_call>', '<|im', '{"name": ', '"}}', '\u00a0'];
const trickyText = fc
  .array(fc.oneof(fc.constantFrom(...words), fc.constantFrom(...tags), fc.string({ unit: 'grapheme' })), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''));

describe('with the Qwen3 vocabulary', () => {
  const qwen = Tokenizer.load(qwenFolder);

  it('encodes and decodes all 47 published cases', () => {
    const separator = '\n__ggml_vocab_test__\n';
    const texts = readFileSync(join(qwenFolder, 'vectors.inp'), 'utf8').split(separator);
    const lines = readFileSync(join(qwenFolder, 'vectors.out'), 'utf8').split('\n').slice(0, texts.length);
    expect(texts).toHaveLength(47);
    expect(texts.map((text) => qwen.encode(text).join(' '))).toEqual(lines.map((line) => line.trim()));
    expect(texts.map((text) => qwen.decode(qwen.encode(text)))).toEqual(
      texts.map((text) => text.normalize('NFC')),
    );
  });

  it('knows the special ids', () => {
    expect(qwen.vocabSize).toBe(151669);
    expect(qwen.eosId).toBe(151645);
    expect(qwen.padId).toBe(151643);
    expect(qwen.idOf('</think>')).toBe(151668);
    expect(qwen.isSpecial(151645)).toBe(true);
    expect(qwen.isSpecial(151668)).toBe(false);
  });

  it('agrees with @huggingface/tokenizers on tricky texts', { timeout: 120_000 }, () => {
    const oracle = oracleOf(qwenFolder);
    fc.assert(
      fc.property(trickyText, (text) => {
        expect([...qwen.encode(text)]).toEqual(oracle.encode(text).ids);
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  it('writes the same vocabulary back', () => {
    qwen.save(join(scratch, 'qwen'));
    const original = JSON.parse(readFileSync(join(qwenFolder, 'tokenizer.json'), 'utf8')) as unknown;
    expect(JSON.parse(readFileSync(join(scratch, 'qwen/tokenizer.json'), 'utf8'))).toEqual(original);
    const config = JSON.parse(readFileSync(join(qwenFolder, 'tokenizer_config.json'), 'utf8')) as unknown;
    expect(JSON.parse(readFileSync(join(scratch, 'qwen/tokenizer_config.json'), 'utf8'))).toEqual(config);
  });
});

describe('encoding', () => {
  it('reads added tokens as such, or as plain text where they are not allowed', () => {
    const text = 'some<|im_end|>words';
    expect([...small.encode(text)]).toContain(small.eosId);
    expect([...small.encode(text, { allowSpecial: false })]).not.toContain(small.eosId);
    expect(small.decode(small.encode(text, { allowSpecial: false }))).toBe(text);
  });

  it('leaves out special tokens on request, but never the tags that a parser needs', () => {
    const ids = small.encode('<|im_start|><think>some</think><|im_end|>');
    expect(small.decode(ids)).toBe('<|im_start|><think>some</think><|im_end|>');
    expect(small.decode(ids.filter((id) => !small.isSpecial(id)))).toBe('<think>some</think>');
  });

  it('gives no ids for no text, and no text for ids beyond the vocabulary', () => {
    expect([...small.encode('')]).toEqual([]);
    expect(small.decode([small.vocabSize, 151_900])).toBe('');
  });

  it('shows a part of a character as U+FFFD and keeps a leading byte order mark', () => {
    const [first = 0] = small.encode('中');
    expect(small.tokenText(first)).toBe('\uFFFD');
    expect(small.decode(small.encode('\uFEFFa'))).toBe('\uFEFFa');
  });

  it('encodes a very long word in reasonable time', () => {
    const word = 'abcdefgh'.repeat(20_000);
    expect(small.decode(small.encode(word))).toBe(word);
  });

  it('names a token that it does not have', () => {
    expect(() => small.idOf('<|nothing|>')).toThrow(UserError);
    expect(small.findId('<|nothing|>')).toBeUndefined();
  });
});

describe('the Qwen pattern', () => {
  const split = (text: string): readonly string[] => splitWords(text, cutAt(QWEN_PATTERN));

  it('keeps a space with its word, and digits apart', () => {
    expect(split("I'LL pay 120 €!\n\nok")).toEqual(['I', "'LL", ' pay', ' ', '1', '2', '0', ' €!\n\n', 'ok']);
  });

  it('takes U+0085 for a space and U+FEFF for none, as Oniguruma does', () => {
    expect(split('a\u0085\u0085b')).toEqual(['a', '\u0085', '\u0085b']);
    expect(split('a \uFEFF')).toEqual(['a', ' \uFEFF']);
  });

  it('loses nothing between the matches of a pattern that does not cover the text', () => {
    expect(splitWords('a-b--c', cutAt('[a-z]'))).toEqual(['a', '-', 'b', '--', 'c']);
  });

  it('is refused by name when it is not understood', () => {
    expect(() => cutAt('[[:nothing:]]')).toThrow(/split pattern/);
  });
});

describe('a tokenizer folder', () => {
  const folder = join(scratch, 'small');
  small.withChatTemplate('{{ messages }}').save(folder);

  /** The fault that loading reports after `edit` changed one of the files. */
  function fault(file: string, edit: (text: string) => string): string {
    const broken = join(scratch, 'broken');
    rmSync(broken, { recursive: true, force: true });
    cpSync(folder, broken, { recursive: true });
    writeFileSync(join(broken, file), edit(readFileSync(join(folder, file), 'utf8')));
    try {
      Tokenizer.load(broken);
      return 'none';
    } catch (thrown) {
      return thrown instanceof UserError ? thrown.message.replace(broken, 'folder') : String(thrown);
    }
  }

  it('holds the five files of a Hugging Face checkpoint, with the template in both places', () => {
    const loaded = Tokenizer.load(folder);
    expect(loaded.chatTemplate).toBe('{{ messages }}');
    const config = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(config.chat_template).toBe('{{ messages }}');
    const vocab = JSON.parse(readFileSync(join(folder, 'vocab.json'), 'utf8')) as Record<string, number>;
    expect(Object.keys(vocab)).toHaveLength(small.vocabSize - 11);
    expect(readFileSync(join(folder, 'merges.txt'), 'utf8').trimEnd().split('\n')).toHaveLength(
      272 - 256 - 11 + 1,
    );
  });

  it('is the same after saving and loading', () => {
    const loaded = Tokenizer.load(folder);
    fc.assert(
      fc.property(trickyText, (text) => {
        expect(loaded.encode(text)).toEqual(small.encode(text));
      }),
    );
    expect([loaded.vocabSize, loaded.eosId, loaded.padId]).toEqual([
      small.vocabSize,
      small.eosId,
      small.padId,
    ]);
  });

  it('reports its faults as one sentence', () => {
    expect(() => Tokenizer.load(join(scratch, 'nowhere'))).toThrow(
      /Cannot read .*tokenizer\.json: it does not exist/,
    );
    expect(fault('tokenizer.json', (text) => text.slice(0, 100))).toMatch(
      /folder\/tokenizer\.json is not valid JSON/,
    );
    expect(fault('tokenizer.json', () => '[]')).toMatch(/must hold a JSON object/);
    expect(fault('tokenizer.json', (text) => text.replace('"BPE"', '"Unigram"'))).toMatch(
      /has a model of type Unigram, which tinystar does not compute/,
    );
    expect(fault('tokenizer.json', (text) => text.replace('"NFC"', '"Nmt"'))).toMatch(
      /a normalizer of type Nmt, which/,
    );
    expect(fault('tokenizer.json', (text) => text.replace('"Isolated"', '"Sideways"'))).toMatch(
      /a pre_tokenizer of type Split with the options .*Sideways/,
    );
    expect(fault('tokenizer.json', (text) => text.replace('"merges":["', '"merges":["qq'))).toMatch(
      /number 0/,
    );
    expect(fault('tokenizer_config.json', () => '{')).toMatch(
      /folder\/tokenizer_config\.json is not valid JSON/,
    );
  });

  it('reads merges written as pairs, as newer versions do', () => {
    const pairs = (text: string): string => {
      const whole = JSON.parse(text) as { model: { merges: string[] } };
      return JSON.stringify({
        ...whole,
        model: { ...whole.model, merges: whole.model.merges.map((m) => m.split(' ')) },
      });
    };
    expect(fault('tokenizer.json', pairs)).toBe('none');
  });
});
