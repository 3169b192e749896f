/** `tinystar data mix`: a training set of a given size out of records, by quotas or by weights. */
import { z } from 'zod';
import { STANDARD } from '../../../../src/base/destination.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { Lru } from '../../../../src/base/lru.ts';
import { Owned } from '../../../../src/base/owned.ts';
import { Rng } from '../../../../src/base/rng.ts';
import { ChatTemplate } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import {
  CATEGORIES,
  categoriesOf,
  type Category,
  type Label,
  lastLabel,
} from '../../../../src/data/labels.ts';
import { DEFAULT_QUOTAS, mixByWeight, pickByQuotas, sample } from '../../../../src/data/mixing.ts';
import { RecordFile } from '../../../../src/data/reading.ts';
import { type DataRecord, Rejection } from '../../../../src/data/record.ts';
import { ofRow } from '../../../../src/data/render.ts';
import { headedTable } from '../../../report/src/table.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { choice, type Flag, type FlagsOf, numberBy, optional, parsed, text, whole } from '../flags.ts';
import { RowOutputs } from '../row-outputs.ts';

const share = (brief: string, byDefault: number): Flag<number> =>
  parsed(
    numberBy(z.number().min(0).max(1), 'a share from 0 to 1, such as 0.3'),
    brief,
    'X',
    String(byDefault),
  );

const flags = {
  output: text('The mixture', 'FILE'),
  size: whole(1, 'How many records'),
  by: choice(['quotas', 'weights'], "STAR's quotas, or the weights of files", 'quotas'),
  seed: whole(0, 'Seed', 42),
  response: share('Share of answers in words', DEFAULT_QUOTAS.response),
  multi_step: share("Share of calls after a tool's result", DEFAULT_QUOTAS.multi_step),
  single_turn: share('Share of first turns; the rest is of later ones', DEFAULT_QUOTAS.single_turn),
  parallel: share('Share of parallel calls; the rest is of one call', DEFAULT_QUOTAS.parallel),
  max_turns: whole(1, 'Records of more turns are left out', DEFAULT_QUOTAS.max_turns),
  tokenizer: optional(text('Folder of a checkpoint, to leave out over-long prompts', 'DIR')),
  max_prompt_tokens: whole(1, 'Longer prompts are left out, with --tokenizer', 8192),
};
type Given = FlagsOf<typeof flags>;

/** `FILE` or `FILE=WEIGHT`. */
function parseInput(input: string): { readonly path: string; readonly weight: number } {
  const [, path, weight] = /^(.*\.jsonl|-)=([^=]*)$/.exec(input) ?? [];
  if (path === undefined) return { path: input, weight: 1 };
  const value = Number(weight);
  if (weight === '' || !Number.isFinite(value) || value < 0)
    throw new UserError('MIX', `${input}: the weight must be a number of at least 0.`);
  return { path, weight: value };
}

/** A record of one of the files. */
interface Place {
  readonly file: RecordFile;
  readonly index: number;
  readonly label: Label;
}

/** Opens a file of records that can be read in any order. */
function openRecords(path: string): RecordFile {
  if (path.endsWith('.jsonl') || path === STANDARD || path.startsWith('/dev/')) return new RecordFile(path);
  throw new UserError(
    'FILE',
    `${path} is no .jsonl file; give records as data convert writes them, not packed.`,
  );
}

/** Fate of a prompt; `refused` by the chat template. */
type Fit = 'fits' | 'tooLong' | 'refused';

/** Tells which prompts fit; all do where there is no tokenizer. */
function fitting(given: Given): (place: Place) => Fit {
  if (given.tokenizer === undefined) return () => 'fits';
  const tokenizer = Tokenizer.load(given.tokenizer);
  const template = ChatTemplate.of(tokenizer);
  return ({ file, index }) => {
    try {
      const { messages, tools } = file.at(index, ({ record }) => record);
      const prompt = ofRow(() => template.prompt({ messages: messages.slice(0, -1), tools }));
      return tokenizer.encode(prompt).length <= given.max_prompt_tokens ? 'fits' : 'tooLong';
    } catch (thrown) {
      if (thrown instanceof Rejection) return 'refused';
      throw thrown;
    }
  };
}

export const dataMixCommand = command({
  brief: 'Mix records into a training set',
  about:
    "Takes records by STAR's quotas of kinds of answers, or from each file in proportion to its weight. The same seed\n" +
    'takes the same records.',
  examples: [
    'tinystar data mix toolmind.jsonl --size 50000 --output mixed.jsonl',
    'tinystar data mix --by weights xlam.jsonl=2 toolace.jsonl=1 --size 30000 --output mixed.jsonl',
  ],
  flags,
  list: { brief: 'Records; FILE=WEIGHT with --by weights', placeholder: 'FILE' },
  async run(context, given, ...inputs) {
    const { size } = given;
    const parsed = inputs.map(parseInput);
    const paths = parsed.map(({ path }) => path);
    using rows = new RowOutputs(context, paths, { output: given.output });
    using files = new Owned();
    // There are few different labels and many records.
    const known = new Lru<Label>(Infinity);
    const labelOf = (record: DataRecord): Label | undefined => {
      const label = lastLabel(record);
      return label && known.get(JSON.stringify(label), () => label);
    };
    let unlabelled = 0;
    const sources = parsed.map(({ path, weight }) => {
      const file = files.add(openRecords(path));
      const labels = Array.from(file.read(({ record }) => labelOf(record)));
      const items = labels.flatMap((label, index) => (label === undefined ? [] : [{ file, index, label }]));
      unlabelled += labels.length - items.length;
      return { weight, items };
    });
    const rng = Rng.seeded(given.seed, 'mix');
    const all = sources.flatMap(({ items }) => items);
    const labels = all.map(({ label }) => label);
    const candidates =
      given.by === 'quotas'
        ? pickByQuotas(labels, size, given, rng).flatMap((index) => all[index] ?? [])
        : mixByWeight(sources, size, rng);
    const fitOf = fitting(given);
    const found: Readonly<Record<Fit, Place[]>> = { fits: [], tooLong: [], refused: [] };
    for (const place of candidates) found[fitOf(place)].push(place);
    const picked = sample(found.fits, size, rng);
    for (const { file, index } of picked) rows.keep(file.lineAt(index));
    rows.commit();
    const count = (places: readonly Place[], category: Category): string =>
      String(places.filter(({ label }) => categoriesOf(label).includes(category)).length);
    const counts = CATEGORIES.map((category) => [category, count(all, category), count(picked, category)]);
    const total = ['all', String(all.length), String(picked.length)];
    rows.telling.write(headedTable(['', 'records', 'taken'], [...counts, total], outStyle(context)));
    const notes = [
      [unlabelled, 'without an answer'] as const,
      [found.tooLong.length, `with prompts over ${given.max_prompt_tokens} tokens`] as const,
      [found.refused.length, 'that the chat template refuses'] as const,
    ].flatMap(([number, what]) => (number > 0 ? [`${number} ${what}`] : []));
    const left = notes.length === 0 ? '' : ` Left out: ${notes.join(', ')}.`;
    const short = picked.length < size ? ` That is fewer than the ${size} that were asked for.` : '';
    rows.telling.write(`${picked.length} records in ${rows.name}.${short}${left}\n`);
  },
});
