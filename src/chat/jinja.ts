/**
 * Jinja as chat templates use it: @huggingface/jinja, with globals of our own where a template could tell the day, which
 * would change a recipe's bytes from day to day, or ask for a list that fills the memory.
 */
import { Environment, Template } from '@huggingface/jinja';
import { reasonOf, UserError } from '../base/errors.ts';
import { BoundedInterpreter } from './bounded-jinja.ts';

/** Fields of the day that `strftime_now` tells: the one that Llama 3.2's template falls back to. */
const DAY: Readonly<Record<string, string>> = {
  Y: '2024',
  y: '24',
  m: '07',
  B: 'July',
  b: 'Jul',
  d: '26',
  e: '26',
  A: 'Friday',
  a: 'Fri',
  H: '00',
  I: '12',
  M: '00',
  S: '00',
  p: 'AM',
  F: '2024-07-26',
  T: '00:00:00',
  '%': '%',
};

/** Python's strftime of that day; "%-d" leaves padding out, and a field that is not known stays as it is written. */
const strftimeNow = (format: string): string =>
  format.replaceAll(/%(-?)([A-Za-z%])/g, (whole, bare: string, field: string) => {
    const text = DAY[field] ?? whole;
    return bare === '' ? text : text.replace(/^[0 ]+(?=\d)/, '');
  });

/**
 * A template that tells that day wherever it is rendered: transformers gives it a function, and llama.cpp a variable, that
 * tell today's.
 */
export function withDay(source: string): string {
  const dated = source.replaceAll(
    /\bstrftime_now\((["'])([^"'\\]*)\1\)/g,
    (_, quote: string, format: string) => quote + strftimeNow(format) + quote,
  );
  const day = `{%- set date_string = '${strftimeNow('%d %b %Y')}' %}`;
  return /\bdate_string\b/.test(dated) && !dated.includes(day) ? day + dated : dated;
}

/** Items of a range at most; conversations have far fewer messages. */
const LONGEST_RANGE = 100_000;

function range(first: number, second?: unknown, third?: unknown): number[] {
  const [start, stop] = typeof second === 'number' ? [first, second] : [0, first];
  const step = typeof third === 'number' ? third : 1;
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= LONGEST_RANGE)) throw new Error(`range() of more than ${LONGEST_RANGE} items`);
  return Array.from({ length }, (_, i) => start + i * step);
}

const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  range,
  strftime_now: (format: unknown) => strftimeNow(String(format)),
};

const compiled = new Map<string, Template>();

function compile(source: string): Template {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  try {
    // The library does not treat a carriage return as part of a line's end.
    const template = new Template(source.replaceAll('\r\n', '\n'));
    compiled.set(source, template);
    return template;
  } catch (thrown) {
    throw new UserError(
      'CHAT_TEMPLATE',
      `The chat template cannot be parsed${reasonOf(thrown)}; check the checkpoint's chat_template.jinja.`,
    );
  }
}

/** Renders a Jinja chat template with the names that it knows; throws a UserError if it cannot. */
export function renderTemplate(source: string, names: Readonly<Record<string, unknown>>): string {
  const template = compile(source);
  try {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...GLOBALS, ...names })) environment.set(name, value);
    return String(new BoundedInterpreter(environment).run(template.parsed).value);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'CHAT_TEMPLATE',
      `The chat template cannot render this conversation${reasonOf(thrown)}; check the roles of its messages.`,
      { cause: thrown },
    );
  }
}
