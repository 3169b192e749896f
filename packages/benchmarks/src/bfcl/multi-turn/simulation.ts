/**
 * One side of a multi-turn entry: instances of the APIs that it involves, and the execution of calls on them. Instances live as long as
 * the simulation, so that a model is driven by one simulation from its first turn to its last.
 */
import { UserError } from '../../../../../src/base/errors.ts';
import { isDict } from '../../../../../src/json/python.ts';
import type { Api, Instance, Setup, Today } from './apis/api.ts';
import { APIS } from './apis/index.ts';
import { readCall } from './call-text.ts';
import type { MultiTurnEntry } from './entry.ts';
import { Raised } from './python/errors.ts';
import { resultText } from './python/print.ts';
import { Shared } from './shared.ts';

/** Names that the official executor refuses to call. */
const DENIED: ReadonlySet<string> = new Set([
  'kill',
  'exit',
  'quit',
  'remove',
  'unlink',
  'popen',
  'Popen',
  'run',
]);

// Pattern of what the executor takes for a call, also inside of a text: a word, and white space before a parenthesis.
const CALLED = /(?<![\p{L}\p{N}_])([a-zA-Z_][\p{L}\p{N}_]*)\s*(?=\()/gu;

/** The side of an entry that a simulation is: its instances bear other names, which calls inside of texts show. */
export type Side = 'generation' | 'model' | 'ground_truth';
const SUFFIXES: Readonly<Record<Side, string>> = {
  generation: '',
  model: '_eval',
  ground_truth: '_ground_truth_eval',
};

export interface SimulationOptions {
  readonly side?: Side;
  /** Is part of the instances' names. */
  readonly modelName?: string;
  /** By which ages are reckoned; the day in UTC by default. */
  readonly today?: Date;
  /** Shares with other simulations; nothing by default. */
  readonly shared?: Shared;
}

export class Simulation {
  readonly instances: readonly Instance[];
  readonly #owners = new Map<string, { readonly instance: Instance; readonly name: string }>();

  /** Throws a UserError where the entry's configuration or classes are none that the benchmark has. */
  constructor(entry: MultiTurnEntry, options: SimulationOptions = {}) {
    const { side = 'generation', modelName = 'tinystar', today = new Date() } = options;
    const setup = { today: dayOf(today), long: entry.longContext, shared: options.shared ?? new Shared() };
    const model = modelName.replace(/[-./]/g, '_') + SUFFIXES[side];
    this.instances = entry.involvedClasses.map((className) => {
      const instance = instantiate(entry, className, setup);
      const name = `${model}_${entry.id}_${className.toLowerCase()}_instance`;
      for (const method of Object.keys(apiOf(entry, className).methods))
        this.#owners.set(method, { instance, name });
      return instance;
    });
  }

  /** Executes the calls of one step, one after the other: what the model reads of each. Never throws for what a call says. */
  execute(calls: readonly string[]): string[] {
    return calls.map((call) => this.#executeOne(call));
  }

  #executeOne(call: string): string {
    try {
      return resultText(this.#evaluate(call));
    } catch (thrown) {
      if (thrown instanceof Raised) return `Error during execution: ${thrown.message}`;
      throw thrown;
    }
  }

  #evaluate(call: string): ReturnType<Instance['call']> {
    const opening = call.indexOf('(');
    const head = opening < 0 ? call : call.slice(0, opening);
    const denied = head.includes('.') ? (head.split('.')[1] ?? '') : head;
    if (DENIED.has(denied)) throw new Raised('Exception', `Function call ${denied} is not allowed.`);
    const { path, positional, named, undefinedName } = readCall(
      head + this.#rewritten(call.slice(head.length)),
    );
    const [name = ''] = path;
    const owner = path.length === 1 ? this.#owners.get(name) : undefined;
    if (owner === undefined) throw notDefined(name);
    if (undefinedName !== undefined) throw notDefined(undefinedName);
    return owner.instance.call(name, { positional, named });
  }

  /** Text in the parentheses, as the official executor's replacement of names leaves it, which does not spare texts. */
  #rewritten(inside: string): string {
    if (inside.lastIndexOf('(') <= 0) return inside;
    return inside.replace(CALLED, (_match, name: string) => {
      const owner = this.#owners.get(name);
      return owner === undefined ? name : `${owner.name}.${name}`;
    });
  }
}

function notDefined(name: string): Raised {
  return new Raised('NameError', `name '${name}' is not defined`);
}

function dayOf(date: Date): Today {
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

function apiOf(entry: MultiTurnEntry, className: string): Api {
  const api = APIS.find((one) => one.className === className);
  if (api !== undefined) return api;
  const known = APIS.map((one) => one.className).join(', ');
  throw new UserError(
    'MULTI_TURN_ENTRY',
    `${entry.id} involves the class ${className}, which is not simulated; known are ${known}.`,
  );
}

function instantiate(entry: MultiTurnEntry, className: string, setup: Omit<Setup, 'config'>): Instance {
  const config = entry.initialConfig.get(className) ?? new Map();
  if (!isDict(config))
    throw new UserError(
      'MULTI_TURN_ENTRY',
      `${entry.id} has an initial_config for ${className} that is no object.`,
    );
  try {
    return apiOf(entry, className).create({ config, ...setup });
  } catch (thrown) {
    if (!(thrown instanceof Raised)) throw thrown;
    throw new UserError(
      'MULTI_TURN_ENTRY',
      `${entry.id} has an initial_config for ${className} that cannot be loaded: ${thrown.message}.`,
    );
  }
}
