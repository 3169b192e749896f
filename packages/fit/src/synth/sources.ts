/** Sources of wordings: a person's examples, phrases for common jobs, and what a schema's own words give. */
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Rng } from '../../../../src/base/rng.ts';
import type { CaseKind, Project } from '../types.ts';
import { ask } from './ask.ts';
import { matchConcepts, type Match } from './concepts.ts';
import { type Field, fieldKey, fieldsOf, type Seen } from './fields.ts';
import { genericHeads, isTerse, sayGeneric, sayTerse, TERSE_PLACES, terseId } from './generic.ts';
import { sayPhrase } from './phrases.ts';
import { paraphrased } from './rules.ts';
import { kindsOf, wordingOf } from './slots.ts';
import { templateOf } from './split.ts';
import type { Wording } from './wording.ts';
import type { JsonObject, JsonValue } from '../../../../src/json/value.ts';

export type Origin = 'example' | 'phrases' | 'schema' | 'keywords' | 'topics';

/** A wording before its expansion: the unit that splits divide. */
export interface Source {
  /** Identity of its wording. */
  readonly id: string;
  /** Functions that it calls; of a request without calls, the one that it is about, if any. */
  readonly tools: readonly string[];
  readonly kind: CaseKind;
  readonly origin: Origin;
  /** Weight beside others of its kind and function. */
  readonly weight: number;
  draw(rng: Rng): Wording | undefined;
}

/** Values of a person's examples by function and path. */
function seenValues(project: Project): Map<string, Seen[]> {
  const seen = new Map<string, Seen[]>();
  const visit = (request: string, tool: string, path: readonly string[], value: JsonValue): void => {
    if (path.length > 0) {
      const key = fieldKey(tool, path);
      seen.set(key, [...(seen.get(key) ?? []), { value, request }]);
    }
    if (Array.isArray(value))
      for (const item of value as readonly JsonValue[]) visit(request, tool, [...path, '*'], item);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value as JsonObject))
        visit(request, tool, [...path, key], inner);
  };
  for (const { request, calls } of project.examples)
    for (const { name, arguments: args } of calls) visit(request, name, [], args);
  return seen;
}

/** A project with what is known of its functions. */
export interface Known {
  readonly project: Project;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly fields: ReadonlyMap<string, readonly Field[]>;
  readonly matches: readonly Match[];
  /** Examples as wordings, in their order. */
  readonly wordings: readonly Wording[];
}

export function knowledgeOf(project: Project): Known {
  const seen = seenValues(project);
  const tools = new Map(project.functions.map((tool) => [tool.name, tool]));
  const fields = new Map(project.functions.map((tool) => [tool.name, fieldsOf(tool, seen)]));
  const kindAt = kindsOf(fields);
  return {
    project,
    tools,
    fields,
    matches: matchConcepts(project.functions, (tool) => fields.get(tool.name) ?? []),
    wordings: alike(
      project,
      project.examples.map((example) => wordingOf(example, kindAt)),
    ),
  };
}

/** Wordings of examples, those that differ in nothing but values with one identity. */
function alike({ examples }: Project, wordings: readonly Wording[]): Wording[] {
  const parents = new Map<string, string>();
  const root = (key: string): string => {
    let at = key;
    for (let next = parents.get(at); next !== undefined && next !== at; next = parents.get(at)) at = next;
    return at;
  };
  for (const [i, { source }] of wordings.entries()) {
    const example = examples[i];
    if (example !== undefined) parents.set(root(`template ${templateOf(example)}`), root(source));
  }
  return wordings.map((wording) => ({ ...wording, source: root(wording.source) }));
}

/** A request that lacks required arguments: nothing is called, and the reply asks for them. */
const lackingWording = (wording: Wording, lacking: readonly Field[]): Wording => ({
  ...wording,
  slots: wording.slots.map((slot) => ({ ...slot, targets: [] })),
  calls: [],
  reply: ask(lacking),
  kind: 'missing',
  made: 'missing',
});

export function exampleSources(known: Known): Source[] {
  const { wordings } = known;
  return wordings.map((wording) => ({
    id: wording.source,
    tools: [...new Set(wording.calls.map(({ name }) => name))],
    kind: wording.kind,
    origin: 'example',
    weight: 1,
    draw: (rng) => (rng.chance(0.5) ? paraphrased(wording, rng) : wording),
  }));
}

