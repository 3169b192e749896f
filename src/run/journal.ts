/** A run's log and samples, one JSON object a line, kept in step with the checkpoints that it resumes from. */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileError } from '../base/files.ts';
import { LineWriter } from '../base/line-writer.ts';
import { wholeLines } from '../base/lines.ts';
import type { RunEvent } from '../train/events.ts';

interface Line {
  readonly stage?: unknown;
  readonly step?: unknown;
}

function append(path: string, lines: readonly object[]): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    appendFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
}

/** A line's stage and step; undefined if a power cut left it half-written, or it is no object. */
function readLine(text: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? line : undefined;
  } catch {
    return undefined;
  }
}

/** Drops what a killed run logged of `stage` after `step`: those steps are about to be repeated. */
function rewind(path: string, stage: string, step: number): void {
  if (!existsSync(path)) return;
  using kept = new LineWriter(path);
  for (const { text } of wholeLines(path)) {
    const line = readLine(text);
    if (line === undefined) continue;
    if (line.stage !== stage || (typeof line.step === 'number' && line.step <= step)) kept.write(text);
  }
  kept.commit();
}

/** Writes the events of a run to `log.jsonl` and `samples.jsonl` in its folder. */
export class Journal {
  readonly #log: string;
  readonly #samples: string;
  #kind = '';

  constructor(folder: string) {
    this.#log = join(folder, 'log.jsonl');
    this.#samples = join(folder, 'samples.jsonl');
  }

  record(event: RunEvent): void {
    if (event.type === 'stage') {
      this.#kind = event.kind;
      for (const path of [this.#log, this.#samples]) rewind(path, event.stage, event.done);
    } else if (event.type === 'step') {
      const { stage, step, total, tokens, seconds, metrics } = event;
      append(this.#log, [
        { stage, kind: this.#kind, step, total, time: Date.now(), seconds, tokens, ...metrics },
      ]);
    } else if (event.type === 'sample') {
      append(
        this.#samples,
        event.samples.map((sample) => ({ stage: event.stage, step: event.step, ...sample })),
      );
    }
  }
}
