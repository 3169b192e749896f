/**
 * Faults of a request, by what a server's answer says: by its status, or by an error inside of an
 * answer whose status says that all is well, as gateways give it.
 */
import { UserError } from '../../base/errors.ts';
import { isFields } from '../../json/value.ts';

/** A text on one line. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** A fault that may pass: asking again can help. */
export class Transient extends Error {
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(message: string, retryAfter?: number) {
    super(message);
    this.name = 'Transient';
    this.retryAfter = retryAfter;
  }
}

/** The server refuses this request, and would do so again. */
export class Refused extends UserError {
  readonly status: number;
  readonly said: string;

  constructor(status: number, message: string, said: string) {
    super('TEACHER_REFUSED', message);
    this.name = 'Refused';
    this.status = status;
    this.said = said;
  }
}

/** The server drew an answer that it cannot send: nothing is wrong with the server, and another answer may do. */
export class Unsendable extends UserError {}

export interface Told {
  readonly status: number | undefined;
  /** In the server's own words, on one line. */
  readonly said: string;
  readonly param: string | undefined;
}

export const mayPass = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505);

/** Statuses by the names that services give their errors: of codes, types, and words; the first that fits. */
const NAMED: readonly (readonly [RegExp, number])[] = [
  // No money is no limit that passes.
  [
    /insufficient[_ ](?:quota|credits?|balance|funds)|billing|payment[_ ]required|exceeded your current quota/i,
    402,
  ],
  [
    /rate[_ -]?limit|too[_ ]many[_ ]requests|resource[_ ]exhausted|throttl|quota[_ ]exceeded|tokens[_ ]per[_ ]min/i,
    429,
  ],
  [
    /invalid[_ ]api[_ ]key|incorrect api key|authentication|unauthenticated|unauthorized|invalid[_ ]token/i,
    401,
  ],
  [/permission|forbidden|access[_ ]denied/i, 403],
  [/model[_ ]not[_ ]found|not[_ ]found/i, 404],
  [/time[d]?[_ ]?out|deadline[_ ]exceeded/i, 504],
  [
    /overloaded|unavailable|capacity|server[_ ]error|internal[_ ]|upstream|temporar|try again|bad gateway/i,
    503,
  ],
  [
    /invalid[_ ]?(?:request|argument|parameter)|bad[_ ]?request|context[_ ]length|unsupported|validation|unprocessable/i,
    400,
  ],
];

function statusIn(value: unknown): number | undefined {
  const number =
    typeof value === 'number' || (typeof value === 'string' && /^\d{3}$/.test(value)) ? Number(value) : 0;
  if (Number.isInteger(number) && number >= 400 && number < 600) return number;
  return typeof value === 'string' ? NAMED.find(([pattern]) => pattern.test(value))?.[1] : undefined;
}

/** Faults that words alone name; something else than the model that is not found may be found later. */
function statusInWords(said: string): number | undefined {
  const status = statusIn(said);
  return status === 404 && !/model/i.test(said) ? undefined : status;
}

const STATUS_KEYS = 'status_code statusCode http_status code status error_code type err_type'.split(' ');
const WORD_KEYS = 'message msg detail status_msg description reason error'.split(' ');

function wordsIn(error: unknown): string | undefined {
  if (typeof error === 'string') return error;
  if (!isFields(error)) return undefined;
  for (const key of WORD_KEYS) {
    const value = error[key];
    if (typeof value === 'string' && value !== '') return value;
    if (isFields(value)) return wordsIn(value);
  }
  return undefined;
}

function tell(error: unknown, whole: unknown): Told {
  const said = oneLine(wordsIn(error) ?? JSON.stringify(error));
  // A gateway's message may hold more of what the server behind it said.
  const metadata = isFields(error) && isFields(error['metadata']) ? error['metadata'] : {};
  const raw = typeof metadata['raw'] === 'string' ? ` (${oneLine(metadata['raw'])})` : '';
  const fields = [error, whole].filter(isFields);
  const named = fields.flatMap((one) => STATUS_KEYS.map((key) => statusIn(one[key])));
  const status = named.find((one) => one !== undefined) ?? statusInWords(said);
  const param = fields.map((one) => one['param']).find((one) => typeof one === 'string');
  return { status, said: said + raw, param: typeof param === 'string' ? param : undefined };
}

const isError = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || (isFields(value) && Object.keys(value).length > 0);

const ANSWER_KEYS = ['choices', 'tokens', 'meta_info', 'data', 'content', 'text', 'object', 'completion'];

/** The error that a server's JSON tells; undefined where it is an answer. */
export function errorIn(value: unknown): Told | undefined {
  if (Array.isArray(value)) {
    // Google answers with a list of one error.
    const [first] = value as unknown[];
    return value.length === 1 && isFields(first) && isError(first['error']) ? errorIn(first) : undefined;
  }
  if (!isFields(value)) return undefined;
  if (isError(value['error'])) return tell(value['error'], value);
  if (value['object'] === 'error') return tell(value, value);
  const { errors, base_resp: base } = value;
  if (Array.isArray(errors) && errors.length > 0) return tell(errors[0], value);
  if (isFields(base) && typeof base['status_code'] === 'number' && base['status_code'] !== 0)
    return tell(base, base);
  if (ANSWER_KEYS.some((key) => value[key] !== undefined && value[key] !== null)) return undefined;
  const { detail } = value;
  if (Array.isArray(detail) && detail.length > 0) return tellInvalid(detail);
  return wordsIn(value) === undefined ? undefined : tell(value, value);
}

/** Body of FastAPI for a request that is not as it wants it. */
function tellInvalid(detail: readonly unknown[]): Told {
  const [first] = detail;
  const place: unknown[] = isFields(first) && Array.isArray(first['loc']) ? first['loc'] : [];
  const param = place.findLast((one) => typeof one === 'string');
  const said = [place.join('.'), wordsIn(first) ?? JSON.stringify(first)].filter((part) => part !== '');
  return { status: 422, said: said.join(': '), param: typeof param === 'string' ? param : undefined };
}

/** The error of a text that is no JSON: a page for people, or a stream; undefined where it is neither. */
export function errorInText(text: string): Told | undefined {
  const start = text.trimStart();
  if (/^<(?:!doctype|html|head|body|\?xml|title)/i.test(start)) {
    const [, title = ''] = /<title[^>]*>([^<]*)/i.exec(start) ?? /<h1[^>]*>([^<]*)/i.exec(start) ?? [];
    const words = oneLine(title);
    const [, status] = /\b([45]\d\d)\b/.exec(words) ?? [];
    return {
      status: status === undefined ? statusInWords(words) : Number(status),
      said: `a web page${words === '' ? '' : ` (${words})`}`,
      param: undefined,
    };
  }
  if (!/^(?:data|event):/.test(start)) return undefined;
  for (const [, json = ''] of start.matchAll(/^data: *(\{.*)$/gm)) {
    try {
      const told = errorIn(JSON.parse(json));
      if (told !== undefined) return told;
    } catch {
      // A line that was cut says nothing.
    }
  }
  return { status: undefined, said: 'a stream, which was not asked for', param: undefined };
}
