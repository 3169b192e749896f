/** Stories about one number: an opening, then what happens to it, with the calls that follow the story. */
import { required } from '../../../../src/base/errors.ts';
import type { Rng } from '../../../../src/base/rng.ts';
import type { ToolCall } from '../../../../src/chat/messages.ts';
import type { JsonObject } from '../../../../src/json/value.ts';
import type { SolutionStep } from '../environment.ts';
import { type Domain, type Move, MOVES, type Opening, OPENINGS } from './domains.ts';
import { ARITHMETIC_TOOLS } from './tools.ts';

/** The largest number that a story may come to. */
const LARGEST = 2000;
/** Quotients of these are short: it is the call that is to be learned, not the copying of sixteen digits. */
const SHORT_DIVISORS = [2, 4, 5, 8, 10] as const;

interface Story {
  readonly text: string;
  readonly answer: string;
  readonly steps: readonly SolutionStep[];
}

type Numbers = Readonly<Record<string, string | number>>;

/** One sentence of a story: its numbers, and the calls that turn the number before into the one after. */
interface Sentence {
  readonly numbers: Numbers;
  readonly calls: readonly ToolCall[];
  readonly value: number;
}

const TOOLS = new Map(ARITHMETIC_TOOLS.map((tool) => [tool.name, tool]));

/** A sentence of one call; given the sentence of a call before it, of both. */
function told(numbers: Numbers, name: string, given: JsonObject, before: readonly ToolCall[] = []): Sentence {
  const value = required(TOOLS.get(name), `the tool ${name}`).run(given, undefined) as number;
  return { numbers, calls: [...before, { name, arguments: given }], value };
}

const between = (rng: Rng, least: number, most: number): number => least + rng.below(most - least + 1);

function open(rng: Rng, opening: Opening): Sentence {
  const a = between(rng, 6, 90);
  switch (opening) {
    case 'plain':
      return { numbers: { a }, calls: [], value: a };
    case 'sum': {
      const numbers = Array.from({ length: between(rng, 3, 4) }, () => between(rng, 3, 60));
      return told({ list: numbers.join(', ') }, 'sum_numbers', { numbers });
    }
    case 'square': {
      const side = between(rng, 3, 25);
      return told({ a: side }, 'power', { a: side, b: 2 });
    }
    case 'root': {
      const area = between(rng, 4, 40) ** 2;
      return told({ a: area }, 'sqrt', { x: area });
    }
    case 'difference': {
      const b = a + between(rng, 2, 40);
      const change = told({}, 'subtract', { a, b });
      return told({ a, b }, 'abs_value', { x: change.value }, change.calls);
    }
    default:
      return opening satisfies never;
  }
}

/** Tells of a move of `x`, a whole number; undefined when it does not suit it. */
function move(rng: Rng, kind: Move, x: number): Sentence | undefined {
  const few = between(rng, 2, 9);
  const short = rng.pick(SHORT_DIVISORS);
  switch (kind) {
    case 'add': {
      const b = between(rng, 2, 80);
      return told({ b }, 'add', { a: x, b });
    }
    case 'subtract': {
      if (x < 4) return undefined;
      const b = between(rng, 1, Math.min(80, x - 2));
      return told({ b }, 'subtract', { a: x, b });
    }
    case 'multiply':
      return x < 2 ? undefined : told({ b: few }, 'multiply', { a: x, b: few });
    case 'divide':
      return x % few !== 0 || x < 2 * few ? undefined : told({ b: few }, 'divide', { a: x, b: few });
    case 'rest':
      return x % few === 0 ? undefined : told({ b: few }, 'modulo', { a: x, b: few });
    case 'full':
    case 'needed': {
      if (x % short === 0 || x < 2 * short) return undefined;
      const share = told({}, 'divide', { a: x, b: short });
      return told({ b: short }, kind === 'full' ? 'floor' : 'ceil', { x: share.value }, share.calls);
    }
    case 'rounded': {
      if (x % 4 === 0 || x < 16) return undefined;
      // Three or four decimals, never halfway between two of `digits`.
      const [b, digits] = rng.chance(0.5) ? [8, 1] : [16, between(rng, 1, 2)];
      const share = told({}, 'divide', { a: x, b });
      return told({ b, d: digits }, 'round_number', { x: share.value, digits }, share.calls);
    }
    default:
      return kind satisfies never;
  }
}

function fill(pattern: string, words: Numbers): string {
  const text = pattern.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(required(words[name], `the word ${name}`)),
  );
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A story of exactly `calls` calls; undefined when the dice did not lead to one. */
export function tellStory(rng: Rng, domain: Domain, calls: number): Story | undefined {
  const opening = rng.chance(0.45) ? 'plain' : rng.pick(OPENINGS);
  const start = open(rng, opening);
  const words = { who: rng.pick(domain.people), item: rng.pick(domain.items), box: rng.pick(domain.boxes) };
  const sentences = [fill(domain.openings[opening], { ...words, ...start.numbers })];
  const made = [...start.calls];
  let { value } = start;
  for (let tries = 0; made.length < calls && tries < 20; tries++) {
    const kind = rng.pick(MOVES);
    const next = move(rng, kind, value);
    if (next === undefined || made.length + next.calls.length > calls || next.value > LARGEST) continue;
    // A remainder, or no whole number any more, ends a story.
    if ((kind === 'rest' || kind === 'rounded') && made.length + next.calls.length < calls) continue;
    sentences.push(fill(domain.moves[kind], { ...words, ...next.numbers }));
    made.push(...next.calls);
    ({ value } = next);
  }
  if (made.length !== calls) return undefined;
  return {
    text: `${sentences.join(' ')} ${domain.ask}`,
    answer: String(value),
    // A thought names the function ; the numbers stand in the call.
    steps: made.map((one, i) => ({ thought: `${i === 0 ? 'First' : 'Next'}: ${one.name}.`, calls: [one] })),
  };
}
