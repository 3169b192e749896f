/**
 * Dialogues of people's requests with one set of functions: a set as it is, or some of its functions under other names,
 * with fewer parameters, values to choose from, numbers and times in place of words. What no function of the group does
 * is answered in words, and where a needed value is not said it is asked for.
 */
import { Rng } from '../../../../src/base/rng.ts';
import type { Dialogue, Message, Tool, ToolCall } from '../../../../src/chat/messages.ts';
import type { JsonObject, JsonValue } from '../../../../src/json/value.ts';
import { NO_FUNCTION } from '../cases.ts';
import { exchanged } from './exchange.ts';
import type { PeopleRequest } from './request.ts';
import { otherNames, type PeopleFunction, type PeopleSet } from './sets.ts';
import { spokenInteger, spokenTime } from './values.ts';

/** Shares of the requests of a group; of those that lack a value and of those with one that is not allowed, the share that is kept. */
const IDLE = 0.14;
const SEVERAL = 0.1;
const MISSING = 0.3;
const OUTSIDE = 0.12;
/** Share of the requests for one function that are taken back: "don't turn the lights on". */
const NEGATED = 0.04;
/** Share of the groups that show a set's functions as they are; a large set costs more than a small one. */
const WHOLE = { few: 0.4, many: 0.2 };
const MANY = 16;

/** The form that a parameter wants its values in; undefined for a value that does not have it. */
type Convert = (said: string) => JsonValue | undefined;

interface Parameter {
  readonly key: string;
  readonly name: string;
  readonly schema: JsonObject;
  readonly convert: Convert;
  readonly isRequired: boolean;
  /** Values to choose from: what is said beyond them is not allowed, and not a value of another form. */
  readonly isChoice: boolean;
}

interface Shown {
  readonly source: PeopleFunction;
  readonly tool: Tool;
  readonly parameters: readonly Parameter[];
}

const asSaid: Convert = (said) => said;

const alternatives = (text: string | undefined): readonly string[] => text?.split('|') ?? [];

/** A name as programs write them. */
function styled(name: string, style: number): string {
  if (style < 2) return name;
  const camel = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return style === 2 ? camel : camel.charAt(0).toUpperCase() + camel.slice(1);
}

/** Values of a parameter, the frequent ones first. */
function frequent({ requests }: PeopleFunction, key: string): string[] {
  const counts = new Map<string, number>();
  for (const { calls } of requests) {
    const value = calls[0]?.arguments[key]?.toLowerCase();
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, n]) => n > 1)
    .toSorted((a, b) => b[1] - a[1])
    .map(([value]) => value);
}

/** A form for the values of a parameter, which at least some of them have. */
function form(rng: Rng, source: PeopleFunction, key: string): Pick<Parameter, 'schema' | 'convert'> {
  const common = frequent(source, key);
  const share = (convert: Convert): number =>
    common.length === 0 ? 0 : common.filter((value) => convert(value) !== undefined).length / common.length;
  if (share(spokenInteger) > 0.6 && rng.chance(0.6))
    return { schema: { type: 'integer' }, convert: spokenInteger };
  if (/time/.test(key) && share(spokenTime) > 0.3 && rng.chance(0.5))
    return { schema: { type: 'string', description: '24-hour HH:MM' }, convert: spokenTime };
  if (common.length >= 3 && common.length <= 40 && rng.chance(0.35)) {
    const values = rng.shuffled(common.slice(0, 3 + rng.below(6)));
    return {
      schema: { type: 'string', enum: values },
      convert: (said) => (values.includes(said.toLowerCase()) ? said.toLowerCase() : undefined),
    };
  }
  return { schema: { type: 'string' }, convert: asSaid };
}

