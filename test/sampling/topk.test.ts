/** The top-k store: exact to half precision, small, read at any place, and damage is told. */
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { hasDistribution, LOWEST, type TopKSequence } from '../../src/topk/format.ts';
import { summarise } from '../../src/topk/inspect.ts';
import { TopKFile } from '../../src/topk/reader.ts';
import { TopKWriter } from '../../src/topk/writer.ts';
import { runCli } from '../helpers/cli.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-topk-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const QWEN = { tokenizer: 'qwen3', vocabSize: 151_669, topK: 100 };

/** A sequence whose rows are softmaxes of random logits over `vocabSize` tokens, cut to the k likeliest. */
function randomSequence(rng: Rng, vocabSize: number, k: number, tokens: number, rows: number): TopKSequence {
  const ids = new Int32Array(rows * k);
  const logprobs = new Float32Array(rows * k);
  const sampled = Int32Array.from({ length: tokens }, () => rng.below(vocabSize));
  const own = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const logits = Array.from({ length: k + 20 }, () => 4 * rng.normal()).toSorted((a, b) => b - a);
    const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    const first = rng.below(vocabSize - k - 20);
    for (let i = 0; i < k; i++) {
      ids[row * k + i] = first + ((i * 7) % (k + 20));
      logprobs[row * k + i] = (logits[i] ?? 0) - total;
    }
    sampled[tokens - rows + row] = ids[row * k + (row % k)] ?? 0;
    own[row] = logprobs[row * k + (row % k)] ?? 0;
  }
  return { tokens: asTokenIds(sampled), logprobs: own, top: { ids, logprobs } };
}

function write(path: string, sequences: readonly TopKSequence[], facts = QWEN): void {
  using writer = new TopKWriter(path, facts);
  for (const sequence of sequences) writer.append(sequence);
  writer.finish();
}

/** The largest difference of two lists of log-probabilities, as probabilities. */
function apart(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, i) => Math.abs(Math.exp(value) - Math.exp(b[i] ?? 0))));
}

describe('what is written is read', () => {
  for (const vocabSize of [512, 65_536, 151_669]) {
    test(`in any order, with a vocabulary of ${vocabSize}`, () => {
      const rng = Rng.seeded(vocabSize);
      const path = join(scratch, `${vocabSize}.topk`);
      const sequences = [0, 5, 17, 1].map((rows) => randomSequence(rng, vocabSize, 20, 9 + rows, rows));
      write(path, sequences, { tokenizer: 'x', vocabSize, topK: 20 });
      const file = new TopKFile(path);
      expect({ length: file.length, rows: file.rows }).toEqual({ length: 4, rows: 23 });
      for (const i of [3, 0, 2, 1]) {
        const [wanted, found] = [sequences[i]!, file.read(i)];
        expect(found.tokens).toEqual(wanted.tokens);
        expect(file.tokens(i)).toEqual(wanted.tokens);
        expect(found.top.ids).toEqual(wanted.top.ids);
        expect(apart(found.top.logprobs, wanted.top.logprobs)).toBeLessThan(2e-4);
        expect(apart(found.logprobs, wanted.logprobs)).toBeLessThan(2e-4);
      }
    });
  }

  test('a probability of zero stays one, and a row without a distribution is known', () => {
    const path = join(scratch, 'zero.topk');
    const logprobs = Float32Array.of(-0.1, -Infinity, -3.4e38, LOWEST);
    const ids = Int32Array.of(4, 5, 0, 0);
    write(path, [{ tokens: asTokenIds([4, 9]), logprobs: logprobs.subarray(0, 2), top: { ids, logprobs } }], {
      ...QWEN,
      topK: 2,
    });
    const file = new TopKFile(path);
    const { top } = file.read(0);
    expect(Array.from(top.logprobs, Math.exp).slice(1)).toEqual([0, 0, 0]);
    // Distillation makes of such an entry: nothing, and not NaN.
    expect(Math.exp(top.logprobs[1]!) * (top.logprobs[1]! - -3)).toBe(-0);
    expect([hasDistribution(top, 2, 0), hasDistribution(top, 2, 1)]).toEqual([true, false]);
  });

  test('a token of a vocabulary like Qwen3 takes 505 bytes, 500 of them for the 100 entries', () => {
    const path = join(scratch, 'size.topk');
    const rng = Rng.seeded(1);
    const size = (rows: number): number => {
      write(path, [randomSequence(rng, QWEN.vocabSize, 100, rows, rows)]);
      return readFileSync(path).length;
    };
    expect((size(300) - size(100)) / 200).toBe(505);
  });
});

