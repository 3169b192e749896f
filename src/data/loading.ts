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
  let first = 0;
  const files = parts.map(({ path, weight }) => {
    const dialogues = readDialogues(path);
    const file = { dialogues, weight, first };
    first += dialogues.length;
    return file;
  });
  const sources = files.map(({ dialogues, weight, first: start }) => ({
    weight,
    items: Array.from({ length: dialogues.length }, (_, i) => start + i),
  }));
  const picked = mixByWeight(sources, train, Rng.seeded(seed, 'mix'));
  const fileOf = (place: number) => files.findLast((file) => file.first <= place);
  return new DialogueList(picked.length, {
    at: (index) => {
      const place = picked[index] ?? 0;
      const file = fileOf(place);
      return file?.dialogues.at(place - file.first);
    },
    toolsAt: (index) => {
      const place = picked[index] ?? 0;
      const file = fileOf(place);
      // There are not more tool sets in a file than dialogues.
      return file === undefined ? undefined : file.first + Number(file.dialogues.toolsAt(place - file.first));
    },
    isLarge: files.some(({ dialogues }) => dialogues.isLarge),
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
