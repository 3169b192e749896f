/** The gold answers of the assistant's data: right by the schema, by the request and by the category. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tool } from '../../../src/chat/messages.ts';
import { generateAssistant, inventedGroups, NO_FUNCTION, type AssistantDialogue } from '../src/index.ts';
import { trainingFunctions } from '../src/library.ts';
import type { FunctionSpec } from '../src/spec.ts';
import type { Node } from '../src/template.ts';
import type { JsonValue } from '../../../src/json/value.ts';

interface Schema {
  readonly properties: Readonly<Record<string, { readonly type: string; readonly enum?: readonly string[] }>>;
  readonly required: readonly string[];
}

const schemaOf = (tool: Tool): Schema => tool.parameters as unknown as Schema;
const userOf = (dialogue: AssistantDialogue): string => dialogue.messages[0]!.content;
const goldOf = (dialogue: AssistantDialogue) => dialogue.messages.at(-1)!;
const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

const SEED = 2;
let train: AssistantDialogue[];
let test: AssistantDialogue[];
let invented: AssistantDialogue[];
beforeAll(() => {
  train = generateAssistant({ seed: SEED, split: 'train', groups: 800 });
  test = generateAssistant({ seed: SEED, split: 'test' });
  invented = [...inventedGroups({ seed: SEED, groups: 800 })].flat();
});
const all = (): AssistantDialogue[] => [...train, ...test, ...invented];

interface Given {
  readonly dialogue: AssistantDialogue;
  readonly name: string;
  readonly value: JsonValue;
  readonly property: { readonly type: string; readonly enum?: readonly string[] };
}

/** Every argument of every call, with its part of the schema. */
function argumentsOf(dialogues: readonly AssistantDialogue[]): Given[] {
  return dialogues.flatMap((dialogue) =>
    (goldOf(dialogue).toolCalls ?? []).flatMap((call) => {
      const { properties } = schemaOf(dialogue.tools.find((tool) => tool.name === call.name)!);
      return Object.entries(call.arguments).map(([name, value]) => ({
        dialogue,
        name,
        value,
        property: properties[name]!,
      }));
    }),
  );
}

const idsOf = (given: readonly Given[]): string[] =>
  given.map(({ dialogue, name }) => `${dialogue.id} ${name}`);

/** A pattern of the requests that a phrase stands for. */
function patternOf(spec: FunctionSpec, nodes: readonly Node[]): string {
  const inside = (node: Node): string => {
    if (node.type === 'text')
      return node.text
        .toLowerCase()
        .replaceAll('?', String.raw`\?`)
        .replaceAll(/\s+/g, String.raw` *\b`);
    if (node.type === 'choice')
      return `(?:${node.options.map((option) => patternOf(spec, option)).join('|')})`;
    if (node.type === 'optional') return `(?:${patternOf(spec, node.body)})?`;
    if (node.type === 'needed') return `(?:${patternOf(spec, node.body)}|${patternOf(spec, node.instead)})`;
    if (node.type === 'repeat') return patternOf(spec, node.body);
    const { kind } = spec.params.find((param) => param.key === node.key)!;
    if (kind.type === 'number') return String.raw`\d+`;
    return kind.type === 'choice' ? `(?:${kind.values.join('|')})` : '.+';
  };
  return nodes.map(inside).join('');
}

const PATTERNS = new Map(
  trainingFunctions().flatMap((spec) => {
    const patterns = [...spec.train, ...spec.test].map(
      ({ nodes }) =>
        new RegExp(
          `^(?:please |can you |could you |hey, |ok, |i want you to )?${patternOf(spec, nodes)}(?:, please|, thanks)?[.?]?$`,
        ),
    );
    return spec.names.map((name) => [name, patterns] as const);
  }),
);

/** Tells whether a request is one of a function's own, under any of its names. */
const fits = (name: string, request: string): boolean =>
  (PATTERNS.get(name) ?? []).some((pattern) => pattern.test(request.toLowerCase()));

