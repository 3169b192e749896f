/**
 * What a stage does once, whatever its steps: making or reading a model, taking memory for the first time, saving. Of
 * a large model that is minutes. Measured on a small part of one, on the disk that the run will be on.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { required } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import type { Device } from '../ggml/device.ts';
import { initialiseWeights, loadModel, saveCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { parameterSpecs, type Qwen3Config, weightCount } from '../model/arch/config.ts';
import { publishedConfig } from '../model/checkpoint/published.ts';
import { ParameterSet } from '../tensor/parameters.ts';

/** Seconds for each weight, of 4 bytes. */
export interface Rates {
  /** Drawing a new model's weights. */
  readonly made: number;
  readonly read: number;
  readonly written: number;
  /** Memory that is touched for the first time. */
  readonly touched: number;
}

/** Of 134 million weights: of less, more is hidden by the system's caches and by memory that it has at hand. */
const PART: Qwen3Config = {
  ...required(publishedConfig('Qwen3-0.6B'), 'Qwen3-0.6B'),
  layers: 8,
  vocabSize: 8192,
};
/** So often the part's weights are held at once, as a trainer does. */
const HELD = 3;

/** A folder in `folder` for a while; of `folder` itself nothing stays either, if it was not there. */
export function temporaryFolder(folder: string): Disposable & { readonly path: string } {
  const created = mkdirSync(folder, { recursive: true });
  const path = mkdtempSync(join(folder, '.estimate-'));
  const cleanUp = (): void => rmSync(created ?? path, { recursive: true, force: true });
  // When it is stopped in between, too.
  process.once('exit', cleanUp);
  return {
    path,
    [Symbol.dispose]() {
      process.off('exit', cleanUp);
      cleanUp();
    },
  };
}

/** Seconds that `body` takes for each of `weights`. */
function each(weights: number, body: () => void): number {
  const start = performance.now();
  body();
  return (performance.now() - start) / 1000 / weights;
}

/** Measures a machine and the disk under `folder` by a model of the shape `part`. Throws a UserError if it finds no room. */
export function measureRates(device: Device, folder: string, part = PART): Rates {
  // Weights are drawn at the processor's speed, which a layer shows as well.
  const drawnPart = { ...part, layers: 1 };
  using temporary = temporaryFolder(folder);
  const weights = weightCount(part);
  const held: ParameterSet[] = [];
  try {
    using drawn = new ParameterSet(device, parameterSpecs(drawnPart), 'weights');
    const made = each(weightCount(drawnPart), () => initialiseWeights(drawnPart, drawn, Rng.seeded(1)));
    const touched = each(HELD * weights, () => {
      for (let i = 0; i < HELD; i++) held.push(new ParameterSet(device, parameterSpecs(part), 'state'));
    });
    const [first] = held;
    const model = join(temporary.path, 'model');
    const written = each(weights, () => saveCheckpoint(model, part, required(first, 'weights')));
    // Beside the others, so that it takes memory that the process did not have.
    const read = each(weights, () => held.push(loadModel(device, model, { trainable: true }).parameters));
    return { made, read, written, touched };
  } finally {
    for (const parameters of held) parameters[Symbol.dispose]();
  }
}
