/** Training data of a stage as engines read them: whole sequences with a teacher's distributions, or prompts with labels. */
import { join } from 'node:path';
import { InternalError, required, UserError } from '../../../src/base/errors.ts';
import { LineWriter } from '../../../src/base/line-writer.ts';
import { assistantTurn } from '../../../src/chat/generation.ts';
import { renderDialogue } from '../../../src/data/render.ts';
import { lessonsOf } from '../../../src/stages/index.ts';
import { leftOut, storedPrompts } from '../../../src/stages/lessons.ts';
import type { Learner, Lessons, StageContext } from '../../../src/stages/stage.ts';
import { promptLimit } from '../../../src/train/prompts.ts';
import type { HandedStage } from './options.ts';
import { type Columns, ParquetFile } from './parquet.ts';

/** Stage whose data are written, with what it reads them through. */
export interface DataSource {
  readonly stage: HandedStage;
  readonly context: StageContext;
  readonly learner: Learner;
}

/** Sizes of data that were written. */
export interface DataFacts {
  /** Sequences or prompts. */
  readonly rows: number;
  /** Tokens that are trained on; 0 where they are still to be drawn. */
  readonly tokens: number;
  /** Sentences about what was left out. */
  readonly warnings: readonly string[];
}

export const NO_DATA: DataFacts = { rows: 0, tokens: 0, warnings: [] };

/** Writes the data of a stage into a folder. Throws UserErrors, and the signal's reason when it fires. */
export type WriteData = (source: DataSource, folder: string) => Promise<DataFacts>;

/** Label of tokens that are not trained on, as in PyTorch. */
const IGNORED = -100;

/** Prompt and answer as one sequence of tokens. */
interface Sequence {
  readonly ids: readonly number[];
  /** Tokens that are trained on, IGNORED elsewhere. */
  readonly labels: readonly number[];
  /** Of each token that is trained on the teacher's k likeliest, in order. */
  readonly teacherIds: readonly number[];
  readonly teacherLogprobs: readonly number[];
  /** Tokens that are trained on. */
  readonly rows: number;
}

/** The sequences that a supervised stage learns from, each prompt written out before each of its answers. */
async function* sequences(context: StageContext, { examples }: Lessons): AsyncGenerator<Sequence> {
  for (const pending of examples) {
    context.signal.throwIfAborted();
    const { prompt, completions } = await pending.make(context.signal);
    for (const { tokens, rows, inputs } of completions) {
      const labels = Array.from({ length: prompt.length + tokens.length }, () => IGNORED);
      for (const row of rows) labels[prompt.length + row] = tokens[row] ?? IGNORED;
      yield {
        ids: [...prompt, ...tokens],
        labels,
        teacherIds: Array.from(inputs['teacher_ids'] ?? []),
        teacherLogprobs: Array.from(inputs['teacher_logprobs'] ?? []),
        rows: rows.length,
      };
    }
  }
}

const LIST = { of: 'i32', lists: 1 } as const;

async function writeRows<Row extends Readonly<Record<string, unknown>>>(
  source: DataSource,
  folder: string,
  columns: Columns,
  rowOf: (sequence: Sequence) => Row,
): Promise<DataFacts> {
  const { stage, context, learner } = source;
  const lessons = await lessonsOf(stage, context, learner);
  if (lessons === undefined)
    throw new InternalError(`stage ${stage.name} learns from what it draws, and has no sequences`);
  using file = new ParquetFile<Row>(join(folder, 'train.parquet'), columns);
  let tokens = 0;
  for await (const sequence of sequences(context, lessons)) {
    file.write(rowOf(sequence), 2 * (sequence.ids.length + sequence.teacherIds.length));
    tokens += sequence.rows;
  }
  file.finish();
  return { rows: file.rows, tokens, warnings: lessons.warnings ?? [] };
}

/** Writes sequences as tokens, labels and, flat, the teacher's entries of every token with a label. */
export const writeSequences: WriteData = (source, folder) => {
  const taught = 'kd_topk' in source.stage;
  const teacher: Columns = taught ? { teacher_ids: LIST, teacher_logprobs: { of: 'f32', lists: 1 } } : {};
  return writeRows(
    source,
    folder,
    { input_ids: LIST, labels: LIST, ...teacher },
    ({ ids, labels, teacherIds, teacherLogprobs }) => ({
      input_ids: ids,
      labels,
      ...(taught ? { teacher_ids: teacherIds, teacher_logprobs: teacherLogprobs } : {}),
    }),
  );
};

/**
 * Writes sequences as Axolotl's KD plugin reads them: at every position the teacher's entries for the token behind it,
 * masked where that one is not trained on.
 */