describe('a store that was interrupted', () => {
  test('cannot be read, and goes on to the same bytes from any number of its sequences', () => {
    const rng = Rng.seeded(3);
    const sequences = Array.from({ length: 5 }, (_, i) => randomSequence(rng, 151_669, 100, 4 + i, i));
    const whole = join(scratch, 'whole.topk');
    write(whole, sequences);
    const path = join(scratch, 'cut.topk');
    for (const kept of [0, 2, 5]) {
      {
        using writer = new TopKWriter(path, QWEN);
        for (const sequence of sequences.slice(0, 4)) writer.append(sequence);
      }
      expect(() => new TopKFile(path)).toThrow(/cut short or still being written: its index is missing/);
      using writer = new TopKWriter(path, QWEN, kept);
      const left = Math.min(kept, 4);
      expect(writer.length).toBe(left);
      for (const sequence of sequences.slice(left)) writer.append(sequence);
      writer.finish();
      expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
    }
  });

  test('by a power cut goes on with what is whole', () => {
    const rng = Rng.seeded(4);
    const path = join(scratch, 'power.topk');
    write(
      path,
      [3, 3, 3].map((rows) => randomSequence(rng, 151_669, 100, 4, rows)),
    );
    truncateSync(path, 3200);
    using writer = new TopKWriter(path, QWEN, 3);
    expect(writer.length).toBe(2);
  });

  test('is not continued with another tokenizer', () => {
    const path = join(scratch, 'other.topk');
    write(path, [randomSequence(Rng.seeded(5), 151_669, 100, 4, 2)]);
    expect(() => new TopKWriter(path, { ...QWEN, tokenizer: 'llama' }, 1)).toThrow(
      /begun with another tokenizer/,
    );
  });
});

