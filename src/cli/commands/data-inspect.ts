/** `tinystar data inspect`: dialogues, generated or of a file, as text and as the tokens that a model is trained on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import { PACKAGE_ROOT } from '../../base/package-root.ts';
import type { Dialogue } from '../../chat/messages.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { TrainingRecord } from '../../data/render.ts';
import type { CliContext } from '../context.ts';
import { outStyle } from '../context.ts';
import { debugFlag, examples, wholeNumber } from '../flags.ts';
import { conversation, dialoguesOfFile, told, type ToldDialogue } from '../told-dialogue.ts';

const SPLITS = ['train', 'test'] as const;
const SOURCES = ['assistant', 'invented'] as const;
const MASKS = ['all', 'think', 'answer'] as const;

interface Flags {
  readonly file?: string;
  readonly source: (typeof SOURCES)[number];
  readonly split: (typeof SPLITS)[number];
  readonly seed: number;
  readonly count: number;
  readonly category?: string;
  readonly mask: (typeof MASKS)[number];
  readonly tokenizer?: string;
  readonly debug: boolean;
}

/** The tokenizer of the base models that come with tinystar. */
const OWN_TOKENIZER = join(PACKAGE_ROOT, 'bases/student');

async function inspect(this: CliContext, flags: Flags): Promise<void> {
  const [
    { Tokenizer: TokenizerOf },
    { ChatTemplate, OWN_TEMPLATE },
    { makeRecord, renderDialogue },
    { inspectRecord },
  ] = await Promise.all([
    import('../../chat/tokenizer.ts'),
    import('../../chat/template.ts'),
    import('../../data/render.ts'),
    import('../../data/inspect.ts'),
  ]);
  const style = outStyle(this);
  const folder = flags.tokenizer ?? OWN_TOKENIZER;
  const known = flags.tokenizer !== undefined || existsSync(join(folder, 'tokenizer.json'));
  const tokenizer = known ? TokenizerOf.load(folder) : undefined;
  const template = tokenizer === undefined ? OWN_TEMPLATE : ChatTemplate.of(tokenizer);
  const show = (dialogue: ToldDialogue, record: (known: Tokenizer) => TrainingRecord): void => {
    this.process.stdout.write(`${conversation(dialogue, style)}\n`);
    if (tokenizer === undefined) return;
    const options = { mask: flags.mask, color: style.enabled };
    this.process.stdout.write(`${inspectRecord(record(tokenizer), tokenizer, options)}\n`);
  };
  if (flags.file === undefined) {
    for (const dialogue of await chosen(flags))
      show(told(dialogue), (known) => renderDialogue(dialogue, known, template));
  } else {
    for (const { dialogue, texts } of await dialoguesOfFile(flags.file, flags, template))
      show(dialogue, (known) => makeRecord(texts(), known));
  }
  if (tokenizer === undefined) {
    this.process.stderr.write(
      'Tokens are not shown, as no tokenizer was found; give one with --tokenizer.\n',
    );
  }
}

/** The first dialogues of the sequence that are of the wanted category. */
async function chosen({ source, split, seed, count, category }: Flags): Promise<Dialogue[]> {
  const { assistantGroup, CATEGORIES, inventedGroup } = await import('../../data/assistant/index.ts');
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

export const dataInspectCommand = buildCommand<Flags, [], CliContext>({
  func: inspect,
  parameters: {
    flags: {
      file: {
        kind: 'parsed',
        parse: String,
        brief: 'A file of dialogues instead of a generator',
        optional: true,
        placeholder: 'FILE',
      },
      source: { kind: 'enum', values: SOURCES, brief: 'Which generator', default: 'assistant' },
      split: { kind: 'enum', values: SPLITS, brief: 'Which split', default: 'train' },
      seed: {
        kind: 'parsed',
        parse: wholeNumber(0),
        brief: 'Seed of the generator',
        default: '7',
        placeholder: 'N',
      },
      count: {
        kind: 'parsed',
        parse: wholeNumber(1),
        brief: 'How many dialogues',
        default: '3',
        placeholder: 'N',
      },
      category: {
        kind: 'parsed',
        parse: String,
        brief: 'Only this kind of case',
        optional: true,
        placeholder: 'NAME',
      },
      mask: { kind: 'enum', values: MASKS, brief: 'Which target tokens count in the loss', default: 'all' },
      tokenizer: {
        kind: 'parsed',
        parse: String,
        brief: 'Folder with a tokenizer',
        optional: true,
        placeholder: 'DIR',
      },
      debug: debugFlag,
    },
  },
  docs: {
    brief: 'Show dialogues as text and as tokens with the loss mask',
    fullDescription: examples(
      'Shows dialogues, generated or of a file, as text and as the tokens that a model reads. Tokens that count in the loss are\n' +
        'coloured and underlined; without colours they stand in [brackets].',
      'tinystar data inspect --count 2 --category parallel',
      'tinystar data inspect --split test --mask answer | less -R',
      'tinystar data inspect --file xlam.jsonl --tokenizer Qwen3-0.6B --count 1',
    ),
  },
});
