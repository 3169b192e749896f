/** A trainer that counts in place of training, so that what is around it can be tested in milliseconds. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../src/base/errors.ts';
import type { TrainExample } from '../../src/train/examples.ts';
import { Diverged, type StepResult, type Trainer } from '../../src/train/trainer.ts';

export class FakeTrainer {
  /** All that it has learned. */
  value = 0;
  /** Arguments of each step. */
  readonly given: { readonly examples: readonly TrainExample[]; readonly lr: number }[] = [];
  /** Set to have its weights found broken. */
  broken = false;

  get steps(): number {
    return this.value;
  }

  step(examples: readonly TrainExample[], lr: number, signal?: AbortSignal): Promise<StepResult> {
    signal?.throwIfAborted();
    this.given.push({ examples, lr });
    this.value += 1;
    return Promise.resolve({ loss: 1 / this.value, parts: { kl: 0.5 }, gradNorm: 2, tokens: 3 });
  }

  checkWeights(): void {
    if (this.broken) throw new Diverged('w holds NaN');
  }

  save(folder: string): void {
    this.checkWeights();
    writeFileSync(join(folder, 'value.json'), JSON.stringify(this.value));
  }

  restore(folder: string): void {
    try {
      this.value = JSON.parse(readFileSync(join(folder, 'value.json'), 'utf8')) as number;
    } catch (thrown) {
      throw new UserError('FILE', 'value.json cannot be read', { cause: thrown });
    }
  }

  /** As what takes a trainer sees it. */
  get trainer(): Trainer {
    return this as unknown as Trainer;
  }
}
