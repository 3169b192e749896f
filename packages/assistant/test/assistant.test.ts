import { beforeAll, describe, expect, it } from 'vitest';
import type { Tool } from '../../../src/chat/messages.ts';
import { namesHeldOut } from '../src/invented/words.ts';
import {
  definitionsGroup,
  assistantGroup,
  assistantGroups,
  CATEGORIES,
  DEFAULT_GROUPS,
  generateAssistant,
  GROUP_SIZE,
  inventedGroups,
  maskedGroup,
  renamedGroup,
  type AssistantDialogue,
} from '../src/index.ts';
import { heldOutFunctions, trainingFunctions, trainingVocabulary, wordsOf } from '../src/library.ts';
import { countWordings } from '../src/template.ts';
import { testWords } from '../src/values.ts';

interface Schema {
  readonly properties: Readonly<Record<string, { readonly type: string; readonly enum?: readonly string[] }>>;
  readonly required: readonly string[];
}

const schemaOf = (tool: Tool): Schema => tool.parameters as unknown as Schema;
const userOf = (dialogue: AssistantDialogue): string => dialogue.messages[0]!.content;
const goldOf = (dialogue: AssistantDialogue) => dialogue.messages.at(-1)!;
const SEED = 1;
const SEEN_NAMES = new Set(trainingFunctions().flatMap((spec) => spec.names));

let train: AssistantDialogue[];
let test: AssistantDialogue[];
let invented: AssistantDialogue[];
beforeAll(() => {
  train = generateAssistant({ seed: SEED, split: 'train', groups: 800 });
  test = generateAssistant({ seed: SEED, split: 'test' });
  invented = [...inventedGroups({ seed: SEED, groups: 1200 })].flat();
});

