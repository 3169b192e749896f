/** One dialogue of each category, for a given tool set. */
import type { Rng } from '../../../src/base/rng.ts';
import { required } from '../../../src/base/errors.ts';
import type { Message } from '../../../src/chat/messages.ts';
import { smallTalkPhrases } from './phrases.ts';
import { joinSpoken, say, type Spoken } from './request.ts';
import type { FunctionSpec } from './spec.ts';
import { parseTemplate, type Template } from './template.ts';
import { drawFunction, type DrawnFunction } from './tools.ts';
import { drawValue, type Split } from './values.ts';

export const CATEGORIES = [
  'single',
  'similar',
  'parallel',
  'multiple',
  'optional',
  'irrelevant',
  'missing',
] as const;
export type Category = (typeof CATEGORIES)[number];

export const NO_FUNCTION = 'I have no function for that.';

/** Ingredients of a case. */
export interface Setting {
  readonly rng: Rng;
  readonly split: Split;
  /** The functions that requests are about. */
  readonly asked: readonly DrawnFunction[];
  /** Functions that the tool set lacks and none of its own could stand in for. */
  readonly outside: readonly FunctionSpec[];
  /** Tells whether small talk can be an irrelevant request too. */
  readonly smallTalk: boolean;
}

export interface Case {
  readonly user: string;
  readonly gold: Message;
  readonly mustMention: readonly string[];
}

function phrases(spec: FunctionSpec, split: Split): readonly Template[] {
  return split === 'train' ? spec.train : spec.test;
}

function repeatedPhrases(spec: FunctionSpec, split: Split): readonly Template[] {
  return split === 'train' ? spec.many : spec.manyTest;
}

function droppable(spec: FunctionSpec, template: Template): string[] {
  return spec.params.filter((p) => p.required && template.droppable.includes(p.key)).map((p) => p.key);
}

/** Tells whether a function can be asked for in a category. */
export function supports(spec: FunctionSpec, category: Category, split: Split): boolean {
  const said = phrases(spec, split);
  if (category === 'parallel') return repeatedPhrases(spec, split).length > 0;
  if (category === 'optional') return said.some((template) => template.optional.length > 0);
  if (category === 'missing') return said.some((template) => droppable(spec, template).length > 0);
  return true;
}

function called(rng: Rng, spoken: readonly Spoken[]): Case {
  const calls = spoken.flatMap((part) => part.calls);
  const reasoning = calls.map((call) => `${call.name}(${Object.keys(call.arguments).join(', ')})`).join('; ');
  return {
    user: joinSpoken(rng, spoken),
    gold: { role: 'assistant', content: '', reasoning, toolCalls: calls },
    mustMention: [],
  };
}

function answered(user: string, content: string, reasoning: string, mustMention: readonly string[]): Case {
  return { user, gold: { role: 'assistant', content, reasoning }, mustMention };
}

function single(setting: Setting, among: readonly DrawnFunction[], optional: number): Case {
  const { rng, split } = setting;
  const drawn = rng.pick(among);
  const all = phrases(drawn.spec, split);
  const optionalOnes = all.filter((template) => template.optional.length > 0);
  const template = rng.pick(optional >= 0.5 && optionalOnes.length > 0 ? optionalOnes : all);
  return called(rng, [say(drawn, template, { rng, split, used: new Set(), optional })]);
}

function parallel({ rng, split, asked }: Setting): Case {
  const drawn = rng.pick(asked.filter(({ spec }) => supports(spec, 'parallel', split)));
  const used = new Set<string>();
  if (rng.chance(0.65)) {
    const template = rng.pick(repeatedPhrases(drawn.spec, split));
    const rounds = rng.chance(template.repeated.length > 1 ? 0.1 : 0.35) ? 3 : 2;
    return called(rng, [say(drawn, template, { rng, split, used, optional: 0.3, rounds })]);
  }
  const one = (): Spoken =>
    say(drawn, rng.pick(phrases(drawn.spec, split)), { rng, split, used, optional: 0.15 });
  for (;;) {
    const two = [one(), one()];
    if (JSON.stringify(two[0]?.calls) !== JSON.stringify(two[1]?.calls)) return called(rng, two);
  }
}

function multiple({ rng, split, asked }: Setting): Case {
  const used = new Set<string>();
  const two = rng.shuffled(asked).slice(0, 2);
  return called(
    rng,
    two.map((drawn) => say(drawn, rng.pick(phrases(drawn.spec, split)), { rng, split, used, optional: 0.2 })),
  );
}

function irrelevant({ rng, split, outside, smallTalk }: Setting): Case {
  if (smallTalk && rng.chance(0.2)) {
    const used = new Set<string>();
    const text = rng
      .pick(smallTalkPhrases()[split])
      .replaceAll(/\{(\w+)\}/g, (_, of: string) => String(drawValue(rng, { type: 'text', of }, split, used)));
    return answered(
      joinSpoken(rng, [{ text, imperative: parseTemplate(text).imperative, calls: [] }]),
      NO_FUNCTION,
      'no function fits',
      [],
    );
  }
  const drawn = drawFunction(rng, rng.pick(outside));
  const template = rng.pick(phrases(drawn.spec, split));
  const spoken = say(drawn, template, { rng, split, used: new Set(), optional: 0.3 });
  return answered(joinSpoken(rng, [spoken]), NO_FUNCTION, 'no function fits', []);
}

function missing({ rng, split, asked }: Setting): Case {
  const drawn = rng.pick(asked.filter(({ spec }) => supports(spec, 'missing', split)));
  const options = phrases(drawn.spec, split).filter((template) => droppable(drawn.spec, template).length > 0);
  const template = rng.pick(options);
  const key = rng.pick(droppable(drawn.spec, template));
  const name = required(drawn.argumentNames.get(key), `parameter ${key}`);
  const words = name.split('_');
  const spoken = say(drawn, template, { rng, split, used: new Set(), optional: 0.25, missing: key });
  const user = joinSpoken(rng, [spoken]);
  return answered(user, `Please tell me the ${words.join(' ')}.`, `${drawn.tool.name} needs ${name}`, words);
}

/** The functions of a tool set that have a sibling in it. */
function siblings(asked: readonly DrawnFunction[]): DrawnFunction[] {
  return asked.filter((one) => asked.some((other) => other !== one && other.spec.family === one.spec.family));
}

/** Requests of more words than this are drawn again: people are brief with an assistant. */
const MOST_WORDS: Readonly<Record<Category, number>> = {
  single: 18,
  similar: 18,
  optional: 20,
  irrelevant: 18,
  missing: 18,
  parallel: 25,
  multiple: 25,
};

export function buildCase(category: Category, setting: Setting): Case {
  let made = drawCase(category, setting);
  for (let attempt = 0; attempt < 20 && made.user.split(' ').length > MOST_WORDS[category]; attempt++) {
    made = drawCase(category, setting);
  }
  return made;
}

function drawCase(category: Category, setting: Setting): Case {
  const { asked, split } = setting;
  const similar = siblings(asked);
  switch (category) {
    case 'single': {
      const others = asked.filter((drawn) => !similar.includes(drawn));
      return single(setting, others.length > 0 ? others : asked, 0.35);
    }
    case 'similar':
      return single(setting, similar, 0.3);
    case 'optional':
      return single(
        setting,
        asked.filter(({ spec }) => supports(spec, 'optional', split)),
        0.5,
      );
    case 'parallel':
      return parallel(setting);
    case 'multiple':
      return multiple(setting);
    case 'irrelevant':
      return irrelevant(setting);
    case 'missing':
      return missing(setting);
  }
}