export const writeShifted: WriteData = (source, folder) => {
  const { stage } = source;
  const base: Columns = { input_ids: LIST, attention_mask: LIST, labels: LIST };
  if (!('kd_topk' in stage))
    return writeRows(source, folder, base, ({ ids, labels }) => ({
      input_ids: ids,
      attention_mask: ids.map(() => 1),
      labels,
    }));
  const k = stage.kd_topk;
  const columns: Columns = {
    ...base,
    target_token_ids: { of: 'i32', lists: 2 },
    target_logprobs: { of: 'f32', lists: 2 },
    target_mask: { of: 'i32', lists: 2 },
  };
  const [noIds, noLogprobs, no, yes] = [
    Array.from({ length: k }, (_, i) => i),
    Array.from({ length: k }, () => -1),
    Array.from({ length: k }, () => 0),
    Array.from({ length: k }, () => 1),
  ];
  return writeRows(source, folder, columns, ({ ids, labels, teacherIds, teacherLogprobs }) => {
    let row = -1;
    const taught = labels.slice(1).map((label) => (label === IGNORED ? undefined : (row += 1)));
    const at = [...taught, undefined];
    const entries = (all: readonly number[], none: readonly number[]): (readonly number[])[] =>
      at.map((own) => (own === undefined ? none : all.slice(own * k, (own + 1) * k)));
    return {
      input_ids: ids,
      attention_mask: ids.map(() => 1),
      labels,
      target_token_ids: entries(teacherIds, noIds),
      target_logprobs: entries(teacherLogprobs, noLogprobs),
      target_mask: at.map((own) => (own === undefined ? no : yes)),
    };
  });
};

/** Prompt, rendered as the stage renders it, with what its answers are compared with. */
export interface LabelledPrompt {
  readonly id: string;
  readonly prompt: string;
  /** The right turn of the assistant, thought included. */
  readonly label: string;
  /** Functions as JSON, so that Arrow adds nothing to them. */
  readonly tools: string;
}

/** Prompts of a stage that draws answers; those that are too long are counted. */
function* promptsOf(
  { stage, context, learner }: DataSource,
  onTooLong: () => void,
): Generator<LabelledPrompt> {
  const { tokenizer, template, config } = learner;
  const most = promptLimit(stage.name, stage, config);
  const dialogues = context.dialogues('train');
  const count = Math.min(('prompts' in stage ? stage.prompts : undefined) ?? Infinity, dialogues.length);
  for (let i = 0; i < count; i++) {
    context.signal.throwIfAborted();
    const dialogue = required(dialogues.at(i), 'a dialogue');
    const { id, prompt, promptIds, target } = renderDialogue(dialogue, tokenizer, template, false);
    if (promptIds.length > most) {
      onTooLong();
      continue;
    }
    const label = assistantTurn(prompt, target, template.format);
    yield { id, prompt, label, tools: JSON.stringify(dialogue.tools) };
  }
}

function writePrompts(source: DataSource, write: (prompt: LabelledPrompt, index: number) => void): DataFacts {
  let [rows, tooLong] = [0, 0];
  for (const prompt of promptsOf(source, () => (tooLong += 1))) write(prompt, rows++);
  if (rows === 0)
    throw new UserError(
      'NO_PROMPTS',
      `Stage ${source.stage.name} has no prompt to hand over (${tooLong} are too long); check the recipe's data, or raise prompt_max_len.`,
    );
  return { rows, tokens: 0, warnings: leftOut(tooLong) };
}

/** Makes a writer of prompts as lines of JSON. */
export const promptLines =
  (lineOf: (prompt: LabelledPrompt) => Readonly<Record<string, string>>): WriteData =>
  async (source, folder) => {
    using lines = new LineWriter(join(folder, 'train.jsonl'));
    const facts = writePrompts(source, (prompt) => lines.write(JSON.stringify(lineOf(prompt))));
    lines.commit();
    return facts;
  };

const TEXT = { of: 'text' } as const;
const VERL_COLUMNS: Columns = {
  data_source: TEXT,
  prompt: { lists: 1, fields: { role: TEXT, content: TEXT } },
  ability: TEXT,
  reward_model: { fields: { style: TEXT, ground_truth: TEXT } },
  extra_info: { fields: { index: { of: 'i64' }, id: TEXT, prompt: TEXT, tools: TEXT } },
};

/** A prompt as verl reads it: a conversation of one message, which its template passes on as it is. */
const verlRow = ({ id, prompt, label, tools }: LabelledPrompt, index: number) => ({
  data_source: 'tinystar',
  prompt: [{ role: 'user', content: prompt }],
  ability: 'function_calling',
  reward_model: { style: 'rule', ground_truth: label },
  extra_info: { index: BigInt(index), id, prompt, tools },
});

/** Writes prompts with their labels as verl reads them. */
export const writeVerlPrompts: WriteData = async (source, folder) => {
  using file = new ParquetFile(join(folder, 'train.parquet'), VERL_COLUMNS);
  const facts = writePrompts(source, (prompt, index) =>
    file.write(verlRow(prompt, index), 2 * prompt.prompt.length + prompt.label.length),
  );
  file.finish();
  return facts;
};

/** Writes the prompts of a rollout stage as verl reads them; the stored answers are left out. */
export const writeVerlRollouts: WriteData = async ({ stage, context, learner }, folder) => {
  if (!('data' in stage)) throw new InternalError(`verl: ${stage.kind} has no rollouts`);
  const { prompts, tooLong } = storedPrompts(context, stage, learner);
  using file = new ParquetFile(join(folder, 'train.parquet'), VERL_COLUMNS);
  prompts.forEach(({ id, prompt }, index) =>
    file.write(verlRow({ id, prompt, label: '', tools: '[]' }, index), 2 * prompt.length),
  );
  file.finish();
  return { rows: file.rows, tokens: 0, warnings: leftOut(tooLong) };
};
