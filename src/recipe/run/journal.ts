/** A run's log and samples, one JSON object a line, kept in step with the checkpoints that it goes on from. */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileError, readText, writeAtomic } from '../../base/files.ts';
import type { RunEvent } from '../../train/events.ts';

interface Line {
  /** As it is written. */
  readonly text: string;
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

/** Lines that can be read; a line that a power cut left half-written is dropped. */
function readLines(path: string): Line[] {
  if (!existsSync(path)) return [];
  return readText(path)
    .split('\n')
    .flatMap((text) => {
      try {
        const line: unknown = text === '' ? undefined : JSON.parse(text);
        return typeof line === 'object' && line !== null ? [{ ...line, text }] : [];
      } catch {
        return [];
      }
    });
}

/** Drops what a killed run logged of `stage` after `step`: those steps are about to be repeated. */
function rewind(path: string, stage: string, step: number): void {
  const kept = readLines(path).filter(
    (line) => line.stage !== stage || (typeof line.step === 'number' && line.step <= step),
  );
  if (existsSync(path)) writeAtomic(path, kept.map(({ text }) => `${text}\n`).join(''));
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