/** Share of the optional parts of a phrase that are said. */
const OPTIONAL = 0.35;

export function phraseSources({ matches }: Known): Source[] {
  return matches.flatMap(({ concept, tool, groups }) =>
    groups.flatMap(({ meaning, phrases }) =>
      phrases.flatMap((phrase) => {
        const id = `${concept.concept}: ${phrase.line}`;
        const base = { id, tools: [tool], origin: 'phrases' as const, weight: 1 };
        const { droppable, repeated } = phrase.template;
        const say = (rng: Rng, rounds: number): ReturnType<typeof sayPhrase> =>
          sayPhrase(phrase, meaning, rng, { optional: OPTIONAL, rounds });
        const single: Source = {
          ...base,
          kind: 'single',
          draw(rng) {
            const said = say(rng, 1);
            if (said === undefined) return undefined;
            return said.lacking.length > 0 ? lackingWording(said.wording, said.lacking) : said.wording;
          },
        };
        const required = droppable.filter((key) =>
          meaning.required.includes(meaning.fields.get(key) as Field),
        );
        const missing: Source[] =
          required.length === 0
            ? []
            : [
                {
                  ...base,
                  kind: 'missing',
                  draw(rng) {
                    const left = new Set([rng.pick(required)]);
                    const said = sayPhrase(phrase, meaning, rng, { optional: 0.1, missing: left });
                    return said === undefined || said.lacking.length === 0
                      ? undefined
                      : lackingWording(said.wording, said.lacking);
                  },
                },
              ];
        const several: Source[] =
          repeated.length === 0
            ? []
            : [{ ...base, kind: 'several', draw: (rng) => say(rng, rng.chance(0.8) ? 2 : 3)?.wording }];
        return [single, ...missing, ...several];
      }),
    ),
  );
}

/** Sources made of a function's own words; the fewer examples and phrases there are, the more they count. */
export function genericSources({ tools, fields }: Known): Source[] {
  return [...tools.values()].flatMap((tool) => {
    const own = fields.get(tool.name) ?? [];
    return genericHeads(tool).map((head) => ({
      id: `${tool.name}: ${head}`,
      tools: [tool.name],
      kind: 'single' as const,
      origin: 'schema' as const,
      weight: 1,
      draw: (rng: Rng) => sayGeneric(tool, head, own, rng),
    }));
  });
}

/** Requests of keywords: what is set to what, without a verb. */
export function terseSources({ tools, fields }: Known): Source[] {
  const values = (name: string): string[] =>
    (fields.get(name) ?? []).flatMap(({ kind, required }) =>
      required && kind.sort === 'enum' ? kind.values.map((value) => JSON.stringify(value)) : [],
    );
  const all = new Map([...tools.keys()].map((name) => [name, new Set(values(name))]));
  return [...tools.values()].flatMap((tool) => {
    const own = fields.get(tool.name) ?? [];
    if (!isTerse(own)) return [];
    const isOwn =
      values(tool.name).length > 0 &&
      [...all].every(
        ([name, theirs]) => name === tool.name || values(tool.name).every((value) => !theirs.has(value)),
      );
    return TERSE_PLACES.map((place) => ({
      id: terseId(tool, place),
      tools: [tool.name],
      kind: 'single' as const,
      origin: 'keywords' as const,
      weight: 1,
      draw: (rng: Rng) => sayTerse(tool, place, isOwn, own, rng),
    }));
  });
}

/** Requests that leave a required argument out, of a function's own words. */
export function genericMissing({ tools, fields }: Known): Source[] {
  return [...tools.values()].flatMap((tool) => {
    const required = (fields.get(tool.name) ?? []).filter(
      (field) => field.required && !field.path.includes('*'),
    );
    if (required.length === 0) return [];
    return genericHeads(tool).map((head) => ({
      id: `${tool.name}: ${head}`,
      tools: [tool.name],
      kind: 'missing' as const,
      origin: 'schema' as const,
      weight: 1,
      draw(rng: Rng): Wording | undefined {
        const wording = sayGeneric(tool, head, [], rng);
        return wording && lackingWording(wording, required);
      },
    }));
  });
}