describe('gold answers', () => {
  it('give arguments of the types and among the choices of the schema', () => {
    const wrong = argumentsOf(all()).filter(({ value, property }) =>
      property.type === 'integer'
        ? !Number.isInteger(value)
        : typeof value !== 'string' || property.enum?.includes(value) === false,
    );
    expect(idsOf(wrong)).toEqual([]);
  });

  it('give arguments that stand in the request, word for word', () => {
    const lost = argumentsOf(all()).filter(
      ({ dialogue, value }) =>
        !new RegExp(String.raw`(?<![\w:])${textOf(value)}(?!\w|:\d)`).test(userOf(dialogue)),
    );
    expect(idsOf(lost)).toEqual([]);
  });

  it('give all required arguments, in the order of the schema', () => {
    for (const dialogue of all()) {
      for (const call of goldOf(dialogue).toolCalls ?? []) {
        const schema = schemaOf(dialogue.tools.find((tool) => tool.name === call.name)!);
        const given = Object.keys(call.arguments);
        expect(given).toEqual(Object.keys(schema.properties).filter((name) => given.includes(name)));
        expect(given).toEqual(expect.arrayContaining([...schema.required]));
      }
    }
  });

  it.each([
    ['single', [1], [1]],
    ['similar', [1], [1]],
    ['optional', [1], [1]],
    ['multiple', [2], [2]],
    ['parallel', [2, 3], [1]],
    ['irrelevant', [0], [0]],
    ['missing', [0], [0]],
    ['unseen', [1, 2, 3], [1, 2]],
  ])('of category %s make as many calls as it says', (category, counts, functions) => {
    for (const dialogue of all().filter((d) => d.category === category)) {
      const { toolCalls: calls = [], content, reasoning } = goldOf(dialogue);
      expect(counts).toContain(calls.length);
      expect(functions).toContain(new Set(calls.map((call) => call.name)).size);
      expect(new Set(calls.map((call) => JSON.stringify(call))).size).toBe(calls.length);
      expect(content === '').toBe(calls.length > 0);
      expect(reasoning).toBeTruthy();
    }
  });

  it('sometimes leave optional arguments out and sometimes give them', () => {
    const gold = train
      .filter((d) => d.category === 'optional')
      .map((d) => ({ dialogue: d, call: goldOf(d).toolCalls![0]! }));
    const full = gold.filter(({ dialogue, call }) => {
      const { required } = schemaOf(dialogue.tools.find((tool) => tool.name === call.name)!);
      return Object.keys(call.arguments).length > required.length;
    });
    expect(full.length / gold.length).toBeGreaterThan(0.4);
    expect(full.length / gold.length).toBeLessThan(0.7);
  });

  it('ask for exactly one required parameter where one is missing', () => {
    for (const dialogue of all().filter((d) => d.category === 'missing')) {
      const { content, reasoning = '' } = goldOf(dialogue);
      const [tool, parameter = ''] = reasoning.split(' needs ');
      expect(schemaOf(dialogue.tools.find((t) => t.name === tool)!).required).toContain(parameter);
      expect(dialogue.mustMention).toEqual(parameter.split('_'));
      expect(content).toContain(dialogue.mustMention.join(' '));
    }
  });

  it('lack the number where a number is what is missing', () => {
    const numbers = train.filter(({ tools, category, messages }) => {
      const [name, parameter = ''] = messages[1]!.reasoning!.split(' needs ');
      const tool = tools.find((t) => t.name === name);
      if (category !== 'missing' || !tool) return false;
      const { properties } = schemaOf(tool);
      return (
        properties[parameter]!.type === 'integer' &&
        Object.values(properties).filter((p) => p.type === 'integer').length === 1
      );
    });
    expect(numbers.length).toBeGreaterThan(50);
    expect(numbers.map(userOf).filter((request) => /(?<!:)\b\d+\b(?!:)/.test(request))).toEqual([]);
  });

  it('decline what the tool set cannot do', () => {
    for (const dialogue of all().filter((d) => d.category === 'irrelevant')) {
      expect(goldOf(dialogue)).toEqual({
        role: 'assistant',
        content: NO_FUNCTION,
        reasoning: 'no function fits',
      });
    }
  });

  it('are of the function whose phrase the request is', () => {
    const wrong = train.filter(
      (d) => d.category === 'similar' && !fits(goldOf(d).toolCalls![0]!.name, userOf(d)),
    );
    expect(wrong.map(userOf)).toEqual([]);
  });

  it('decline nothing that a function of the set is asked for', () => {
    const answerable = [...train, ...test].filter(
      (d) => d.category === 'irrelevant' && d.tools.some((tool) => fits(tool.name, userOf(d))),
    );
    expect(answerable.map(userOf)).toEqual([]);
  });
});
