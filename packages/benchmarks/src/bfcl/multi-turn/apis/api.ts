/** A simulated API: how an instance begins, what it can do, and what of it is compared. */
import type { PyDict } from '../../../../../../src/json/python.ts';
import type { LongContext } from '../long-context.ts';
import type { Shared } from '../shared.ts';
import { Raised } from '../python/errors.ts';
import { equal, fromPy, type Value } from '../python/value.ts';
import { bind, type Arguments, type Method, type Methods } from './method.ts';

/** Start of an instance. */
export interface Setup {
  /** The entry's configuration of this class; it is copied, never changed. */
  readonly config: PyDict;
  /** The texts and lists that make outputs long, in the categories of long context. */
  readonly long: LongContext | undefined;
  /** By which travellers' ages are reckoned. */
  readonly today: Today;
  /** State that this instance shares with others. */
  readonly shared: Shared;
}

export interface Today {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** One API with its state. */
export interface Instance {
  readonly className: string;
  has(method: string): boolean;
  /** Calls a method; throws a Raised where Python would raise. */
  call(method: string, given: Arguments): Value;
  /** The names of the public attributes in which this instance differs from another one of the same class. */
  differences(other: Instance): readonly string[];
}

export interface Api {
  readonly className: string;
  /** The parameters of each method. */
  readonly methods: Readonly<Record<string, Pick<Method<never>, 'parameters'>>>;
  create(setup: Setup): Instance;
}

/** The public attributes of a state by their Python names. */
export type Attributes = Readonly<Record<string, Value>>;

interface Definition<State> {
  readonly className: string;
  readonly load: (setup: Setup) => State;
  readonly methods: Methods<State>;
  /** The names of the public attributes in which two states differ. */
  readonly differences: (state: State, other: State) => readonly string[];
}

class StatefulInstance<State> implements Instance {
  readonly #definition: Definition<State>;
  readonly #state: State;

  constructor(definition: Definition<State>, setup: Setup) {
    this.#definition = definition;
    this.#state = definition.load(setup);
  }

  get className(): string {
    return this.#definition.className;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#definition.methods, name);
  }

  call(name: string, given: Arguments): Value {
    const method = this.has(name) ? this.#definition.methods[name] : undefined;
    if (method === undefined) throw new Raised('NameError', `name '${name}' is not defined`);
    return method.run(this.#state, ...bind(`${this.className}.${name}`, method.parameters, given));
  }

  differences(other: Instance): readonly string[] {
    if (!(other instanceof StatefulInstance) || other.className !== this.className) return ['__class__'];
    return this.#definition.differences(this.#state, other.#state as State);
  }
}

/** An API of which each instance has a state of its own. */
export function defineApi<State>(definition: Definition<State>): Api {
  return {
    className: definition.className,
    methods: definition.methods,
    create: (setup) => new StatefulInstance(definition, setup),
  };
}

/** The names of the attributes that differ, in order. */
export function differing(a: Attributes, b: Attributes): string[] {
  return Object.keys(b).filter((name) => !equal(a[name] ?? null, b[name] ?? null));
}

/** The configured value of a key, also where it is null; else a default. */
export function configured(config: PyDict, key: string, byDefault: Value): Value {
  const value = config.get(key);
  return value === undefined ? byDefault : fromPy(value);
}
