/** Phrases of lexicons, in the notation of the assistant's templates, as wordings for given arguments. */
import type { Rng } from '../../../../src/base/rng.ts';
import type { JsonValue } from '../../../../src/json/value.ts';
import { type Node, parseTemplates, type Template } from '../../../assistant/src/template.ts';
import type { Field } from './fields.ts';
import { asObject } from './kinds.ts';
import { isImperative } from './slots.ts';
import { put, type Slot, slotMark, tidy, type Wording } from './wording.ts';

export interface Phrase {
  readonly template: Template;
  /** Its line, which tells it from all others. */
  readonly line: string;
}

export const phrasesOf = (block: string): Phrase[] =>
  parseTemplates(block).map((template) => ({ template, line: template.source }));

/** Subject of a phrase. */
export interface Meaning {
  readonly tool: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** Arguments that the phrase's words stand for, by path. */
  readonly fixed: readonly (readonly [path: readonly string[], value: JsonValue])[];
  /** Required arguments of the function. */
  readonly required: readonly Field[];
  readonly made: string;
}

const roleOf = (key: string): string => key.split(':')[0] ?? key;

/** Form in which a slot's value is said where the phrase asks for none. */
function formOf(key: string, field: Field): string | undefined {
  const [, form] = key.split(':');
  const { sort, of } = field.kind;
  if (form === 'the') return sort === 'list' ? 'list the' : undefined;
  if (form !== undefined) return form;
  if (sort === 'duration') return 'length';
  if (sort === 'list') return 'list';
  if (sort === 'number') return of === 'percent' ? 'number' : undefined;
  return sort === 'enum' ? 'noun' : undefined;
}

interface Drawing {
  readonly rng: Rng;
  readonly meaning: Meaning;
  /** Probability that an optional part is said. */
  readonly optional: number;
  /** Roles that are left unsaid. */
  readonly missing: ReadonlySet<string>;
  readonly slots: Slot[];
  readonly said: Set<string>;
  readonly rounds: number;
  call: number;
}

const keysIn = (nodes: readonly Node[]): string[] =>
  nodes.flatMap((node) => {
    if (node.type === 'slot') return [roleOf(node.key)];
    if (node.type === 'text') return [];
    return node.type === 'choice' ? node.options.flatMap(keysIn) : keysIn(node.body);
  });

function render(nodes: readonly Node[], drawing: Drawing): string | undefined {
  let text = '';
  for (const node of nodes) {
    const part = renderNode(node, drawing);
    if (part === undefined) return undefined;
    text += part;
  }
  return text;
}

function renderNode(node: Node, drawing: Drawing): string | undefined {
  const { rng, meaning, missing, slots } = drawing;
  switch (node.type) {
    case 'text':
      return node.text;
    case 'slot': {
      const role = roleOf(node.key);
      const field = meaning.fields.get(role);
      if (field === undefined || missing.has(role)) return undefined;
      drawing.said.add(role);
      slots.push({
        kind: field.kind,
        form: formOf(node.key, field),
        targets: [{ call: drawing.call, path: field.path }],
      });
      return slotMark(slots.length - 1);
    }
    case 'choice': {
      const possible = node.options.filter((option) =>
        keysIn(option).every((key) => meaning.fields.has(key) && !missing.has(key)),
      );
      return possible.length === 0 ? undefined : render(rng.pick(possible), drawing);
    }
    case 'optional': {
      const keys = keysIn(node.body);
      const isPossible = keys.every(
        (key) => meaning.fields.has(key) && !missing.has(key) && !drawing.said.has(key),
      );
      const isNeeded = keys.some((key) =>
        meaning.required.some((field) => field === meaning.fields.get(key)),
      );
      return isPossible && (isNeeded || rng.chance(drawing.optional)) ? render(node.body, drawing) : '';
    }
    case 'needed':
      return keysIn(node.body).some((key) => missing.has(key) || !meaning.fields.has(key))
        ? render(node.instead, drawing)
        : render(node.body, drawing);
    case 'repeat': {
      const parts: string[] = [];
      for (let round = 0; round < drawing.rounds; round++) {
        drawing.call = round;
        const part = render(node.body, drawing);
        if (part === undefined) return undefined;
        parts.push(part);
      }
      const last = parts.pop() ?? '';
      return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
    }
  }
}

/** Shares a slot outside of the repeated part among all calls. */
const shared = (slot: Slot, rounds: number, repeated: ReadonlySet<string>): Slot =>
  slot.targets.some(({ path }) => repeated.has(JSON.stringify(path)))
    ? slot
    : {
        ...slot,
        targets: Array.from({ length: rounds }, (_, call) => ({ call, path: slot.targets[0]?.path ?? [] })),
      };

export interface SayOptions {
  readonly optional: number;
  readonly missing?: ReadonlySet<string>;
  readonly rounds?: number;
}

/** A wording of a phrase, undefined where the function has no argument that the phrase speaks of; `lacking` are required arguments that are not said. */
export function sayPhrase(
  { template, line }: Phrase,
  meaning: Meaning,
  rng: Rng,
  { optional, missing = new Set(), rounds = 1 }: SayOptions,
): { readonly wording: Wording; readonly lacking: readonly Field[] } | undefined {
  const drawing: Drawing = { rng, meaning, optional, missing, slots: [], said: new Set(), rounds, call: 0 };
  const text = render(template.nodes, drawing);
  if (text === undefined) return undefined;
  const repeated = new Set(
    template.repeated.map((key) => JSON.stringify(meaning.fields.get(roleOf(key))?.path ?? [])),
  );
  const slots = rounds > 1 ? drawing.slots.map((slot) => shared(slot, rounds, repeated)) : drawing.slots;
  let fixed: JsonValue = {};
  for (const [path, value] of meaning.fixed) fixed = put(fixed, path, value);
  const given = new Set([
    ...slots.flatMap(({ targets }) => targets.map(({ path }) => JSON.stringify(path))),
    ...meaning.fixed.map(([path]) => JSON.stringify(path)),
  ]);
  const lacking = meaning.required.filter((field) => !given.has(JSON.stringify(field.path)));
  const calls = Array.from({ length: rounds }, () => ({ name: meaning.tool, arguments: asObject(fixed) }));
  const clean = tidy(text.replaceAll(',?', () => (rng.chance(0.6) ? ',' : '')));
  const wording: Wording = {
    text: clean,
    slots,
    calls,
    reply: '',
    kind: rounds > 1 ? 'several' : 'single',
    made: meaning.made,
    imperative: template.imperative && isImperative(clean),
    source: `${meaning.tool}: ${line}`,
  };
  return { wording, lacking };
}
