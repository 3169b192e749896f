/**
 * Example requests that descriptions give away, to begin with: stiff ones, which a person should replace by words that people
 * use. A function is asked for in the words of its description, with values that its schema names; one that needs arguments
 * is also asked for without them, and then the answer asks back.
 */
import type { Tool } from '../../../src/chat/messages.ts';
import { CallCheck } from './calls.ts';
import { entriesOf, isArray, isObject, type JsonObject, type JsonValue, textOf } from './tools/json.ts';
import type { Answered } from './tools/source.ts';

/** Characters of a description that make a request. */
const LONGEST = 80;
/** Words that begin a list of examples in a description. */
const SUCH_AS =
  /(?:e\.g\.|for example|for instance|such as|example:|examples:|like)[,:]?\s*(["'“`]?)([^"'”`,;.()]{2,40})/i;

/** A name as words: set_light, setLight and set-light are "set light". */
const spoken = (name: string): string =>
  name
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase();

/** Words that ask for a function: the first sentence of its description, or else its name. */
function phraseOf({ name, description }: Tool): string {
  const [sentence = ''] = description.split(/[.!?:;(\n]\s|[.!?]$/);
  const short = sentence.trim();
  if (short === '' || short.length > LONGEST) return spoken(name);
  return /^\p{Lu}\p{Ll}/u.test(short) ? short.charAt(0).toLowerCase() + short.slice(1) : short;
}

/** A value that a schema names itself; undefined where it is anybody's guess. */
function namedValue(schema: JsonObject): JsonValue | undefined {
  const { enum: values, examples, type, description } = schema;
  const given = [values, examples].find(isArray)?.[0] ?? schema['default'];
  if (given !== undefined && given !== null && given !== '') return given;
  if (type === 'boolean') return true;
  if (type === 'integer' || type === 'number') {
    const [least, most] = [schema['minimum'] ?? schema['exclusiveMinimum'], schema['maximum']];
    if (typeof least === 'number' && typeof most === 'number') return Math.round((least + most) / 2);
    return typeof least === 'number' ? Math.floor(least) + 2 : 2;
  }
  if (type === 'array' && isObject(schema['items'])) {
    const item = namedValue(schema['items']);
    return item === undefined ? undefined : [item];
  }
  const found = typeof description === 'string' ? SUCH_AS.exec(description)?.[2]?.trim() : undefined;
  return type === 'string' && found !== '' ? found : undefined;
}

const wordsOf = (value: JsonValue): string =>
  isArray(value) ? value.map(wordsOf).join(' and ') : isObject(value) ? '' : textOf(value);

function requiredOf({ parameters }: Tool): readonly (readonly [string, JsonObject])[] {
  const { required } = parameters;
  return entriesOf(parameters['properties']).flatMap(([name, schema]) =>
    isArray(required) && required.includes(name) && isObject(schema) ? [[name, schema] as const] : [],
  );
}

/** Requests for one function. */
function requestsFor(tool: Tool, check: CallCheck): Answered[] {
  const phrase = phraseOf(tool);
  const required = requiredOf(tool);
  const values = required.map(([name, schema]) => [name, namedValue(schema)] as const);
  const given = values.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const call = { name: tool.name, arguments: Object.fromEntries(given) };
  const details = given.map(([name, value]) =>
    value === true ? spoken(name) : `${spoken(name)} ${wordsOf(value)}`,
  );
  const request = details.length === 0 ? phrase : `${phrase}: ${details.join(', ')}`;
  const isWhole = given.length === required.length && check.faults(call).length === 0;
  const asked: Answered[] = isWhole ? [{ request, calls: [call], reply: '' }] : [];
  const needed = required.filter(([, { type }]) => type !== 'boolean').map(([name]) => spoken(name));
  if (needed.length > 0)
    asked.push({ request: phrase, calls: [], reply: `Which ${needed.join(', and which ')}?` });
  return asked;
}

/** Requests for functions in the words of their descriptions; none is there twice, as similar functions may share theirs. */
export function requestsOfDescriptions(functions: readonly Tool[]): Answered[] {
  const check = new CallCheck(functions);
  const all = functions.flatMap((tool) => requestsFor(tool, check));
  const counts = new Map<string, number>();
  for (const { request } of all) counts.set(request, (counts.get(request) ?? 0) + 1);
  return all.filter(({ request }) => counts.get(request) === 1);
}
