/** Requests made of a function's own words: its name, its description, the names of its arguments. */
import type { Rng } from '../../../../src/base/rng.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Field } from './fields.ts';
import { nameWords, verbs } from './lexicon.ts';
import { type Slot, slotMark, tidy, type Wording } from './wording.ts';

/** First clause of a description as an imperative: "Set an alarm clock", without what follows. */
function clause(description: string): string | undefined {
  const [first = ''] = description
    .trim()
    .split(/[.;:\n(]|, (?:or|and|e\.g)|\b(?:given|based on|using|by its|with the given)\b/);
  const words = first
    .trim()
    .replace(/[,\s]+$/, '')
    .split(/\s+/);
  if (words.length < 2 || words.length > 9) return undefined;
  const [verb = '', ...rest] = words;
  const lower = verb.toLowerCase();
  // "Sets an alarm" is said as "set an alarm".
  const bare = verbs().has(lower)
    ? lower
    : [lower.replace(/s$/, ''), lower.replace(/es$/, '')].find((one) => verbs().has(one));
  if (bare === undefined) return undefined;
  return [bare, ...rest.map((word) => (/^[A-Z][a-z]+$/.test(word) ? word.toLowerCase() : word))]
    .join(' ')
    .replaceAll(/\b(?:the|a) user(?:'s)?\b/g, 'my')
    .replaceAll(/\bsomebody\b/g, 'someone');
}

/** Beginnings of requests for a function. */
export function genericHeads(tool: Tool): string[] {
  const words = nameWords(tool.name);
  const [verb = '', ...object] = words;
  const heads: string[] = [];
  if (words.length > 1 && verbs().has(verb)) {
    const thing = object.join(' ');
    heads.push(`${verb} ${thing}`, `${verb} the ${thing}`, `${verb} my ${thing}`);
    if (!thing.endsWith('s')) heads.push(`${verb} a ${thing}`);
  } else heads.push(words.join(' '));
  const described = clause(tool.description);
  if (described !== undefined) heads.push(described, described.replaceAll(/\b(?:a|an|the) /g, ''));
  return [...new Set(heads)].map((head) => head.replaceAll(/\ba(?= [aeiou])/g, 'an'));
}

const PREPOSITIONS: Readonly<Record<string, readonly string[]>> = {
  duration: ['for', 'for', 'of'],
  time: ['at', 'for', 'at'],
  date: ['on', 'for'],
  days: [''],
  number: ['to', 'at', 'with {name}', '{name}', 'with a {name} of'],
  enum: ['{name}', 'for', 'with {name}', 'in', ''],
  switch: ['', '{name}'],
  list: ['', '{name}', 'for', 'with'],
  text: ['{name}', 'with {name}', 'for'],
};
const BY_TEXT: Readonly<Record<string, readonly string[]>> = {
  person: ['to', 'for', 'with'],
  place: ['in', 'for', 'at'],
  message: ['saying', 'that says', ':', 'with the text'],
  label: ['for', 'called', 'named'],
  task: ['to', ':', 'called'],
  title: ['called', 'titled', 'named'],
};

function partOf(field: Field, mark: string, rng: Rng): string {
  const { sort, of } = field.kind;
  const options = BY_TEXT[of] ?? PREPOSITIONS[sort] ?? ['{name}'];
  const name = field.words.join(' ');
  const before = rng.pick(options).replace('{name}', name);
  const ends = sort === 'enum' && before === '' && rng.chance(0.3) ? ` ${name}` : '';
  return `${before} ${mark}${ends}`;
}

/** A wording with a function's required arguments and some of the others. */
export function sayGeneric(
  tool: Tool,
  head: string,
  fields: readonly Field[],
  rng: Rng,
): Wording | undefined {
  const slots: Slot[] = [];
  const fixed: Record<string, boolean> = {};
  const parts: string[] = [];
  const top = fields.filter(({ path, kind }) => !path.includes('*') && kind.sort !== 'object');
  const chosen = top.filter((field) => field.required || rng.chance(0.25));
  for (const field of rng.chance(0.7) ? chosen : rng.shuffled(chosen)) {
    if (field.kind.sort === 'boolean') {
      const [key] = field.path;
      if (field.path.length > 1 || key === undefined) return undefined;
      const value = rng.chance(0.5);
      const name = field.words.join(' ');
      fixed[key] = value;
      parts.push(
        value
          ? rng.pick([`with ${name}`, `${name} on`, `${name} yes`, name])
          : rng.pick([`without ${name}`, `${name} off`, `no ${name}`, `not ${name}`]),
      );
      continue;
    }
    const { sort } = field.kind;
    slots.push({
      kind: field.kind,
      form: sort === 'duration' ? 'length' : sort === 'enum' ? 'noun' : sort === 'list' ? 'list' : undefined,
      targets: [{ call: 0, path: field.path }],
    });
    parts.push(partOf(field, slotMark(slots.length - 1), rng));
  }
  const join = parts.length > 0 && rng.chance(0.2) ? ', ' : ' ';
  const text = tidy(rng.chance(0.9) ? [head, ...parts].join(join) : [...parts, head].join(join)).replaceAll(
    ' :',
    ':',
  );
  return {
    text,
    slots,
    calls: [{ name: tool.name, arguments: fixed }],
    reply: '',
    kind: 'single',
    made: 'schema',
    imperative: verbs().has(/^[a-z]+/.exec(text)?.[0] ?? ''),
    source: `${tool.name}: ${head}`,
  };
}
