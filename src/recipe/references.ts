/** Names in a recipe that must refer to a model or to an earlier stage of the right kind. */
import type { Problem } from './problems.ts';
import { isRecord } from './rules.ts';
import type { Path } from './source.ts';
import { z } from 'zod';
import { type KindName, stageKinds } from '../stages/index.ts';
import { type Referent, references } from '../stages/stage.ts';
import { placesIn } from './places.ts';
import { suggestion } from './suggest.ts';

/** What a reference must be, by all that it accepts. */
const TEXTS: Readonly<Record<string, string>> = {
  model: 'a model or an earlier stage that trains one',
  rollouts: 'an earlier rollout stage',
  trajectories: 'an earlier trajectories stage',
  'rollouts,trajectories': 'an earlier rollout or trajectories stage',
  environment: "one of the recipe's environments",
  'rollouts,trajectories,environment': 'an earlier rollout or trajectories stage, or an environment',
};

/** The word for the training set where a stage's `data` could name a rollout stage. */
const TRAINING_SET = 'train';

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** What a thing of `kind` can be referred to as; undefined for a stage of an unknown kind, a fault that is told elsewhere. */
function referentOf(kind: string): string | undefined {
  if (kind === 'model' || kind === 'environment') return kind;
  return Object.hasOwn(stageKinds, kind) ? stageKinds[kind as KindName].makes : undefined;
}

/** Tells whether a thing of `kind` can stand where `accepts` are wanted. */
function fits(kind: string, accepts: readonly string[]): boolean {
  const referent = referentOf(kind);
  return referent === undefined || accepts.includes(referent);
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
    this.#reference(['export', 'model'], 'export.model', record(recipe['export'])['model'], ['model']);
  }

  #stage(index: number, stage: Readonly<Record<string, unknown>>): void {
    const { name, kind } = stage;
    const path = ['stages', index];
    const where = `stages.${typeof name === 'string' ? name : index}`;
    const options =
      typeof kind === 'string' && Object.hasOwn(stageKinds, kind) ? stageKinds[kind as KindName].options : {};
    for (const place of placesIn(z.object(options), stage, references)) {
      const text = [where, ...place.path].join('.');
      this.#reference([...path, ...place.path], text, place.value, place.mark.accepts);
    }
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

  #reference(path: Path, where: string, name: unknown, accepts: readonly Referent[]): void {
    if (typeof name !== 'string' || (name === TRAINING_SET && accepts.includes('train'))) return;
    const kind = this.#kinds.get(name);
    if (kind !== undefined && fits(kind, accepts)) return;
    this.problems.push({
      path,
      part: 'value',
      text: `${where} refers to ${name}, ${this.#fault(name, kind, accepts)}`,
    });
  }

  #fault(name: string, kind: string | undefined, accepts: readonly Referent[]): string {
    const text = TEXTS[accepts.filter((one) => one !== 'train').join()] ?? accepts.join(' or ');
    if (kind !== undefined) return `${thing(kind)}; it must be ${text}.`;
    if (this.#stages.some((stage) => stage['name'] === name)) {
      return `which does not come earlier; it must be ${text}.`;
    }
    const names = [
      ...(accepts.includes('train') ? [TRAINING_SET] : []),
      ...[...this.#kinds].flatMap(([other, otherKind]) => (fits(otherKind, accepts) ? [other] : [])),
    ];
    return `which is not ${text}${suggestion(name, names)}`;
  }
}

/** Wrong references, found on the raw values so that they are told together with a schema's complaints. */
export function referenceProblems(raw: unknown): readonly Problem[] {
  return new ReferenceCheck(record(raw)).problems;
}
