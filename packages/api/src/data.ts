/** Files of dialogues: read, converted from public formats, rendered for training. */
import type { Dialogue } from '../../../src/chat/messages.ts';
import { ChatTemplate } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { type ConvertOptions as RowOptions, convertRows } from '../../../src/data/convert.ts';
import { formatNamed } from '../../../src/data/formats/index.ts';
import { recordLine } from '../../../src/data/record.ts';
import { renderDialogue, type TrainingRecord } from '../../../src/data/render.ts';
import { parseDialogue, readDialogues as readFile, type Rejected } from '../../../src/data/reading.ts';
import { fileRows } from '../../../src/data/streams/rows.ts';

/**
 * Dialogues of a JSONL file, each with the right answer as its last message. Lines may be this project's records or
 * `{"tools", "messages"}` of the usual chat formats. Throws a UserError that names the first line that is neither.
 *
 * @example
 * for (const { id, messages } of readDialogues('train.jsonl')) console.log(id, messages.length);
 */
export function* readDialogues(path: string): Generator<Dialogue, void, undefined> {
  yield* readFile(path);
}

export interface ConvertOptions extends Pick<RowOptions, 'source' | 'jsonSchema'> {
  /** Name of the format, such as `xlam`, `toolace` or `openai`; without it each row's own looks decide. */
  readonly format?: string;
}

/** A row as a record, or the reason why it is none. */
export type ConvertedRow =
  | {
      readonly kind: 'record';
      /** One line of JSONL with the values exactly as they were written: 5.0 stays apart from 5. */
      readonly line: string;
      readonly format: string;
    }
  | ({ readonly kind: 'rejected' } & Rejected);

/**
 * Rows of a public data set (JSONL, JSON or parquet, packed or not) as records for training. One row is in memory at a time.
 *
 * @example
 * for await (const row of convertFile('xlam.json')) {
 *   if (row.kind === 'record') output.write(`${row.line}\n`);
 *   else console.error(row.where, row.message);
 * }
 */
export async function* convertFile(
  path: string,
  { format, ...options }: ConvertOptions = {},
): AsyncGenerator<ConvertedRow, void, undefined> {
  const chosen = { ...options, ...(format === undefined ? {} : { format: formatNamed(format) }) };
  for await (const row of convertRows(fileRows(path), chosen)) {
    if ('record' in row) yield { kind: 'record', line: recordLine(row.record), format: row.format };
    else yield { kind: 'rejected', ...row.rejected };
  }
}

/** Reads one line of JSONL, such as `convertFile` gives, as a dialogue; throws a UserError. */
export const parseRecord = (line: string): Dialogue => parseDialogue(line);

/** A dialogue as a model learns it: what it reads, and what it shall write after that. */
export type RenderedDialogue = Pick<TrainingRecord, 'prompt' | 'target' | 'promptIds' | 'targetIds'>;

/**
 * Renders dialogues through a checkpoint's chat template. Throws a UserError for one that the template refuses.
 *
 * @example
 * const render = dialogueRenderer(bases.student);
 * const { prompt, target } = render(dialogue);
 */
export function dialogueRenderer(checkpoint: string): (dialogue: Dialogue) => RenderedDialogue {
  const tokenizer = Tokenizer.load(checkpoint);
  const template = ChatTemplate.of(tokenizer).fixed(undefined);
  return (dialogue) => renderDialogue(dialogue, tokenizer, template);
}
