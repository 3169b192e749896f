/** Settings of a synthesis: how many cases, in which shares. */
import type { CaseKind, Example, Project } from '../types.ts';

/** Weights of what is to be made more of; 1 where nothing is said. */
export interface Focus {
  readonly functions?: Readonly<Record<string, number>>;
  readonly kinds?: Readonly<Partial<Record<CaseKind, number>>>;
  /** Ways in which cases come about, such as "typo" or "shared". */
  readonly made?: Readonly<Record<string, number>>;
}

export interface SynthesisOptions {
  readonly seed: number;
  /** Number of training cases; a person's own examples are all among them. */
  readonly size?: number;
  /** Share of requests that no function answers. */
  readonly irrelevantShare?: number;
  /** Share of requests that lack a required argument. */
  readonly missingShare?: number;
  readonly severalShare?: number;
  readonly hardShare?: number;
  /** Shares of wordings that are held out. */
  readonly devShare?: number;
  readonly testShare?: number;
  /** Answer in words where no function fits; without it, the one that a person's examples have. */
  readonly refusal?: string;
  /** Lines of a test of a person's own: nothing that is made has their wordings. */
  readonly held?: readonly Pick<Example, 'request' | 'calls'>[];
  readonly focus?: Focus;
}

const DEFAULTS = {
  size: 24_000,
  irrelevantShare: 1 / 8,
  missingShare: 0.08,
  severalShare: 0.2,
  hardShare: 0.16,
  devShare: 0.1,
  testShare: 0.15,
  refusal: '',
  held: [],
  focus: {},
};

/** A project with so many examples speaks for itself: most of its cases are its own. */
export const MANY = 1000;
/** Cases for each of so many examples: itself, and others of its wording, as what is read twice is soon known by heart. */
const LARGER = 2.5;
/** Share of hard requests among so many: a person's own have typing errors and the like themselves. */
const HARD = 0.05;
/** Held-out examples that are enough for a verdict, and for choosing. */
const ENOUGH = { test: 700, dev: 500 };

export type Settings = Required<SynthesisOptions>;

/** Settings with their defaults, as far as they suit the number of a project's examples. */
export function settingsOf({ examples }: Project, options: SynthesisOptions): Settings {
  const given = { ...DEFAULTS, ...options };
  const number = examples.length;
  if (number <= MANY) return given;
  return {
    ...given,
    size: Math.max(given.size, Math.round(number * LARGER)),
    // Words said for nothing are in so many examples itself, or nowhere.
    irrelevantShare: examples.some(({ calls }) => calls.length === 0) ? 0 : given.irrelevantShare / 2,
    missingShare: 0,
    severalShare: 0,
    hardShare: Math.min(given.hardShare, HARD),
    devShare: Math.min(given.devShare, ENOUGH.dev / number),
    testShare: Math.min(given.testShare, ENOUGH.test / number),
  };
}