function renamed(rng: Rng, source: PeopleFunction, style: number): Shown {
  const { functions, parameters: known } = otherNames();
  const names = [source.name, ...alternatives(functions[source.name]?.names)];
  const about = [source.description, ...alternatives(functions[source.name]?.about)];
  const isShort = rng.chance(0.25);
  const taken = new Set<string>();
  const parameters = source.parameters.flatMap((key): Parameter[] => {
    const used = source.requests.filter(({ calls }) => calls[0]?.arguments[key] !== undefined).length;
    const share = used / Math.max(1, source.requests.length);
    if (!rng.chance(isShort ? 0.25 + share : share > 0.02 ? 0.9 : 0.15)) return [];
    const name = rng.pick([key, ...alternatives(known[key]?.names)]);
    if (taken.has(name)) return [];
    taken.add(name);
    const { schema, convert } = form(rng, source, key);
    const words = known[key]?.about;
    const described = words !== undefined && schema['description'] === undefined && rng.chance(0.5);
    return [
      {
        key,
        name: styled(name, style),
        schema: described ? { ...schema, description: words } : schema,
        convert,
        isRequired: rng.chance(share > 0.45 ? 0.6 : 0.05),
        isChoice: schema['enum'] !== undefined,
      },
    ];
  });
  const shown = rng.shuffled(parameters);
  const required = shown.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  const tool: Tool = {
    name: styled(rng.pick(names), style),
    description: rng.pick(about),
    parameters: {
      type: 'object',
      properties: Object.fromEntries(shown.map(({ name, schema }) => [name, schema])),
      ...(required.length > 0 || rng.chance(0.5) ? { required } : {}),
    },
  };
  return { source, tool, parameters: shown };
}

function asItIs(source: PeopleFunction): Shown {
  const parameters = source.parameters.map((key) => ({
    key,
    name: key,
    schema: { type: 'string' },
    convert: asSaid,
    isRequired: false,
    isChoice: false,
  }));
  const properties = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]));
  const { name, description } = source;
  return { source, parameters, tool: { name, description, parameters: { type: 'object', properties } } };
}

/** Answer that is due to a request: a call, a question for what lacks, or a refusal of a value that is not among the allowed ones. */
type Due = { readonly call: ToolCall } | { readonly lacking: string } | 'refused';

/** Answer that is due to a request; undefined where a value has not the form that is wanted. */
function dueFor({ tool, parameters }: Shown, { calls }: PeopleRequest): Due | undefined {
  const said = calls[0]?.arguments ?? {};
  const given: Record<string, JsonValue> = {};
  let lacking: string | undefined;
  // The order of the definition, whatever the order of the words.
  for (const { key, name, convert, isRequired, isChoice } of parameters) {
    const words = said[key];
    if (words === undefined) {
      if (isRequired) lacking ??= name;
      continue;
    }
    const value = convert(words);
    if (value === undefined) return isChoice ? 'refused' : undefined;
    given[name] = value;
  }
  return lacking === undefined ? { call: { name: tool.name, arguments: given } } : { lacking };
}

const inWords = (content: string): Message => ({ role: 'assistant', content });

/** "alarmTime" and "alarm_time" as people say them. */
const spoken = (name: string): string =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();

interface Turn {
  readonly request: string;
  readonly answer: Message;
  readonly category: string;
}

function turnOf(shown: Shown, { request, calls }: PeopleRequest): Turn | undefined {
  const due = dueFor(shown, { request, calls });
  if (due === undefined) return undefined;
  if (due === 'refused') return { request, answer: inWords(NO_FUNCTION), category: 'outside' };
  return 'lacking' in due
    ? { request, answer: inWords(`Please tell me the ${spoken(due.lacking)}.`), category: 'missing' }
    : {
        request,
        answer: { role: 'assistant', content: '', toolCalls: [due.call] },
        category: 'single',
      };
}

/** Share of a category that is kept: there are more of some than a model needs. */
const kept = (rng: Rng, { category }: Turn): boolean =>
  category === 'missing' ? rng.chance(MISSING) : category !== 'outside' || rng.chance(OUTSIDE);

const VERBS = new Set(
  'add alert arrange begin book brew call cancel change check clean clear close create decrease delete dim erase find forward get give increase lower make mute open order play post put raise rate remind remove reserve resume schedule send set show shuffle start stop tell text turn tweet update use wake write'.split(
    ' ',
  ),
);

/** A request that is taken back before anything is done; undefined where it does not begin with a verb. */
function negated(rng: Rng, { request }: Turn): Turn | undefined {
  const [first = ''] = request.split(' ');
  if (!VERBS.has(first.toLowerCase())) return undefined;
  const rest = first.toLowerCase() + request.slice(first.length);
  const said = rng.chance(0.6)
    ? `${rng.pick(["don't", 'do not', "please don't", 'never', 'no need to', "you don't have to"])} ${rest}`
    : `${rest.replace(/[.?!]+\s*$/, '')}${rng.pick([', no wait, leave it', '... actually, never mind', ', no, forget it'])}`;
  return { request: said, answer: inWords("Okay, I won't."), category: 'negation' };
}

