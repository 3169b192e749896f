/** Reading what a server sent, step by step; where it is not of the expected form the place is named. */
import { UserError } from '../../base/errors.ts';
import { isFields } from '../../json/value.ts';

/** An answer of the server in a form that is not its protocol's. */
export class BadReply extends UserError {
  constructor(message: string) {
    super('TEACHER_REPLY', message);
    this.name = 'BadReply';
  }
}

export class Reply {
  readonly value: unknown;
  readonly #parent: Reply | undefined;
  readonly #key: string | number;

  constructor(value: unknown, key: string | number, parent?: Reply) {
    this.value = value;
    this.#key = key;
    this.#parent = parent;
  }

  /** "the reply.choices.0"; made when it is needed, as answers have values by the hundred thousand. */
  get where(): string {
    return this.#parent === undefined ? String(this.#key) : `${this.#parent.where}.${this.#key}`;
  }

  /** Throws: "the reply.choices.0.token_ids is no list". */
  fail(what: string): never {
    throw new BadReply(`${this.where} ${what}`);
  }

  get isThere(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** Value under a key of an object; under a missing one nothing. */
  at(key: string): Reply {
    const { value } = this;
    return new Reply(isFields(value) ? value[key] : this.fail('is no object'), key, this);
  }

  list(): Reply[] {
    if (!Array.isArray(this.value)) this.fail('is no list');
    return this.value.map((item: unknown, i) => new Reply(item, i, this));
  }

  entries(): [string, Reply][] {
    const { value } = this;
    const fields = isFields(value) ? value : this.fail('is no object');
    return Object.entries(fields).map(([key, item]) => [key, new Reply(item, key, this)]);
  }

  /** A log-probability; null is how JSON writes minus infinity. */
  logprob(): number {
    if (this.value === null) return -Infinity;
    if (typeof this.value !== 'number') this.fail('is no log-probability');
    return this.value;
  }

  id(): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) this.fail('is no token id');
    return value;
  }

  ids(): number[] {
    return this.list().map((item) => item.id());
  }

  text(): string {
    if (typeof this.value !== 'string') this.fail('is no text');
    return this.value;
  }
}