describe('damage', () => {
  const path = join(scratch, 'damaged.topk');
  const good = (() => {
    write(
      path,
      [3, 0, 8].map((rows) => randomSequence(Rng.seeded(rows), 151_669, 20, 9, rows)),
      {
        ...QWEN,
        topK: 20,
      },
    );
    return readFileSync(path);
  })();
  const readAll = (): void => {
    const file = new TopKFile(path);
    for (let i = 0; i < file.length; i++) file.read(i);
  };

  test('of any byte is noticed and told in one sentence that names the file', () => {
    const rng = Rng.seeded(6);
    const places = [0, 8, 12, 30, ...Array.from({ length: 300 }, () => rng.below(good.length))];
    for (const place of places) {
      const bytes = Buffer.from(good);
      bytes[place] = (bytes[place] ?? 0) ^ (1 << rng.below(8));
      writeFileSync(path, bytes);
      expect(readAll, `byte ${place}`).toThrow(/^[^\n]*damaged\.topk [^\n]+; [^\n]+\.$/);
    }
  });

  test('of a file that was cut anywhere is noticed', () => {
    for (let length = 0; length < good.length; length += 1 + Math.floor(good.length / 100)) {
      writeFileSync(path, good.subarray(0, length));
      expect(readAll, `${length} bytes`).toThrow(/cut short|no top-k store/);
    }
  });

  test('of one sequence leaves the others readable', () => {
    const bytes = Buffer.from(good);
    bytes[good.length - 100] = (bytes[good.length - 100] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const file = new TopKFile(path);
    expect(file.read(0).tokens.length).toBe(9);
    expect(() => file.read(2)).toThrow(/damaged: the checksum of sequence 2 does not match/);
  });
});

describe('data topk', () => {
  const path = join(scratch, 'known.topk');
  const tokenizer = trainVocabulary({ seed: 1, size: 320, groups: 2 });
  const student = join(scratch, 'student');
  tokenizer.save(student);
  const facts = { tokenizer: tokenizer.fingerprint(), vocabSize: tokenizer.vocabSize, topK: 2 };
  const ln = (...p: number[]): Float32Array => Float32Array.from(p, Math.log);
  // A prompt, and an answer with a sure token, one drawn from the second place, and one from outside.
  const known: TopKSequence[] = [
    {
      tokens: asTokenIds([1, 2, 3]),
      logprobs: new Float32Array(0),
      top: { ids: new Int32Array(0), logprobs: new Float32Array(0) },
    },
    {
      tokens: asTokenIds([7, 8, 9]),
      logprobs: ln(1, 0.25, 0.125),
      top: { ids: Int32Array.of(7, 1, 5, 8, 5, 6), logprobs: ln(1, 0, 0.5, 0.25, 0.5, 0.25) },
    },
  ];
  write(path, known, facts);

  test('tells mass, entropy and ranks as they are computed by hand', async () => {
    const { stdout, code } = await runCli(['data', 'topk', path, '--json']);
    expect(code).toBe(0);
    const summary = JSON.parse(stdout) as ReturnType<typeof summarise>;
    // Two of the tokens have 0.5, 0.25 and a rest of 0.25: 1.5 bits.
    expect(summary.mass.mean).toBeCloseTo((1 + 0.75 + 0.75) / 3, 3);
    expect(summary.entropy.mean).toBeCloseTo((2 * 1.5 * Math.LN2) / 3, 3);
    expect(summary.rank.upTo).toEqual({ 1: 1 / 3, 2: 1 / 3 });
    expect(summary.rank.outside).toBe(1 / 3);
    expect(summary.sampledLogprob).toBeCloseTo((0 + Math.log(0.25) + Math.log(0.125)) / 3, 3);
    expect(summary).toMatchObject({
      sequences: 2,
      answers: 1,
      tokens: 3,
      topK: 2,
      faults: { mass: 0, ids: 0 },
    });
  });

  test('shows tokens as text with the tokenizer of the student', async () => {
    const { stdout, stderr, code } = await runCli([
      'data',
      'topk',
      path,
      '--student',
      student,
      '--show',
      '1',
    ]);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toMatch(/mass covered +0\.83/);
    expect(stdout).toContain(JSON.stringify(tokenizer.tokenText(7)));
    expect(stdout).toMatch(/>2 +0\.125 +0\.750/);
  });

  test('refuses a store whose tokenizer is not the student', async () => {
    const other = join(scratch, 'other');
    trainVocabulary({ seed: 2, size: 330, groups: 2 }).save(other);
    const { stdout, stderr, code } = await runCli(['data', 'topk', path, '--student', other]);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toMatch(/is in another vocabulary \(\w+\) than the student's \(\w+\); use a teacher/);
  });

  test('names rows that are no distributions', () => {
    const wrong = join(scratch, 'wrong.topk');
    write(
      wrong,
      [
        {
          tokens: asTokenIds([1]),
          logprobs: ln(0.5),
          top: { ids: Int32Array.of(1, 999), logprobs: ln(0.9, 0.9) },
        },
      ],
      facts,
    );
    const file = new TopKFile(wrong);
    expect(summarise(file).faults).toEqual({ mass: 1, ids: 1 });
  });

  test('names a header whose checksum is right and whose words are not', () => {
    const path = join(scratch, 'header.topk');
    for (const words of ['{"tokenizer": "x"}', '[01]', 'null']) {
      const json = Buffer.from(words);
      const start = Buffer.alloc(20);
      start.write('TINYTOPK');
      start.writeUInt32LE(1, 8);
      start.writeUInt32LE(json.length, 12);
      start.writeUInt32LE(crc32(json), 16);
      writeFileSync(path, Buffer.concat([start, json]));
      expect(() => new TopKFile(path)).toThrow(/header\.topk has a damaged header; draw the rollouts again/);
    }
  });

  test('names a file that is none', async () => {
    const { stderr, code } = await runCli(['data', 'topk', join(student, 'tokenizer.json')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/tokenizer\.json is no top-k store/);
    expect(existsSync(join(scratch, 'nothing'))).toBe(false);
    expect((await runCli(['data', 'topk', join(scratch, 'nothing')])).stderr).toMatch(/it does not exist/);
  });
});
