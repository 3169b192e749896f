/** Cases of a project: its examples, divided. */
import { Rng } from '../../../../src/base/rng.ts';
import type { Case, Note, Project, Split } from '../types.ts';
import { casesOf } from './dialogues.ts';

export interface ProjectCases {
  readonly cases: Readonly<Record<Split, readonly Case[]>>;
  readonly notes: readonly Note[];
}

/** Cases of a project by split. */
export function projectCases({ examples, settings }: Project): ProjectCases {
  const { dev_share, test_share, seed } = settings;
  const shuffled = Rng.seeded(seed, 'cases').shuffled(casesOf(examples));
  const part = (share: number): number => Math.max(1, Math.round(share * shuffled.length));
  const test = part(test_share);
  const held = test + part(dev_share);
  const cases = {
    test: shuffled.slice(0, test),
    dev: shuffled.slice(test, held),
    train: shuffled.slice(held),
  };
  return { cases, notes: [] };
}
