/**
 * From records to training records: rendering, tokenising, and both with reading and writing, as `data render` does it.
 * Without more the records are generated and the vocabulary is the project's own. Real ones are measured with
 *
 *     BENCH_RECORDS=records.jsonl BENCH_TOKENIZER=Qwen3-0.6B npm run bench
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { LineWriter } from '../src/base/line-writer.ts';
import { ChatTemplate } from '../src/chat/template.ts';
import { Tokenizer } from '../src/chat/tokenizer.ts';
import { inventedGroup } from '../packages/assistant/src/index.ts';
import { type DataRecord, readRecord, recordLine } from '../src/data/record.ts';
import { type Rendered, renderRecord, type RenderMode } from '../src/data/rendering.ts';
import { renderedLine, renderRows } from '../src/data/rendering.ts';
import { fileRows } from '../src/data/streams/rows.ts';
import { trainVocabulary } from '../packages/assistant/src/vocabulary.ts';
import { fromJson } from '../src/json/python.ts';
import type { JsonValue } from '../src/json/value.ts';
import { compare, type Timed } from './compare.ts';

const GROUPS = 128;
const MOST_RECORDS = 1024;
/** Hugging Face's tokenizer for JavaScript is slow: some of the records are enough to compare with it. */
const PEER_RECORDS = 128;

/** Generated dialogues with invented functions, every group with tools of its own. */
function generated(): DataRecord[] {
  const dialogues = Array.from({ length: GROUPS }, (_, i) => inventedGroup(1, i)).flat();
  return dialogues
    .slice(0, MOST_RECORDS)
    .map((dialogue) => readRecord(fromJson(dialogue as unknown as JsonValue), dialogue.id));
}

async function recordsOf(path: string): Promise<DataRecord[]> {
  const records: DataRecord[] = [];
  for await (const { value, where } of fileRows(path)) {
    records.push(readRecord(value ?? null, where));
    if (records.length === MOST_RECORDS) break;
  }
  return records;
}

/** Seconds that this process computed: what one core gives, however busy the machine is. */
async function cpuSeconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Measures the data pipeline, and prints what was measured. */
export async function dataPipeline(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'tinystar-bench-data-'));
  try {
    await measure(scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function measure(scratch: string): Promise<void> {
  const { BENCH_RECORDS: path, BENCH_TOKENIZER: folder = join(scratch, 'tokenizer') } = process.env;
  if (process.env['BENCH_TOKENIZER'] === undefined)
    trainVocabulary({ seed: 1, size: 2048, groups: 64 }).save(folder);
  const tokenizer = Tokenizer.load(folder);
  const template = ChatTemplate.of(tokenizer);
  const records = path === undefined ? generated() : await recordsOf(path);
  const input = join(scratch, 'records.jsonl');
  writeFileSync(input, records.map((record) => `${recordLine(record)}\n`).join(''));
  const render = (mode: RenderMode): Rendered[] =>
    records.map((record) => renderRecord(record, { template, mode, reasoning: true }));

  await compare(`rendering ${records.length} records, CPU time`, [
    { name: 'mode star', work: records.length, unit: 'rows/s', run: () => cpuSeconds(() => render('star')) },
    {
      name: 'mode native',
      work: records.length,
      unit: 'rows/s',
      run: () => cpuSeconds(() => render('native')),
    },
  ]);
  await tokenising(render('star').slice(0, PEER_RECORDS), folder);

  const limits = { maxPromptTokens: 5120, maxTargetTokens: Infinity };
  let tokens = 0;
  const whole = async (): Promise<void> => {
    tokens = 0;
    using output = new LineWriter(join(scratch, 'train.jsonl'));
    const options = { tokenizer, template, mode: 'star', reasoning: true, ...limits } as const;
    for await (const row of renderRows(fileRows(input), options)) {
      if (!('rendered' in row)) throw new Error(row.rejected.message);
      output.write(renderedLine(row.rendered));
      tokens += row.promptTokens + row.targetTokens;
    }
    output.commit();
  };
  await whole();
  const run = (): Promise<number> => cpuSeconds(whole);
  await compare('data render as a whole: read, render, tokenise, write; CPU time', [
    { name: 'rows', work: records.length, unit: 'rows/s', run },
    { name: 'their tokens', work: tokens, unit: 'tokens/s', run },
  ]);
}

/** The tokenizer against Hugging Face's own for JavaScript; each with a cache that is empty at first. */
async function tokenising(records: readonly Rendered[], folder: string): Promise<void> {
  const texts = records.map(({ inputs, targets }) => inputs + targets);
  const { vocabSize } = Tokenizer.load(folder);
  const lengths = (encode: (text: string) => ArrayLike<number>): number =>
    texts.reduce((sum, text) => sum + encode(text).length, 0);
  const ours = () => {
    const tokenizer = Tokenizer.load(folder);
    return (text: string) => tokenizer.encode(text);
  };
  const peer = () => {
    const files = ['tokenizer.json', 'tokenizer_config.json'] as const;
    const [model, config] = files.map(
      (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as object,
    );
    const tokenizer = new HuggingFaceTokenizer(model!, config!);
    return (text: string) => tokenizer.encode(text).ids;
  };
  const tokens = lengths(ours());
  const candidate = (name: string, open: () => (text: string) => ArrayLike<number>): Timed => ({
    name,
    work: tokens,
    unit: 'tokens/s',
    run: () => {
      const encode = open();
      return cpuSeconds(() => {
        if (lengths(encode) !== tokens) throw new Error(`${name} makes other tokens of the same texts`);
      });
    },
  });
  await compare(`tokenising ${texts.length} of them, vocabulary ${vocabSize}, CPU time`, [
    candidate('tinystar', ours),
    candidate('@huggingface/tokenizers', peer),
  ]);
}
