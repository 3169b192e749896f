/**
 * Dialogues about the definitions themselves: which parameters does this function take, which function takes that
 * one? To call a function, a model has to find its parameters in the prompt by its name; in a dialogue of the
 * assistant a few tokens teach that, here nearly all of them do. The answers stand in the thinking, in the words in
 * which an assistant's thinking names its calls. Only functions of training occur.
 */
import { Rng } from '../../../src/base/rng.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { assistantGroup, DEFAULT_GROUPS, GROUP_SIZE, type AssistantDialogue } from './generate.ts';
import { inventedGroup } from './invented/generate.ts';

/** Share of the groups that are about the assistant's own functions; the others are about invented ones. */
const OWN = 0.3;

function parametersOf(tool: Tool): string[] {
  const { properties } = tool.parameters;
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function requiredOf(tool: Tool): string[] {
  const { required } = tool.parameters;
  return Array.isArray(required) ? required.map(String) : [];
}

interface Question {
  readonly user: string;
  readonly thinking: string;
}

function signatures(rng: Rng, tools: readonly Tool[]): Question {
  const asked = rng.shuffled(tools).slice(0, 1 + rng.below(4));
  return {
    user: `define ${asked.map((tool) => tool.name).join(', ')}`,
    thinking: asked.map((tool) => `${tool.name}(${parametersOf(tool).join(', ')})`).join('; '),
  };
}

function needs(rng: Rng, tools: readonly Tool[]): Question {
  const asked = rng.shuffled(tools).slice(0, 1 + rng.below(4));
  return {
    user: `requirements of ${asked.map((tool) => tool.name).join(', ')}`,
    thinking: asked
      .map((tool) => `${tool.name} needs ${requiredOf(tool).join(', ') || 'nothing'}`)
      .join('; '),
  };
}

/** Parameters that one function alone has, and whose they are. */
function owners(rng: Rng, tools: readonly Tool[]): Question {
  const all = tools.flatMap((tool) => parametersOf(tool).map((parameter) => ({ parameter, tool })));
  const unique = all.filter(({ parameter }) => all.filter((one) => one.parameter === parameter).length === 1);
  const asked = rng.shuffled(unique).slice(0, 1 + rng.below(4));
  if (asked.length === 0) return signatures(rng, tools);
  return {
    user: `functions with ${asked.map(({ parameter }) => parameter).join(', ')}`,
    thinking: asked.map(({ parameter, tool }) => `${tool.name}(${parameter})`).join('; '),
  };
}

/** Group `index` of the endless sequence of a seed: eight questions about the definitions of one tool set. */
export function definitionsGroup(seed: number, index: number): AssistantDialogue[] {
  const rng = Rng.seeded(seed, `definitions:${index}`);
  const from = rng.chance(OWN)
    ? assistantGroup({ seed, split: 'train' }, index % DEFAULT_GROUPS.train)
    : inventedGroup(seed, index);
  const tools = from[0]?.tools ?? [];
  return Array.from({ length: GROUP_SIZE }, (_, i) => {
    const question = rng.pick([signatures, signatures, needs, owners])(rng, tools);
    return {
      id: `definitions-${index}-${i}`,
      tools,
      messages: [
        { role: 'user', content: question.user },
        { role: 'assistant', content: 'Done.', reasoning: question.thinking },
      ],
      category: 'definitions',
      group: index,
      mustMention: [],
    };
  });
}
