/** The texts and lists by which the long-context categories make the outputs of four APIs long. */
import { UserError } from '../../../../../src/base/errors.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../../../../src/json/python.ts';
import { Dict, fromPy, Opaque, type Value } from './python/value.ts';

const LISTS = [
  'WATCH_LIST_EXTENSION',
  'TRANSACTION_HISTORY_EXTENSION',
  'MA_5_EXTENSION',
  'MA_20_EXTENSION',
  'TECHNOLOGY_EXTENSION',
  'AUTOMOBILE_EXTENSION',
  'POPULATE_FILE_EXTENSION',
  'INTERMEDIARY_CITIES',
  'FILES_TAIL_USED',
] as const;
const DICTS = [
  'ORDER_DETAIL_EXTENSION',
  'LONG_WEATHER_EXTENSION',
  'CREDIT_CARD_EXTENSION',
  'BOOKING_RECORD_EXTENSION',
] as const;
const TEXTS = [
  'FILE_CONTENT_EXTENSION',
  'CAR_STATUS_METADATA_EXTENSION',
  'PARKING_BRAKE_INSTRUCTION',
] as const;

type ListName = (typeof LISTS)[number];
type DictName = (typeof DICTS)[number];
type TextName = (typeof TEXTS)[number];

export class LongContext {
  readonly #values: PyDict;
  readonly #source: string;

  /**
   * `values` holds the benchmark's constants by their names, with `{"__ellipsis__": true}` for Python's Ellipsis.
   * `source` says where they come from. Throws a UserError for constants that are missing or of another kind.
   */
  constructor(values: PyDict, source: string) {
    this.#values = values;
    this.#source = source;
    for (const name of LISTS) this.list(name);
    for (const name of DICTS) this.dict(name);
    for (const name of TEXTS) this.text(name);
  }

  #get<T extends PyValue>(name: string, is: (value: PyValue | undefined) => value is T, kind: string): T {
    const value = this.#values.get(name);
    if (is(value)) return value;
    throw new UserError(
      'LONG_CONTEXT',
      `${this.#source} has no ${kind} named ${name}; it has to be BFCL v3's table of long-context constants.`,
    );
  }

  /** A copy of a list. */
  list(name: ListName): Value[] {
    return this.#get(name, isList, 'list').map((item) =>
      isDict(item) && item.has('__ellipsis__') ? new Opaque('ellipsis', 'Ellipsis') : fromPy(item),
    );
  }

  /** A copy of a dict. */
  dict(name: DictName): Dict {
    const values = this.#get(name, isDict, 'object');
    return new Dict([...values].map(([key, value]) => [key, fromPy(value)] as const));
  }

  text(name: TextName): string {
    return this.#get(name, (value): value is string => typeof value === 'string', 'text');
  }
}
