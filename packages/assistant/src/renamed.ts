/**
 * The assistant's dialogues with some words replaced by made-up ones wherever they stand: in a function's name and
 * description, in its parameters, in the request and in the answer. `set_timer` becomes `set_plovan`, and "a timer for
 * five minutes" a plovan. What is asked for can then only be found by reading the definitions, as with a function that
 * training has never seen.
 */
import { Rng } from '../../../src/base/rng.ts';
import type { Message, Tool, ToolCall } from '../../../src/chat/messages.ts';
import { isFields, type JsonValue } from '../../../src/json/value.ts';
import { assistantGroup, type AssistantDialogue } from './generate.ts';
import { wordsOf } from './library.ts';
import { madeUpWord } from './values.ts';

/** Share of the words that name functions which is replaced. */
const SHARE = 0.5;
/** Words of the answers' own forms, which stay. */
const FIXED = new Set(['the', 'for', 'fits', 'function', 'have', 'needs', 'please', 'tell', 'that', 'and']);

type Replace = (text: string) => string;

/** Replaces whole words, plurals too, and keeps a capital at the beginning. */
function replacing(words: ReadonlyMap<string, string>): Replace {
  const replaced = (word: string): string => {
    const lower = word.toLowerCase();
    const plural = lower.endsWith('s') ? words.get(lower.slice(0, -1)) : undefined;
    const made = words.get(lower) ?? (plural === undefined ? undefined : `${plural}s`);
    if (made === undefined) return word;
    return word === lower ? made : made.charAt(0).toUpperCase() + made.slice(1);
  };
  return (text) => text.replaceAll(/[A-Za-z]+/g, replaced);
}

function inValue(value: JsonValue, replace: Replace): JsonValue {
  return typeof value === 'string' ? replace(value) : value;
}

/** A parameter's schema: its type stays, the values to choose from are words. */
function inSchema(schema: JsonValue, replace: Replace): JsonValue {
  if (!isFields(schema) || !Array.isArray(schema['enum'])) return schema;
  return { ...schema, enum: schema['enum'].map((value: JsonValue) => inValue(value, replace)) };
}

function inTool({ name, description, parameters }: Tool, replace: Replace): Tool {
  const { properties, required } = parameters;
  const entries = Object.entries(isFields(properties) ? properties : {});
  return {
    name: replace(name),
    description: replace(description),
    parameters: {
      ...parameters,
      properties: Object.fromEntries(
        entries.map(([key, schema]) => [replace(key), inSchema(schema, replace)]),
      ),
      ...(Array.isArray(required) ? { required: required.map((key) => replace(String(key))) } : {}),
    },
  };
}

function inCall({ name, arguments: given }: ToolCall, replace: Replace): ToolCall {
  const entries = Object.entries(given).map(([key, value]) => [replace(key), inValue(value, replace)]);
  return { name: replace(name), arguments: Object.fromEntries(entries) };
}

function inMessage(message: Message, replace: Replace): Message {
  const { content, reasoning, toolCalls } = message;
  return {
    ...message,
    content: replace(content),
    ...(reasoning === undefined ? {} : { reasoning: replace(reasoning) }),
    ...(toolCalls === undefined ? {} : { toolCalls: toolCalls.map((call) => inCall(call, replace)) }),
  };
}

/** Group `index` of the assistant's training split of a seed, with made-up words in it. */
export function renamedGroup(seed: number, index: number): AssistantDialogue[] {
  const group = assistantGroup({ seed, split: 'train' }, index);
  const rng = Rng.seeded(seed, `renamed:${index}`);
  const [first] = group;
  const naming = new Set((first?.tools ?? []).flatMap(({ name }) => wordsOf(name)));
  const words = new Map<string, string>();
  for (const word of naming) {
    if (word.length < 3 || FIXED.has(word) || !rng.chance(SHARE)) continue;
    let made = madeUpWord(rng, 'train');
    while ([...words.values()].includes(made)) made = madeUpWord(rng, 'train');
    words.set(word, made);
  }
  const replace = replacing(words);
  const tools = (first?.tools ?? []).map((tool) => inTool(tool, replace));
  return group.map((dialogue) => ({
    ...dialogue,
    id: dialogue.id.replace('assistant', 'renamed'),
    tools,
    messages: dialogue.messages.map((message) => inMessage(message, replace)),
    mustMention: dialogue.mustMention.map(replace),
  }));
}
