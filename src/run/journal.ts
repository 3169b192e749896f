/** A run's log and samples, one JSON object a line, kept in step with the checkpoints that it resumes from. */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fileError } from '../base/files.ts';
import { LineWriter } from '../base/line-writer.ts';
import { wholeLines } from '../base/lines.ts';
import type { RunEvent } from '../train/events.ts';

function append(path: string, lines: readonly object[]): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    appendFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
}

/** Drops what a killed run logged of `stage` after `step`: those steps are about to be repeated. */
function rewind(path: string, stage: string, step: number): void {
  if (!existsSync(path)) return;
  using kept = new LineWriter(path);
  for (const { text } of wholeLines(path)) {
    let line: Readonly<Record<string, unknown>>;
    try {
      line = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
    } catch {
      // A power cut left it half-written.
      continue;
    }
    if (line['stage'] !== stage || (typeof line['step'] === 'number' && line['step'] <= step))
      kept.write(text);
  }
  kept.commit();
}

/** Writes the events of a run to `log.jsonl` and `samples.jsonl` in its folder. */
export class Journal {
  readonly #log: string;
  readonly #samples: string;
  #kind = '';
  #by: string | undefined;

  constructor(folder: string) {
    this.#log = join(folder, 'log.jsonl');
    this.#samples = join(folder, 'samples.jsonl');
  }

  record(event: RunEvent): void {
    if (event.type === 'stage') {
      this.#kind = event.kind;
      this.#by = event.by;
      for (const path of [this.#log, this.#samples]) rewind(path, event.stage, event.done);
    } else if (event.type === 'step') {
      const { stage, step, total, tokens, seconds, metrics } = event;
      const by = this.#by === undefined ? {} : { by: this.#by };
      append(this.#log, [
        { stage, kind: this.#kind, step, total, time: Date.now(), seconds, tokens, ...metrics, ...by },
      ]);
    } else if (event.type === 'sample') {
      const { stage, step, samples } = event;
      append(
        this.#samples,
        samples.map((sample) => ({ stage, step, ...sample })),
      );
    }
  }
}
