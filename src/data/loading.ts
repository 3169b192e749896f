/** Sources of dialogues: the project's generator, or files of one dialogue a line. */
import { Rng } from '../base/rng.ts';
import { generateAssistant, GROUP_SIZE } from '../../packages/assistant/src/index.ts';
import { DialogueList, type Dialogues } from './dialogues.ts';
import { mixByWeight } from './mixing.ts';
import { readDialogues, type TaskDialogue } from './reading.ts';

export type DialogueSource =
  | { readonly source: 'assistant'; readonly seed: number; readonly train: number; readonly test: number }
  | { readonly source: 'file'; readonly train: string; readonly test: string }
  | {
      readonly source: 'mix';
      readonly seed: number;
      readonly parts: readonly { readonly path: string; readonly weight: number }[];
      /** Number of dialogues of all parts together. */
      readonly train: number;
      readonly test: string;
    };

type Mix = Extract<DialogueSource, { source: 'mix' }>;

function mixed({ parts, train, seed }: Mix): DialogueList<TaskDialogue> {
  const files = parts.map(({ path }) => readDialogues(path));
  const sources = files.map((dialogues, i) => ({
    weight: parts[i]?.weight ?? 0,
    items: Array.from({ length: dialogues.length }, (_, index) => ({ dialogues, file: i, index })),
  }));
  const picked = mixByWeight(sources, train, Rng.seeded(seed, 'mix'));
  return new DialogueList(picked.length, {
    at: (i) => picked[i]?.dialogues.at(picked[i].index),
    toolsAt: (i) => picked[i] && `${picked[i].file}:${String(picked[i].dialogues.toolsAt(picked[i].index))}`,
    isLarge: files.some(({ isLarge }) => isLarge),
  });
}

/** All dialogues of a split. */
export function loadDialogues(source: DialogueSource, split: 'train' | 'test'): Dialogues<TaskDialogue> {
  if (source.source === 'file') return readDialogues(source[split]);
  if (source.source === 'mix') return split === 'test' ? readDialogues(source.test) : mixed(source);
  const count = source[split];
  return generateAssistant({ seed: source.seed, split, groups: Math.ceil(count / GROUP_SIZE) }).slice(
    0,
    count,
  );
}