/** Two requests in one sentence. */
function joined(rng: Rng, one: Turn, other: Turn): Turn {
  const head = one.request.replace(/[.?!,]+\s*$/, '');
  const tail = other.request.charAt(0).toLowerCase() + other.request.slice(1);
  const calls = [one, other].flatMap(({ answer }) => answer.toolCalls ?? []);
  return {
    request: `${head}${rng.pick([' and ', ' and then ', ', then ', ' and also ', '. '])}${tail}`,
    answer: { role: 'assistant', content: '', toolCalls: calls },
    category: 'several',
  };
}

/** Part of a name that says what a function is about: play_music and music_query both are about music. */
const wordsOf = (name: string): string[] =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split('_');

/** Functions whose requests others of their kind may answer as well: people's judges were not of one mind about them. */
const VAGUE = /music|factoid|datetime|lightchange|lightdim|lightup|transport_(?:query|ticket)|Search|Book/;

/** Share of the requests that no function answers for which one of the shown is nearly meant: "which alarms are set" for an alarm to set. */
const NEAR = 0.4;

/** Requests that none of the shown functions answers. */
function idle(rng: Rng, set: PeopleSet, shown: readonly Shown[]): PeopleRequest | undefined {
  const names = new Set(shown.map(({ source }) => source.name));
  const words = new Set(shown.flatMap(({ source }) => wordsOf(source.name)));
  const isKin = ({ name }: PeopleFunction): boolean => wordsOf(name).some((word) => words.has(word));
  const others = set.functions.filter(({ name, requests }) => requests.length > 0 && !names.has(name));
  const near = others.filter((other) => isKin(other) && !VAGUE.test(other.name));
  if (near.length > 0 && rng.chance(NEAR)) return rng.pick(rng.pick(near).requests);
  if (rng.chance(0.4) && set.idle.length > 0) return rng.pick(set.idle);
  const apart = others.filter((other) => !isKin(other));
  return apart.length === 0 ? undefined : rng.pick(rng.pick(apart).requests);
}

/** Group `index` of an endless sequence: `size` dialogues with one list of tools. */
export function peopleGroup(
  sets: readonly PeopleSet[],
  seed: number,
  index: number,
  size: number,
): Dialogue[] {
  const rng = Rng.seeded(seed, `people:${index}`);
  const set = rng.pick(sets);
  const isWhole = rng.chance(set.functions.length > MANY ? WHOLE.many : WHOLE.few);
  const style = rng.below(4);
  const answered = set.functions.filter(({ requests }) => requests.length > 0);
  const chosen = rng.shuffled(answered).slice(0, isWhole ? undefined : 1 + rng.below(12));
  const names = new Set<string>();
  const shown = chosen
    .map((source) => (isWhole ? asItIs(source) : renamed(rng, source, style)))
    .filter(({ tool }) => !names.has(tool.name) && names.add(tool.name));
  const asked = (): Turn | undefined => {
    const one = rng.pick(shown);
    return turnOf(one, exchanged(rng, rng.pick(one.source.requests), one.source.values));
  };
  const turns: Turn[] = [];
  for (let attempt = 0; attempt < size * 8 && turns.length < size; attempt++) {
    const roll = rng.uniform();
    if (roll < IDLE) {
      const request = idle(rng, set, shown)?.request;
      if (request !== undefined)
        turns.push({ request, answer: inWords(NO_FUNCTION), category: 'irrelevant' });
      continue;
    }
    const [one, other] = [asked(), roll < IDLE + SEVERAL ? asked() : undefined];
    if (one === undefined || !kept(rng, one)) continue;
    if (one.category !== 'single') {
      turns.push(one);
      continue;
    }
    const isPair = other?.category === 'single';
    const back = !isPair && rng.chance(NEGATED) ? negated(rng, one) : undefined;
    turns.push(isPair ? joined(rng, one, other) : (back ?? one));
  }
  const tools = shown.map(({ tool }) => tool);
  return turns.map(({ request, answer, category }, i) => ({
    id: `people-${index}-${i}`,
    tools,
    messages: [{ role: 'user', content: request }, answer],
    category,
  }));
}
