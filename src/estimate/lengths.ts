/** Lengths of a recipe's prompts and answers, in tokens: measured on some of its dialogues. */
import { type Dialogues, groupByTools } from '../data/dialogues.ts';
import { makeRecord } from '../data/render.ts';
import type { TaskDialogue } from '../data/reading.ts';
import { GROUP_LIMIT } from '../stages/lessons.ts';
import type { ShapedModel } from './models.ts';

/** Dialogues that are looked at. */
const SAMPLE = 192;
/** Of English with JSON, under Qwen3's vocabulary. */
const CHARACTERS_PER_TOKEN = 3.6;

export interface PromptLength {
  /** Number of its tool set. */
  readonly tools: number;
  /** Of the system turn with the tools, which prompts of one tool set begin with. */
  readonly system: number;
  readonly prompt: number;
}

export interface DialogueLength extends PromptLength {
  readonly target: number;
}

export interface Lengths {
  readonly dialogues: readonly DialogueLength[];
  /** Dialogues of one tool set, as supervised stages have them in a tree. */
  readonly groups: readonly (readonly DialogueLength[])[];
}

function lengthOf(
  dialogue: TaskDialogue,
  tools: number,
  { tokenizer, template }: ShapedModel,
): DialogueLength {
  const { id, category, messages } = dialogue;
  const last = messages.at(-1);
  const history = { messages: messages.slice(0, -1), tools: dialogue.tools };
  const { prompt, target } =
    last?.role === 'assistant'
      ? template.turn(history, last)
      : { prompt: template.prompt(history), target: '' };
  if (tokenizer === undefined) {
    const guess = (text: string): number => Math.ceil(text.length / CHARACTERS_PER_TOKEN);
    return {
      tools,
      system: guess(JSON.stringify(dialogue.tools)),
      prompt: guess(prompt),
      target: guess(target),
    };
  }
  const record = makeRecord({ id, category, prompt, target }, tokenizer);
  return {
    tools,
    system: record.systemLength,
    prompt: record.promptIds.length,
    target: record.targetIds.length,
  };
}

/** The lengths of dialogues spread over the data. */
export function measureLengths(dialogues: Dialogues<TaskDialogue>, model: ShapedModel): Lengths {
  const groups = groupByTools(dialogues, GROUP_LIMIT);
  const wanted = Math.max(1, Math.ceil((SAMPLE * groups.length) / Math.max(1, dialogues.length)));
  const step = Math.max(1, Math.floor(groups.length / wanted));
  const measured = groups
    .filter((_, i) => i % step === 0)
    .slice(0, wanted)
    .map(({ start, count }, i) =>
      Array.from(dialogues.slice(start, start + count), (dialogue) => lengthOf(dialogue, i, model)),
    );
  return { groups: measured, dialogues: measured.flat() };
}
