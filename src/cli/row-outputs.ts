/** Rows on their way through a command: counted in sight of the user, kept or left out, and written whole or not at all. */
import { LineWriter } from '../base/line-writer.ts';
import { Tally } from '../data/convert.ts';
import type { Rejected } from '../data/reading.ts';
import { table } from '../report/table.ts';
import type { CliContext } from './context.ts';
import type { OutputStream } from './terminal.ts';
import { optional, text } from './flags.ts';
import { checkOutputs, outputName, tellingStream } from './outputs.ts';
import { RowCounter } from './row-counter.ts';

export const rejectsFlag = optional(text('What is left out, each row with its reason', 'FILE'));

/** Arguments that are files of records. */
export const recordFiles = { brief: 'Records, as data convert writes them', placeholder: 'FILE', minimum: 1 };

interface Paths {
  readonly output?: string | undefined;
  readonly rejects?: string | undefined;
}

const writer = (path: string | undefined): LineWriter | undefined =>
  path === undefined ? undefined : new LineWriter(path);

export class RowOutputs implements Disposable {
  readonly counter: RowCounter;
  /** Reasons of what is left out. */
  readonly dropped = new Tally();
  readonly #context: CliContext;
  readonly #paths: Paths;
  readonly #rejects: LineWriter | undefined;
  readonly #output: LineWriter | undefined;
  kept = 0;

  /** Begins the outputs; throws a UserError where one of them is an `input`. With `size` bytes there is a bar. */
  constructor(context: CliContext, inputs: readonly string[], { output, rejects }: Paths, size = 0) {
    this.#context = context;
    this.#paths = { output, rejects };
    checkOutputs(inputs, { output, rejects });
    this.counter = new RowCounter(context, size);
    this.#rejects = writer(rejects);
    try {
      this.#output = writer(output);
    } catch (thrown) {
      this.#rejects?.[Symbol.dispose]();
      throw thrown;
    }
  }

  keep(line: string): void {
    this.kept += 1;
    this.#output?.write(line);
  }

  drop(rejected: Rejected): void {
    this.dropped.add(rejected.code);
    this.#rejects?.write(JSON.stringify(rejected));
  }

  /** Stream on which the command says what it has done. */
  get telling(): OutputStream {
    return tellingStream(this.#context, { ...this.#paths });
  }

  /** Puts what was left out in its place and, with the output, what was kept; the counter goes. */
  commit(withOutput = true): void {
    this.counter[Symbol.dispose]();
    if (withOutput) this.#output?.commit();
    this.#rejects?.commit();
  }

  /** Says how often what was left out, under `word`, after other rows of the table. */
  tellDropped(word: string, rows: readonly (readonly string[])[] = []): void {
    const dropped = this.dropped.entries().map(([code, count]) => [word, code, String(count)]);
    this.telling.write(table([...rows, ...dropped], ['left', 'left', 'right']));
  }

  /** Name of the output in a sentence. */
  get name(): string {
    return outputName(this.#paths.output ?? '');
  }

  [Symbol.dispose](): void {
    this.counter[Symbol.dispose]();
    this.#output?.[Symbol.dispose]();
    this.#rejects?.[Symbol.dispose]();
  }
}