describe('the library', () => {
  it('has at least 60 training functions in 10 domains and 10 held-out ones', () => {
    expect(trainingFunctions().length).toBeGreaterThanOrEqual(60);
    expect(new Set(trainingFunctions().map((spec) => spec.domain)).size).toBeGreaterThanOrEqual(10);
    expect(heldOutFunctions().length).toBeGreaterThanOrEqual(10);
  });

  it.each(trainingFunctions())('$id: names, wordings and parameters are complete', (spec) => {
    expect(spec.names.length).toBeGreaterThanOrEqual(2);
    const wordings = spec.train.reduce((sum, template) => sum + countWordings(template.nodes), 0);
    expect(wordings).toBeGreaterThanOrEqual(8);
    expect(spec.test.length).toBeGreaterThanOrEqual(3);
    expect(spec.manyTest.length > 0).toBe(spec.many.length > 0);
  });

  it.each([...trainingFunctions(), ...heldOutFunctions()])(
    '$id: phrases give what the schema requires',
    (spec) => {
      expect(spec.params.length).toBeLessThanOrEqual(4);
      const keys = spec.params.map((param) => param.key);
      expect(new Set(spec.params.flatMap((param) => param.names)).size).toBe(
        spec.params.flatMap((param) => param.names).length,
      );
      for (const template of [...spec.train, ...spec.test, ...spec.many, ...spec.manyTest]) {
        for (const param of spec.params.filter((p) => p.required))
          expect(template.slots).toContain(param.key);
        for (const slot of template.slots) expect(keys).toContain(slot);
        for (const slot of template.optional)
          expect(spec.params.find((p) => p.key === slot)!.required).toBe(false);
      }
    },
  );

  it('gives every function names of its own', () => {
    const names = [...trainingFunctions(), ...heldOutFunctions()].flatMap((spec) => spec.names);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('asks in the test with words that training knows, in other sentences', () => {
    const known = trainingVocabulary().add('please');
    const unknown = trainingFunctions().flatMap((spec) =>
      [...spec.test, ...spec.manyTest]
        .flatMap((template) => wordsOf(template.source))
        .filter((word) => !known.has(word)),
    );
    expect([...new Set(unknown)]).toEqual([]);
    const sources = new Set(
      trainingFunctions().flatMap((spec) => [...spec.train, ...spec.many].map((t) => t.source)),
    );
    const repeated = trainingFunctions().flatMap((spec) =>
      [...spec.test, ...spec.manyTest].map((t) => t.source),
    );
    expect(repeated.filter((source) => sources.has(source))).toEqual([]);
  });
});

describe('groups', () => {
  it('are the same for the same seed, one by one or in sequence', () => {
    const groups = [...assistantGroups({ seed: 7, split: 'train', groups: 3 })];
    expect(groups[2]).toEqual(assistantGroup({ seed: 7, split: 'train' }, 2));
    expect(groups[2]).not.toEqual(assistantGroup({ seed: 8, split: 'train' }, 2));
  });

  it('share one tool set of 2 to 5 functions with distinct names', () => {
    const groups = [
      ...assistantGroups({ seed: SEED, split: 'train', groups: 200 }),
      ...inventedGroups({ seed: SEED, groups: 200 }),
    ];
    const sizes = groups.map((group) => group[0]!.tools.length);
    for (const group of groups) {
      expect(group).toHaveLength(GROUP_SIZE);
      expect(group.every((dialogue) => dialogue.tools === group[0]!.tools)).toBe(true);
      const names = group[0]!.tools.map((tool) => tool.name);
      expect(new Set(names).size).toBe(names.length);
    }
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
    expect(sizes.reduce((a, b) => a + b) / sizes.length).toBeCloseTo(3.5, 0);
  });

  it('balance the categories', () => {
    const share = (dialogues: AssistantDialogue[], category: string): number =>
      dialogues.filter((dialogue) => dialogue.category === category).length / dialogues.length;
    for (const category of CATEGORIES) {
      expect(share(train, category)).toBeCloseTo(1 / 7, 2);
      expect(share(invented, category)).toBeCloseTo(1 / 7, 2);
    }
    expect(test).toHaveLength(DEFAULT_GROUPS.test * GROUP_SIZE);
    for (const category of [...CATEGORIES, 'unseen'])
      expect(Math.abs(share(test, category) - 1 / 8)).toBeLessThan(0.006);
  });
});

describe('the split', () => {
  it('keeps held-out functions out of training, under every name', () => {
    const held = new Set(heldOutFunctions().flatMap((spec) => spec.names));
    for (const dialogue of [...train, ...invented]) {
      for (const { name } of dialogue.tools) {
        expect(held.has(name)).toBe(false);
        const parts = name.split('_');
        for (const part of parts)
          expect(
            namesHeldOut(
              parts.filter((p) => p !== part),
              part,
            ),
          ).toBe(false);
      }
    }
  });

  it('keeps test words out of training', () => {
    const words = testWords();
    expect(words.size).toBeGreaterThan(100);
    for (const dialogue of [...train, ...invented]) {
      const text = wordsOf(userOf(dialogue) + JSON.stringify(dialogue.tools));
      expect(text.filter((word) => words.has(word))).toEqual([]);
    }
  });

  it('takes text values of the test from words that training has never seen', () => {
    const seen = new Set([...train, ...invented].flatMap((dialogue) => wordsOf(userOf(dialogue))));
    const texts = test.flatMap((dialogue) =>
      (goldOf(dialogue).toolCalls ?? []).flatMap((call) => {
        const { properties } = schemaOf(dialogue.tools.find((tool) => tool.name === call.name)!);
        return Object.entries(call.arguments).flatMap(([name, value]) =>
          typeof value === 'string' && !properties[name]!.enum && /[a-z]/.test(value) ? [value] : [],
        );
      }),
    );
    const known = texts.filter(
      (text) => wordsOf(text).every((word) => seen.has(word)) && !text.endsWith('day'),
    );
    expect(known).toEqual([]);
  });

  it('shares no request between training and test', () => {
    const seen = new Set([...train, ...invented].map(userOf));
    expect(test.map(userOf).filter((request) => seen.has(request))).toEqual([]);
  });

  it('asks for held-out functions in the unseen category, among functions that are seen', () => {
    const heldOut = (dialogue: AssistantDialogue): number =>
      dialogue.tools.filter((tool) => !SEEN_NAMES.has(tool.name)).length;
    expect(
      test.filter((dialogue) => dialogue.category !== 'unseen').filter((dialogue) => heldOut(dialogue) > 0),
    ).toEqual([]);
    for (const dialogue of test.filter((d) => d.category === 'unseen')) {
      expect(heldOut(dialogue)).toBeGreaterThan(0);
      expect(heldOut(dialogue)).toBeLessThan(dialogue.tools.length);
      expect(goldOf(dialogue).toolCalls!.filter((call) => SEEN_NAMES.has(call.name))).toEqual([]);
    }
  });
});

it('keeps requests short', () => {
  const lengths = train.map((dialogue) => userOf(dialogue).split(' ').length);
  expect(lengths.reduce((a, b) => a + b) / lengths.length).toBeLessThan(16);
  expect(lengths.filter((length) => length > 25).length / lengths.length).toBeLessThan(0.01);
});

describe('questions about definitions', () => {
  const dialogues = Array.from({ length: 60 }, (_, index) => definitionsGroup(SEED, index)).flat();
  const heldOutNames = new Set(heldOutFunctions().flatMap((spec) => spec.names));

  it('are answered by what the definitions say', () => {
    for (const dialogue of dialogues) {
      const { content } = dialogue.messages[0]!;
      for (const part of goldOf(dialogue).reasoning!.split('; ')) {
        const [, name = '', form = '', inner = ''] = /^(\w+)( needs |\()(.*?)\)?$/.exec(part)!;
        const tool = dialogue.tools.find((one) => one.name === name)!;
        const { properties, required } = tool.parameters as { properties: object; required: string[] };
        const listed = inner === 'nothing' ? [] : inner.split(', ');
        const all = Object.keys(properties);
        const whole = content.startsWith('define') ? all : all.filter((key) => key === inner);
        expect(listed).toEqual(form === ' needs ' ? required : whole);
        expect(listed).not.toEqual([]);
      }
    }
  });

  it('are of every kind, depend on seed and index alone, and are about functions of training', () => {
    const kinds = new Set(dialogues.map((dialogue) => userOf(dialogue).split(' ')[0]));
    expect(kinds).toEqual(new Set(['define', 'requirements', 'functions']));
    expect(definitionsGroup(SEED, 7)).toEqual(definitionsGroup(SEED, 7));
    expect(definitionsGroup(SEED, 7)).not.toEqual(definitionsGroup(SEED, 8));
    const names = dialogues.flatMap((dialogue) => dialogue.tools.map((tool) => tool.name));
    expect(names.filter((name) => heldOutNames.has(name))).toEqual([]);
  });
});

describe('masked groups', () => {
  const pairs = Array.from({ length: 60 }, (_, i) => ({
    plain: assistantGroup({ seed: SEED, split: 'train' }, i),
    masked: maskedGroup(SEED, i),
  }));

  it('ask the same of functions whose names mean nothing, and call no function by its own name', () => {
    for (const { plain, masked } of pairs) {
      expect(masked.map(userOf)).toEqual(plain.map(userOf));
      const names = masked[0]!.tools.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(SEEN_NAMES.has(name)).toBe(false);
      for (const dialogue of masked) {
        for (const call of goldOf(dialogue).toolCalls ?? []) expect(names).toContain(call.name);
        for (const word of goldOf(dialogue).reasoning?.match(/\w+(?=\()|\w+(?= needs)/g) ?? [])
          expect(names).toContain(word);
      }
    }
  });

  it('keep descriptions, parameters, arguments and answers in words', () => {
    for (const { plain, masked } of pairs) {
      const bare = ({ tools }: AssistantDialogue) => tools.map((tool) => ({ ...tool, name: '' }));
      expect(bare(masked[0]!)).toEqual(bare(plain[0]!));
      masked.forEach((dialogue, i) => {
        const [got, want] = [goldOf(dialogue), goldOf(plain[i]!)];
        expect(got.content).toBe(want.content);
        expect(got.toolCalls?.map((call) => call.arguments)).toEqual(
          want.toolCalls?.map((call) => call.arguments),
        );
      });
    }
  });

  it('are the same for the same seed', () => {
    expect(maskedGroup(SEED, 5)).toEqual(maskedGroup(SEED, 5));
    expect(maskedGroup(SEED + 1, 5)).not.toEqual(maskedGroup(SEED, 5));
  });
});

describe('renamed groups', () => {
  const pairs = Array.from({ length: 80 }, (_, i) => ({
    plain: assistantGroup({ seed: SEED, split: 'train' }, i),
    renamed: renamedGroup(SEED, i),
  }));

  it('call the functions that are there with arguments that their schemas have', () => {
    for (const { renamed } of pairs) {
      const tools = new Map(renamed[0]!.tools.map((tool) => [tool.name, tool]));
      expect(tools.size).toBe(renamed[0]!.tools.length);
      for (const dialogue of renamed) {
        for (const call of goldOf(dialogue).toolCalls ?? []) {
          const { properties, required } = schemaOf(tools.get(call.name)!);
          expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(call.arguments)));
          for (const key of required) expect(Object.keys(call.arguments)).toContain(key);
          for (const [key, value] of Object.entries(call.arguments)) {
            expect(properties[key]!.enum ?? [value]).toContain(value);
          }
        }
      }
    }
  });

  it('name, in the request, every text that is an argument', () => {
    for (const { plain, renamed } of pairs) {
      renamed.forEach((dialogue, i) => {
        const said = (one: AssistantDialogue) =>
          (goldOf(one).toolCalls ?? []).flatMap((call) =>
            Object.values(call.arguments).map(
              (value) => typeof value === 'string' && userOf(one).toLowerCase().includes(value.toLowerCase()),
            ),
          );
        expect(said(dialogue)).toEqual(said(plain[i]!));
      });
    }
  });

  it('replace about half of the words that name functions, the same everywhere in a group', () => {
    let [kept, replaced] = [0, 0];
    for (const { plain, renamed } of pairs) {
      const [before, after] = [plain, renamed].map(([first]) =>
        first!.tools.flatMap(({ name }) => name.split('_')),
      );
      const words = new Map<string, string>();
      before!.forEach((word, i) => {
        expect(after![i]).toBe(words.get(word) ?? after![i]);
        words.set(word, after![i]!);
      });
      for (const [word, made] of words) {
        if (word === made) kept += 1;
        else replaced += 1;
      }
    }
    expect(replaced / (kept + replaced)).toBeGreaterThan(0.4);
    expect(replaced / (kept + replaced)).toBeLessThan(0.55);
  });

  it('are the same for the same seed', () => {
    expect(renamedGroup(SEED, 5)).toEqual(renamedGroup(SEED, 5));
    expect(renamedGroup(SEED + 1, 5)).not.toEqual(renamedGroup(SEED, 5));
  });
});
