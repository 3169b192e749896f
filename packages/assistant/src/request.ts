/** Puts phrases into words: a phrase with drawn values becomes a request and the calls it asks for. */
import type { Rng } from '../../../src/base/rng.ts';
import type { ToolCall } from '../../../src/chat/messages.ts';
import type { Node, Template } from './template.ts';
import type { DrawnFunction } from './tools.ts';
import { drawValue, type Split } from './values.ts';

/** A phrase in words, before "please" and a full stop. */
export interface Spoken {
  readonly text: string;
  readonly imperative: boolean;
  readonly calls: readonly ToolCall[];
}

type Values = ReadonlyMap<string, string | number>;

interface Scope {
  readonly given: ReadonlySet<string>;
  readonly missing: string | undefined;
  /** The values of each call; a phrase's repeated part is said once for each. */
  readonly rounds: readonly Values[];
}

function slotsIn(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    if (node.type === 'slot') return [node.key];
    return node.type === 'text' || node.type === 'choice' ? [] : slotsIn(node.body);
  });
}

/** "a", "a and b", "a, b and c". */
function enumerate(parts: readonly string[]): string {
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}

function render(rng: Rng, nodes: readonly Node[], scope: Scope): string {
  return nodes
    .map((node): string => {
      switch (node.type) {
        case 'text':
          return node.text;
        case 'slot':
          return String(scope.rounds[0]?.get(node.key) ?? '');
        case 'choice':
          return render(rng, rng.pick(node.options), scope);
        case 'optional':
          return slotsIn(node.body).every((key) => scope.given.has(key)) ? render(rng, node.body, scope) : '';
        case 'needed': {
          const lacking = scope.missing !== undefined && slotsIn(node.body).includes(scope.missing);
          return render(rng, lacking ? node.instead : node.body, scope);
        }
        case 'repeat':
          return enumerate(
            scope.rounds.map((values) => render(rng, node.body, { ...scope, rounds: [values] })),
          );
      }
    })
    .join('');
}

export interface SayOptions {
  readonly rng: Rng;
  readonly split: Split;
  /** Words that other values of the same request have taken. */
  readonly used: Set<string>;
  /** Probability that an optional argument is given. */
  readonly optional: number;
  /** The required argument to leave out. */
  readonly missing?: string;
  /** Number of calls that the phrase's repeated part makes. */
  readonly rounds?: number;
}

export function say(drawn: DrawnFunction, template: Template, options: SayOptions): Spoken {
  const { rng, split, used, missing } = options;
  const given = new Set(
    template.slots.filter(
      (key) => key !== missing && (!template.optional.includes(key) || rng.chance(options.optional)),
    ),
  );
  const params = drawn.spec.params.filter((param) => given.has(param.key));
  const draw = (key: string): string | number => {
    const param = params.find((p) => p.key === key);
    if (!param) throw new RangeError(`${drawn.spec.id}: "${template.source}" has an unknown slot ${key}`);
    return drawValue(rng, param.kind, split, used);
  };
  const keys = params.map((param) => param.key);
  const shared = new Map(
    keys.filter((key) => !template.repeated.includes(key)).map((key) => [key, draw(key)]),
  );
  const rounds = Array.from({ length: options.rounds ?? 1 }, () => {
    const own = keys.filter((key) => template.repeated.includes(key)).map((key) => [key, draw(key)] as const);
    return new Map([...shared, ...own]);
  });
  const text = render(rng, template.nodes, { given, missing, rounds });
  return {
    text: text.replaceAll(/\s+/g, ' ').replaceAll(' ,', ',').replaceAll(' :', ':').trim(),
    imperative: template.imperative,
    calls: rounds.map((values) => callOf(drawn, values)),
  };
}

function callOf(drawn: DrawnFunction, values: Values): ToolCall {
  const args: Record<string, string | number> = {};
  for (const [key, name] of drawn.argumentNames) {
    const value = values.get(key);
    if (value !== undefined) args[name] = value;
  }
  return { name: drawn.tool.name, arguments: args };
}

const COMMAND_OPENINGS = ['', '', '', '', 'please ', 'can you ', 'could you ', 'hey, ', 'I want you to '];
const OTHER_OPENINGS = ['', '', '', '', 'hey, ', 'ok, '];
const CLOSINGS = ['', '', '', '', '', ', please', ', thanks'];
const QUESTION = /^(what|how|is|will|when|where|who|do|does|did|which|are|should|why|has)\b/;

/** One request of several phrases, with the small words around them. */
export function joinSpoken(rng: Rng, spoken: readonly Spoken[]): string {
  const imperative = spoken[0]?.imperative ?? false;
  const opening = rng.pick(imperative ? COMMAND_OPENINGS : OTHER_OPENINGS);
  const joints = spoken.every((phrase) => phrase.imperative)
    ? [' and ', ' and ', ' and then ', ', then ']
    : [' and ', ', and ', '. Also, '];
  const body = spoken.map((phrase, i) => (i > 0 ? rng.pick(joints) : '') + phrase.text).join('');
  const last = spoken.at(-1)?.text ?? '';
  const question = QUESTION.test(last) || /^(can|could) /.test(opening);
  const closing = opening.includes('please') ? '' : rng.pick(CLOSINGS);
  const text = opening + body + closing;
  const values = spoken.flatMap(({ calls }) =>
    calls.flatMap((call) => Object.values(call.arguments).map(String)),
  );
  return punctuate(rng, text, question && closing !== ', thanks' ? '?' : '.', values);
}

/** Some people write a capital and a full stop; never where it would change a value. */
function punctuate(rng: Rng, text: string, mark: string, values: readonly string[]): string {
  if (rng.chance(0.6)) return text;
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  const kept = values.every((value) => capital.includes(value)) ? capital : text;
  return rng.chance(0.5) ? kept : kept + mark;
}
