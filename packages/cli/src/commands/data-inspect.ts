/** `tinystar data inspect`: dialogues, generated or of a file, as text and as the tokens that a model is trained on. */
import { join } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { PACKAGE_ROOT } from '../../../../src/base/package-root.ts';
import type { Dialogue } from '../../../../src/chat/messages.ts';
import { ChatTemplate } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { assistantGroup, CATEGORIES, inventedGroup } from '../../../assistant/src/index.ts';
import { inspectRecord } from '../../../../src/data/inspect.ts';
import { makeRecord } from '../../../../src/data/render.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { dialoguesOfFile, dialogueText, shownDialogue } from '../dialogue-text.ts';
import { choice, type FlagsOf, optional, text, whole } from '../flags.ts';

const flags = {
  file: optional(text('A file of dialogues instead of a generator', 'FILE')),
  source: choice(['assistant', 'invented'], 'Which generator', 'assistant'),
  split: choice(['train', 'test'], 'Which split', 'train'),
  seed: whole(0, 'Seed of the generator', 7),
  count: whole(1, 'How many dialogues', 3),
  category: optional(text('Only this kind of case', 'NAME')),
  mask: choice(['all', 'think', 'answer'], 'Which target tokens count in the loss', 'all'),
  tokenizer: optional(text('Folder with a tokenizer', 'DIR')),
};
type Given = FlagsOf<typeof flags>;

/** The first dialogues of the sequence that are of the wanted category. */
function chosen({ source, split, seed, count, category }: Given): Dialogue[] {
  const categories: readonly string[] = CATEGORIES;
  if (category !== undefined && !categories.includes(category)) {
    throw new UserError(
      'CATEGORY',
      `There is no category ${JSON.stringify(category)}; there are ${categories.join(', ')}.`,
    );
  }
  const found: Dialogue[] = [];
  // Every few groups have every category; the bound only guards against one that never comes.
  for (let group = 0; found.length < count && group < 1000 + count; group++) {
    const dialogues =
      source === 'assistant' ? assistantGroup({ seed, split }, group) : inventedGroup(seed, group);
    found.push(...dialogues.filter((dialogue) => category === undefined || dialogue.category === category));
  }
  return found.slice(0, count);
}

export const dataInspectCommand = command({
  brief: 'Show dialogues as text and as tokens with the loss mask',
  about:
    'Shows dialogues, generated or of a file, as text and as the tokens that a model reads. Tokens that count in the loss are\n' +
    'coloured and underlined; without colours they stand in [brackets].',
  examples: [
    'tinystar data inspect --count 2 --category parallel',
    'tinystar data inspect --split test --mask answer | less -R',
    'tinystar data inspect --file xlam.jsonl --tokenizer Qwen3-0.6B --count 1',
  ],
  flags,
  async run(context, given) {
    const { stdout } = context.process;
    const style = outStyle(context);
    const tokenizer = Tokenizer.load(given.tokenizer ?? join(PACKAGE_ROOT, 'bases/student'));
    const template = ChatTemplate.of(tokenizer);
    const dialogues =
      given.file === undefined
        ? chosen(given).map((dialogue) => shownDialogue(dialogue, dialogue.category, template))
        : await dialoguesOfFile(given.file, given, template);
    for (const dialogue of dialogues) {
      stdout.write(`${dialogueText(dialogue, style)}\n`);
      const { id, category, turn } = dialogue;
      const record = makeRecord({ id, category, ...turn() }, tokenizer, template.format);
      const looks = { mask: given.mask, color: style.enabled };
      stdout.write(`${inspectRecord(record, tokenizer, looks)}\n`);
    }
  },
});
