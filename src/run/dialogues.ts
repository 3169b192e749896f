/** Opens the dialogues that recipes name: of the project's generator, or of files with one a line. */
import { generateAssistant, GROUP_SIZE } from '../../packages/assistant/src/index.ts';
import { Rng } from '../base/rng.ts';
import { dialogueList, type Dialogues } from '../data/dialogues.ts';
import { mixByWeight } from '../data/mixing.ts';
import { readDialogues, type TaskDialogue } from '../data/reading.ts';
import { readTools } from '../data/tools-file.ts';
import type { Recipe } from '../recipe/schema.ts';

type Mix = Extract<Recipe['data'], { source: 'mix' }>;

function mixed({ parts, train, seed }: Mix): Required<Dialogues<TaskDialogue>> {
  const files = parts.map(({ path }) => readDialogues(path));
  const sources = files.map((dialogues, i) => ({
    weight: parts[i]?.weight ?? 0,
    items: Array.from({ length: dialogues.length }, (_, index) => ({ dialogues, file: i, index })),
  }));
  const picked = mixByWeight(sources, train, Rng.seeded(seed, 'mix'));
  return dialogueList(picked.length, {
    at: (i) => picked[i]?.dialogues.at(picked[i].index),
    toolsAt: (i) => picked[i] && `${picked[i].file}:${String(picked[i].dialogues.toolsAt(picked[i].index))}`,
    isLarge: files.some(({ isLarge }) => isLarge),
  });
}

export function loadDialogues(source: Recipe['data'], split: 'train' | 'test'): Dialogues<TaskDialogue> {
  if (source.source === 'file') {
    const shared = source.tools === undefined ? undefined : readTools(source.tools);
    return readDialogues(source[split], undefined, shared);
  }
  if (source.source === 'mix') return split === 'test' ? readDialogues(source.test) : mixed(source);
  const count = source[split];
  const groups = Math.ceil(count / GROUP_SIZE);
  return generateAssistant({ seed: source.seed, split, groups }).slice(0, count);
}
