/** Names in a recipe that must refer to a model or to an earlier stage of the right kind. */
import type { Problem } from './problems.ts';
import { isRecord } from './rules.ts';
import type { Path } from './source.ts';
import { stageSchemas } from './stages.ts';
import { suggestion } from './suggest.ts';

/** What kinds of things can stand where a reference wants a model, or rollouts. */
const FITTING = {
  model: {
    kinds: new Set(['model', 'pretrain', 'sft', 'distill', 'simrl', 'dpo']),
    text: 'a model or an earlier stage that trains one',
  },
  rollout: { kinds: new Set(['rollout']), text: 'an earlier rollout stage' },
} as const satisfies Record<string, { kinds: ReadonlySet<string>; text: string }>;
type Wanted = keyof typeof FITTING;

/** The word for the training set where a stage's `data` could name a rollout stage. */
const TRAINING_SET = 'train';

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** Whether a thing of `kind` can be referred to; a stage of an unknown kind is a fault of its own, told elsewhere. */
function fits(kind: string, wanted: Wanted): boolean {
  return FITTING[wanted].kinds.has(kind) || !(kind === 'model' || kind in stageSchemas);
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
    for (const [index, stage] of this.#stages.entries()) this.#stage(index, stage);
    this.#reference(['export', 'model'], 'export.model', record(recipe['export'])['model'], 'model');
  }

  #stage(index: number, stage: Readonly<Record<string, unknown>>): void {
    const { name, kind } = stage;
    const path = ['stages', index];
    const where = `stages.${typeof name === 'string' ? name : index}`;
    if (kind === 'eval') {
      for (const [label, model] of Object.entries(record(stage['models']))) {
        this.#reference([...path, 'models', label], `${where}.models.${label}`, model, 'model');
      }
    } else this.#reference([...path, 'model'], `${where}.model`, stage['model'], 'model');
    if (kind === 'distill' || kind === 'dpo')
      this.#reference([...path, 'data'], `${where}.data`, stage['data'], 'rollout');
    if (kind === 'sft' && stage['data'] !== TRAINING_SET) {
      this.#reference([...path, 'data'], `${where}.data`, stage['data'], 'rollout', [TRAINING_SET]);
    }
    if (typeof name !== 'string') return;
    this.#name([...path, 'name'], name);
    this.#kinds.set(name, typeof kind === 'string' ? kind : '');
  }

  #name(path: Path, name: string): void {
    const taken = this.#kinds.get(name);
    const owner =
      name === TRAINING_SET ? 'the training set' : taken === 'model' ? 'a model' : 'an earlier stage';
    if (taken === undefined && name !== TRAINING_SET) return;
    this.problems.push({
      path,
      part: 'value',
      text: `the name ${name} is taken by ${owner}; rename this stage.`,
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
    if (kind !== undefined) return `a ${kind}${kind === 'model' ? '' : ' stage'}; it must be ${text}.`;
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
