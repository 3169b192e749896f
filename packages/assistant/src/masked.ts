/**
 * The assistant's dialogues with made-up names for the functions, so that a function can be told by its description
 * and its parameters alone: a small model otherwise learns its functions' names by heart and reads no definition
 * (function masking, after Hammer, arXiv 2410.04587).
 */
import { Rng } from '../../../src/base/rng.ts';
import type { Message } from '../../../src/chat/messages.ts';
import { assistantGroup, type AssistantDialogue } from './generate.ts';
import { madeUpWord } from './values.ts';

type Names = ReadonlyMap<string, string>;

function drawNames(rng: Rng, names: readonly string[]): Names {
  const drawn = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of names) {
    let mask: string;
    do {
      mask = Array.from({ length: 1 + rng.below(2) }, () => madeUpWord(rng, 'train')).join('_');
    } while (taken.has(mask));
    taken.add(mask);
    drawn.set(name, mask);
  }
  return drawn;
}

function maskedMessage(message: Message, names: Names): Message {
  const rename = (name: string): string => names.get(name) ?? name;
  const { reasoning, toolCalls } = message;
  return {
    ...message,
    ...(reasoning === undefined ? {} : { reasoning: reasoning.replaceAll(/\w+/g, rename) }),
    ...(toolCalls === undefined
      ? {}
      : { toolCalls: toolCalls.map((call) => ({ ...call, name: rename(call.name) })) }),
  };
}

/** Group `index` of the assistant's training split of a seed, its functions under names that mean nothing. */
export function maskedGroup(seed: number, index: number): AssistantDialogue[] {
  const group = assistantGroup({ seed, split: 'train' }, index);
  const rng = Rng.seeded(seed, `masked:${index}`);
  const names = drawNames(
    rng,
    (group[0]?.tools ?? []).map(({ name }) => name),
  );
  const tools = (group[0]?.tools ?? []).map((tool) => ({ ...tool, name: names.get(tool.name) ?? tool.name }));
  return group.map((dialogue) => ({
    ...dialogue,
    id: dialogue.id.replace('assistant', 'masked'),
    tools,
    messages: dialogue.messages.map((message) =>
      message.role === 'assistant' ? maskedMessage(message, names) : message,
    ),
  }));
}
