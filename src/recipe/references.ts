/** Names in a recipe that must refer to a model or to an earlier stage of the right kind. */
import type { Problem } from './problems.ts';
import { isRecord } from './rules.ts';
import type { Path } from './source.ts';
import { measuresModels, stageSchemas } from '../stages/schema.ts';
import { suggestion } from './suggest.ts';

/** What kinds of things can stand where a reference wants a model, rollouts, ... */
const FITTING = {
  model: {
    kinds: new Set(['model', 'pretrain', 'sft', 'distill', 'simrl', 'dpo', 'mentor']),
    text: 'a model or an earlier stage that trains one',
  },
  rollout: { kinds: new Set(['rollout']), text: 'an earlier rollout stage' },
  trajectories: { kinds: new Set(['trajectories']), text: 'an earlier trajectories stage' },
  answers: {
    kinds: new Set(['rollout', 'trajectories']),
    text: 'an earlier rollout or trajectories stage',
  },
  environment: { kinds: new Set(['environment']), text: "one of the recipe's environments" },
  lessons: {
    kinds: new Set(['rollout', 'trajectories', 'environment']),
    text: 'an earlier rollout or trajectories stage, or an environment',
  },
} as const satisfies Record<string, { kinds: ReadonlySet<string>; text: string }>;
type Wanted = keyof typeof FITTING;

/** The word for the training set where a stage's `data` could name a rollout stage. */
const TRAINING_SET = 'train';

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** Tells whether a thing of `kind` can be referred to; a stage of an unknown kind is a fault of its own, told elsewhere. */
function fits(kind: string, wanted: Wanted): boolean {
  return (
    FITTING[wanted].kinds.has(kind) || !(kind === 'model' || kind === 'environment' || kind in stageSchemas)
  );
}

/** What has a name, by its kind. */
function thing(kind: string): string {
  if (kind === 'environment') return 'an environment';
  return `a ${kind}${kind === 'model' ? '' : ' stage'}`;
}

function ownerOf(kind: string | undefined): string {
  return kind === 'model' || kind === 'environment' ? thing(kind) : 'an earlier stage';
}

/** Walks the stages in order, as later ones may refer to earlier ones. */
class ReferenceCheck {
  readonly problems: Problem[] = [];
  readonly #stages: readonly Readonly<Record<string, unknown>>[];
  /** Kinds by name of all that can be referred to so far. */
  readonly #kinds: Map<string, string>;

  constructor(recipe: Readonly<Record<string, unknown>>) {
    this.#stages = Array.isArray(recipe['stages']) ? recipe['stages'].map(record) : [];
    this.#kinds = new Map(Object.keys(record(recipe['models'])).map((name) => [name, 'model']));
    for (const name of Object.keys(record(recipe['environments']))) {
      this.#name(['environments', name], name, 'environment');
      this.#kinds.set(name, 'environment');
    }
    for (const [index, stage] of this.#stages.entries()) this.#stage(index, stage);
    this.#reference(['export', 'model'], 'export.model', record(recipe['export'])['model'], 'model');
  }

  #stage(index: number, stage: Readonly<Record<string, unknown>>): void {
    const { name, kind } = stage;
    const path = ['stages', index];
    const where = `stages.${typeof name === 'string' ? name : index}`;
    if (measuresModels(kind)) {
      for (const [label, model] of Object.entries(record(stage['models']))) {
        this.#reference([...path, 'models', label], `${where}.models.${label}`, model, 'model');
      }
    } else this.#reference([...path, 'model'], `${where}.model`, stage['model'], 'model');
    if (kind === 'distill') this.#reference([...path, 'data'], `${where}.data`, stage['data'], 'rollout');
    if (kind === 'dpo') this.#reference([...path, 'data'], `${where}.data`, stage['data'], 'answers');
    if (kind === 'sft' && stage['data'] !== TRAINING_SET) {
      this.#reference([...path, 'data'], `${where}.data`, stage['data'], 'lessons', [TRAINING_SET]);
    }
    if (kind === 'mentor') this.#reference([...path, 'data'], `${where}.data`, stage['data'], 'trajectories');
    const mixture: readonly unknown[] = Array.isArray(stage['mixture']) ? stage['mixture'] : [];
    for (const [i, entry] of mixture.entries()) {
      const place = `${where}.mixture.${i}.environment`;
      this.#reference(
        [...path, 'mixture', i, 'environment'],
        place,
        record(entry)['environment'],
        'environment',
      );
    }
    this.#reference([...path, 'environment'], `${where}.environment`, stage['environment'], 'environment');
    if (typeof name !== 'string') return;
    this.#name([...path, 'name'], name, 'stage');
    this.#kinds.set(name, typeof kind === 'string' ? kind : '');
  }

  #name(path: Path, name: string, what: 'stage' | 'environment'): void {
    const taken = this.#kinds.get(name);
    if (taken === undefined && name !== TRAINING_SET) return;
    const owner = name === TRAINING_SET ? 'the training set' : ownerOf(taken);
    this.problems.push({
      path,
      part: 'value',
      text: `the name ${name} is taken by ${owner}; rename this ${what}.`,
    });
  }

  #reference(path: Path, where: string, name: unknown, wanted: Wanted, others: readonly string[] = []): void {
    if (typeof name !== 'string') return;
    const kind = this.#kinds.get(name);
    if (kind !== undefined && fits(kind, wanted)) return;
    const text = `${where} refers to ${name}, ${this.#fault(name, kind, wanted, others)}`;
    this.problems.push({ path, part: 'value', text });
  }

  #fault(name: string, kind: string | undefined, wanted: Wanted, others: readonly string[]): string {
    const { text } = FITTING[wanted];
    if (kind !== undefined) return `${thing(kind)}; it must be ${text}.`;
    if (this.#stages.some((stage) => stage['name'] === name)) {
      return `which does not come earlier; it must be ${text}.`;
    }
    const names = [
      ...others,
      ...[...this.#kinds].flatMap(([other, otherKind]) => (fits(otherKind, wanted) ? [other] : [])),
    ];
    return `which is not ${text}${suggestion(name, names)}`;
  }
}

/** Wrong references, found on the raw values so that they are told together with a schema's complaints. */
export function referenceProblems(raw: unknown): readonly Problem[] {
  return new ReferenceCheck(record(raw)).problems;
}
