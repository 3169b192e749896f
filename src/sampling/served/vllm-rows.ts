/**
 * JSON of vLLM's completions, where nearly all bytes are rows {"token_id:5":-0.1,"token_id:7":-2.3,...}. JSON.parse makes an object of
 * each, whose keys no other has, and is several times slower at that than at anything else. The rows are read here, into
 * arrays of numbers, and JSON.parse has the rest. A text of another form is left to it whole.
 */
import { isFields } from '../../json/value.ts';
import { TopEntries } from './protocol.ts';

const KEY = '"top_logprobs"';
const NAME = '"token_id:';
const [TAB, LINE_FEED, RETURN, SPACE] = [9, 10, 13, 32];
const [QUOTE, PLUS, COMMA, MINUS, POINT, ZERO, NINE, COLON] = [34, 43, 44, 45, 46, 48, 57, 58];
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [91, 93, 123, 125];
const [CAPITAL_E, SMALL_E] = [69, 101];
/** A mantissa with one digit more is a double, too. */
const FULL = 1e14;
/** Powers of ten that are doubles. */
const POWERS: readonly number[] = Array.from({ length: 23 }, (_, i) => 10 ** i);

/** Text that is not of the form that is read here. */
class OtherForm extends Error {}

/** Reads rows from a place of a text on. */
class RowReader {
  at: number;
  readonly #text: string;
  /** Entries of the row that is being read. */
  #ids = new Int32Array(128);
  #logprobs = new Float32Array(128);

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  /** Code of the next character that is no white space; NaN at the end. */
  #next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.at);
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) return code;
      this.at += 1;
    }
  }

  /** Tells whether a character comes next, and goes behind it. */
  #has(code: number): boolean {
    const found = this.#next() === code;
    if (found) this.at += 1;
    return found;
  }

  #expect(code: number): void {
    if (!this.#has(code)) throw new OtherForm();
  }

  /** The rows of a list; undefined for a null. */
  list(): (TopEntries | undefined)[] {
    const rows: (TopEntries | undefined)[] = [];
    this.#expect(OPEN_LIST);
    if (this.#has(CLOSE_LIST)) return rows;
    do {
      if (this.#has(OPEN)) rows.push(this.#row());
      else if (this.#text.startsWith('null', this.at)) {
        this.at += 4;
        rows.push(undefined);
      } else throw new OtherForm();
    } while (this.#has(COMMA));
    this.#expect(CLOSE_LIST);
    return rows;
  }

  #row(): TopEntries {
    let count = 0;
    if (!this.#has(CLOSE)) {
      do {
        if (count === this.#ids.length) this.#grow();
        this.#next();
        if (!this.#text.startsWith(NAME, this.at)) throw new OtherForm();
        this.at += NAME.length;
        this.#ids[count] = this.#id();
        this.#expect(COLON);
        this.#next();
        this.#logprobs[count] = this.#number();
        count += 1;
      } while (this.#has(COMMA));
      this.#expect(CLOSE);
    }
    return new TopEntries(this.#ids.slice(0, count), this.#logprobs.slice(0, count));
  }

  #grow(): void {
    const [ids, logprobs] = [this.#ids, this.#logprobs];
    this.#ids = new Int32Array(2 * ids.length);
    this.#logprobs = new Float32Array(2 * ids.length);
    this.#ids.set(ids);
    this.#logprobs.set(logprobs);
  }

  /** A whole number up to the quote behind it. */
  #id(): number {
    const start = this.at;
    let id = 0;
    for (;;) {
      const code = this.#text.charCodeAt(this.at++);
      if (code === QUOTE) break;
      if (!(code >= ZERO && code <= NINE)) throw new OtherForm();
      id = 10 * id + code - ZERO;
    }
    if (this.at - start < 2 || this.at - start > 10) throw new OtherForm();
    return id;
  }

  #number(): number {
    const text = this.#text;
    const start = this.at;
    let at = start;
    let code = text.charCodeAt(at);
    if (code === MINUS) code = text.charCodeAt(++at);
    const first = at;
    let mantissa = 0;
    let point = -1;
    for (; ; code = text.charCodeAt(++at)) {
      if (code >= ZERO && code <= NINE) {
        if (mantissa < FULL) mantissa = 10 * mantissa + code - ZERO;
        else break;
      } else if (code === POINT && point < 0) point = at;
      else break;
    }
    // Digits that are left behind the point do not change the float that is kept.
    const end = at;
    if (point >= 0) while (code >= ZERO && code <= NINE) code = text.charCodeAt(++at);
    this.at = at;
    const isPlain = code === COMMA || code === CLOSE || code === SPACE;
    const power = point < 0 ? 1 : POWERS[end - point - 1];
    if (isPlain && power !== undefined && end > first && end !== point + 1)
      return (text.charCodeAt(start) === MINUS ? -mantissa : mantissa) / power;
    return this.#rare(start);
  }

  /** A number in any other form, such as 1e-05. */
  #rare(start: number): number {
    let code = this.#text.charCodeAt(this.at);
    while (
      (code >= ZERO && code <= NINE) ||
      code === SMALL_E ||
      code === CAPITAL_E ||
      code === PLUS ||
      code === MINUS
    )
      code = this.#text.charCodeAt(++this.at);
    const value: unknown = JSON.parse(this.#text.slice(start, this.at));
    if (typeof value !== 'number') throw new OtherForm();
    return value;
  }
}

/** The text without its rows, which are put in order: `[0]` stands for the first. */
function withoutRows(text: string): { readonly rest: string; readonly lists: (TopEntries | undefined)[][] } {
  const lists: (TopEntries | undefined)[][] = [];
  let [rest, done] = ['', 0];
  for (;;) {
    // Inside of a string its quotes would stand behind backslashes.
    const key = text.indexOf(KEY, done);
    if (key < 0) return { rest: rest + text.slice(done), lists };
    const [colon = ''] = /^\s*:\s*/.exec(text.slice(key + KEY.length, key + KEY.length + 16)) ?? [];
    const start = key + KEY.length + colon.length;
    const isList = colon !== '' && text.charCodeAt(start) === OPEN_LIST;
    rest += text.slice(done, start);
    done = start;
    if (!isList) continue;
    const reader = new RowReader(text, start);
    lists.push(reader.list());
    rest += `[${lists.length - 1}]`;
    done = reader.at;
  }
}

/** As JSON.parse, with the rows of `choices[].logprobs.top_logprobs` as TopEntries. Throws a SyntaxError for what is no JSON. */
export function parseCompletions(text: string): unknown {
  let found: ReturnType<typeof withoutRows>;
  try {
    found = withoutRows(text);
  } catch {
    return JSON.parse(text) as unknown;
  }
  const value = JSON.parse(found.rest) as unknown;
  let placed = 0;
  const choices = isFields(value) && Array.isArray(value['choices']) ? (value['choices'] as unknown[]) : [];
  for (const choice of choices) {
    const logprobs = isFields(choice) ? choice['logprobs'] : undefined;
    const given = isFields(logprobs) ? logprobs['top_logprobs'] : undefined;
    const [at]: unknown[] = Array.isArray(given) ? given : [];
    const rows = typeof at === 'number' ? found.lists[at] : undefined;
    if (rows === undefined) continue;
    Object.assign(logprobs as object, { top_logprobs: rows });
    placed += 1;
  }
  // Rows elsewhere are none of these, and are to stay what they are.
  return placed === found.lists.length ? value : (JSON.parse(text) as unknown);
}
