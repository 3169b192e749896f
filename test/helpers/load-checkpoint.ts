/** A checkpoint's folder without a device, for comparisons of its weights. */
import type { ModelConfig } from '../../src/model/arch/config.ts';
import { loadConfig } from '../../src/model/checkpoint/checkpoint.ts';
import { SafetensorsFile } from '../../src/model/checkpoint/safetensors.ts';
import { weightPlan } from '../../src/model/checkpoint/weight-files.ts';

/** Every weight as f32, read when it is reached; what does not fit is told at once. */
export function loadCheckpoint(dir: string): {
  readonly config: ModelConfig;
  readonly weights: Iterable<readonly [name: string, values: Float32Array]>;
} {
  const config = loadConfig(dir);
  const plan = weightPlan(dir, config);
  const weights = {
    *[Symbol.iterator](): Generator<readonly [string, Float32Array]> {
      for (const [path, names] of plan) {
        using file = SafetensorsFile.open(path);
        for (const name of names) yield [name, file.readF32(name)];
      }
    },
  };
  return { config, weights };
}
