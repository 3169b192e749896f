/** Rows on their way through a command: counted in sight of the user, kept or left out, and written whole or not at all. */
import { LineWriter } from '../../../src/base/line-writer.ts';
import { Owned } from '../../../src/base/owned.ts';
import { Tally } from '../../../src/data/convert.ts';
import type { Rejected } from '../../../src/data/reading.ts';
import { table } from '../../report/src/table.ts';
import type { CliContext } from './context.ts';
import { type OutputStream, StatusLine } from './terminal.ts';
import { optional, text } from './flags.ts';
import { checkOutputs, outputName, tellingStream } from './outputs.ts';

export const rejectsFlag = optional(text('What is left out, each row with its reason', 'FILE'));

/** Arguments that are files of records. */
export const recordFiles = { brief: 'Records, as data convert writes them', placeholder: 'FILE' };

export class RowOutputs implements Disposable {
  /** Reasons of what is left out. */
  readonly dropped = new Tally();
  /** Stream on which the command says what it has done, and the output's name in a sentence. */
  readonly telling: OutputStream;
  readonly name: string;
  readonly #owned = new Owned();
  readonly #rejects: LineWriter | undefined;
  readonly #output: LineWriter | undefined;
  readonly #status: StatusLine;
  #rows = 0;
  kept = 0;
  /** The first that is left out. */
  firstDropped: Rejected | undefined;

  /** Begins the outputs; throws a UserError where one of them is an `input`. */
  constructor(
    context: CliContext,
    inputs: readonly string[],
    { output, rejects }: Partial<Record<'output' | 'rejects', string>>,
  ) {
    this.telling = tellingStream(context, { output, rejects });
    this.name = outputName(output ?? '');
    checkOutputs(inputs, { output, rejects });
    this.#status = this.#owned.add(new StatusLine(context.process.stderr, context.services.now));
    const writer = (path: string | undefined): LineWriter | undefined =>
      path === undefined ? undefined : this.#owned.add(new LineWriter(path));
    [this.#rejects, this.#output] = this.#owned.opening(() => [writer(rejects), writer(output)]);
  }

  /** Reads the rows of each input by `read`, counted on a terminal; what is rejected is left out. */
  async *read<T extends object>(
    inputs: readonly string[],
    read: (input: string) => AsyncIterable<T | { readonly rejected: Rejected }>,
  ): AsyncGenerator<T> {
    for (const input of inputs) {
      for await (const row of read(input)) {
        this.#rows += 1;
        // The clock is asked now and then only: rows pass by the thousand.
        if (this.#status.isTerminal && this.#rows % 64 === 0)
          this.#status.update(
            (seconds) => `${this.#rows} rows, ${(this.#rows / seconds).toFixed(0)} a second`,
          );
        if ('rejected' in row) this.drop(row.rejected);
        else yield row;
      }
    }
  }

  keep(line: string): void {
    this.kept += 1;
    this.#output?.write(line);
  }

  drop(rejected: Rejected): void {
    this.firstDropped ??= rejected;
    this.dropped.add(rejected.code);
    this.#rejects?.write(JSON.stringify(rejected));
  }

  /** Puts what was left out in its place and, with the output, what was kept; the counter goes. */
  commit(withOutput = true): void {
    this.#status.clear();
    if (withOutput) this.#output?.commit();
    this.#rejects?.commit();
  }

  /** Says how often what was left out, under `word`, after other rows of the table. */
  tellDropped(word: string, rows: readonly (readonly string[])[] = []): void {
    const dropped = this.dropped.entries().map(([code, count]) => [word, code, String(count)]);
    this.telling.write(table([...rows, ...dropped], ['left', 'left', 'right']));
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]();
  }
}
