/** `tinystar data mix`: a training set of a given size out of records, by quotas or by weights. */
import { buildCommand } from '@stricli/core';
import { STANDARD } from '../../base/destination.ts';
import { UserError } from '../../base/errors.ts';
import type { Label } from '../../data/labels.ts';
import type { RecordFile } from '../../data/reading.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples, numberFrom, wholeNumber } from '../flags.ts';
import { checkOutputs, outputName, tellingStream } from '../outputs.ts';
import { table } from '../../report/table.ts';

const WAYS = ['quotas', 'weights'] as const;

interface Flags {
  readonly output: string;
  readonly size: number;
  readonly by: (typeof WAYS)[number];
  readonly seed: number;
  readonly response: number;
  readonly multiStep: number;
  readonly singleTurn: number;
  readonly parallel: number;
  readonly maxTurns: number;
  readonly tokenizer?: string;
  readonly maxPromptTokens: number;
  readonly debug: boolean;
}

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

interface Source {
  readonly weight: number;
  readonly places: Place[];
}

async function openSources(inputs: readonly string[], opened: Disposable[]) {
  const [{ RecordFile: File }, { lastLabel }] = await Promise.all([
    import('../../data/reading.ts'),
    import('../../data/labels.ts'),
  ]);
  let unlabelled = 0;
  // There are few different labels and many records.
  const known = new Map<string, Label>();
  const shared = (label: Label | undefined): Label | undefined => {
    if (label === undefined) return undefined;
    const key = JSON.stringify(label);
    const first = known.get(key) ?? label;
    known.set(key, first);
    return first;
  };
  const sources = inputs.map((input): Source => {
    const { path, weight } = parseInput(input);
    if (!path.endsWith('.jsonl') && path !== STANDARD && !path.startsWith('/dev/')) {
      throw new UserError(
        'FILE',
        `${path} is no .jsonl file; give records as data convert writes them, not packed.`,
      );
    }
    const file = new File(path);
    opened.push(file);
    const labels = Array.from(file.read(({ record }) => shared(lastLabel(record))));
    const places = labels.flatMap((label, index) => (label === undefined ? [] : [{ file, index, label }]));
    unlabelled += labels.length - places.length;
    return { weight, places };
  });
  return { sources, unlabelled };
}

/** What becomes of a prompt; `refused` by the chat template. */
type Fit = 'fits' | 'tooLong' | 'refused';

/** Tells which prompts fit; all do where there is no tokenizer. */
async function fitting(flags: Flags): Promise<(place: Place) => Fit> {
  if (flags.tokenizer === undefined) return () => 'fits';
  const [{ Tokenizer }, { ChatTemplate }, { Rejection }, { ofRow }] = await Promise.all([
    import('../../chat/tokenizer.ts'),
    import('../../chat/template.ts'),
    import('../../data/record.ts'),
    import('../../data/render.ts'),
  ]);
  const tokenizer = Tokenizer.load(flags.tokenizer);
  const template = ChatTemplate.of(tokenizer);
  return ({ file, index }) => {
    try {
      const { messages, tools } = file.at(index, ({ record }) => record);
      const prompt = ofRow(() => template.prompt({ messages: messages.slice(0, -1), tools }));
      return tokenizer.encode(prompt).length <= flags.maxPromptTokens ? 'fits' : 'tooLong';
    } catch (thrown) {
      if (thrown instanceof Rejection) return 'refused';
      throw thrown;
    }
  };
}

async function mix(this: CliContext, flags: Flags, ...inputs: string[]): Promise<void> {
  const [{ LineWriter }, { Rng }, { CATEGORIES, categoriesOf }, mixing] = await Promise.all([
    import('../../base/line-writer.ts'),
    import('../../base/rng.ts'),
    import('../../data/labels.ts'),
    import('../../data/mixing.ts'),
  ]);
  checkOutputs(
    inputs.map((input) => parseInput(input).path),
    { output: flags.output },
  );
  const files: Disposable[] = [];
  try {
    const { sources, unlabelled } = await openSources(inputs, files);
    const rng = Rng.seeded(flags.seed, 'mix');
    const all = sources.flatMap(({ places }) => places);
    const labels = all.map(({ label }) => label);
    const candidates =
      flags.by === 'quotas'
        ? mixing.pickByQuotas(labels, flags.size, flags, rng).flatMap((index) => all[index] ?? [])
        : mixing.mixByWeight(
            sources.map(({ weight, places }) => ({ weight, items: places })),
            flags.size,
            rng,
          );
    const fitOf = await fitting(flags);
    const found: Readonly<Record<Fit, Place[]>> = { fits: [], tooLong: [], refused: [] };
    for (const place of candidates) found[fitOf(place)].push(place);
    const picked = mixing.sample(found.fits, flags.size, rng);
    using output = new LineWriter(flags.output);
    for (const { file, index } of picked) output.write(file.lineAt(index));
    output.commit();
    const count = (places: readonly Place[], category: string): string =>
      String(places.filter(({ label }) => categoriesOf(label).some((one) => one === category)).length);
    const rows = CATEGORIES.map((category) => [category, count(all, category), count(picked, category)]);
    const total = ['all', String(all.length), String(picked.length)];
    const telling = tellingStream(this, { output: flags.output });
    telling.write(table([['', 'records', 'taken'], ...rows, total], ['left', 'right', 'right']));
    const notes = [
      ...(unlabelled > 0 ? [`${unlabelled} without an answer`] : []),
      ...(found.tooLong.length > 0
        ? [`${found.tooLong.length} with prompts over ${flags.maxPromptTokens} tokens`]
        : []),
      ...(found.refused.length > 0 ? [`${found.refused.length} that the chat template refuses`] : []),
    ];
    const left = notes.length === 0 ? '' : ` Left out: ${notes.join(', ')}.`;
    const short =
      picked.length < flags.size ? ` That is fewer than the ${flags.size} that were asked for.` : '';
    telling.write(`${picked.length} records in ${outputName(flags.output)}.${short}${left}\n`);
  } finally {
    for (const file of files) file[Symbol.dispose]();
  }
}

function shareOf(text: string): number {
  const value = numberFrom(0)(text);
  if (value > 1) throw new UserError('FLAG', 'must be a share from 0 to 1, such as 0.3');
  return value;
}

const share = (brief: string, byDefault: string) =>
  ({ kind: 'parsed', parse: shareOf, brief, default: byDefault, placeholder: 'X' }) as const;
const count = (brief: string, byDefault: string) =>
  ({ kind: 'parsed', parse: wholeNumber(1), brief, default: byDefault, placeholder: 'N' }) as const;

export const dataMixCommand = buildCommand<Flags, string[], CliContext>({
  func: mix,
  parameters: {
    flags: {
      output: { kind: 'parsed', parse: String, brief: 'The mixture', placeholder: 'FILE' },
      size: { kind: 'parsed', parse: wholeNumber(1), brief: 'How many records', placeholder: 'N' },
      by: { kind: 'enum', values: WAYS, brief: "STAR's quotas, or the weights of files", default: 'quotas' },
      seed: { kind: 'parsed', parse: wholeNumber(0), brief: 'Seed', default: '42', placeholder: 'N' },
      response: share('Share of answers in words', '0.2'),
      multiStep: share("Share of calls after a tool's result", '0.3'),
      singleTurn: share('Share of first turns; the rest is of later ones', '0.3'),
      parallel: share('Share of parallel calls; the rest is of one call', '0.5'),
      maxTurns: count('Records of more turns are left out', '10'),
      tokenizer: {
        kind: 'parsed',
        parse: String,
        brief: 'Folder of a checkpoint, to leave out over-long prompts',
        optional: true,
        placeholder: 'DIR',
      },
      maxPromptTokens: count('Longer prompts are left out, with --tokenizer', '8192'),
      debug: debugFlag,
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { parse: String, brief: 'Records; FILE=WEIGHT with --by weights', placeholder: 'FILE' },
    },
  },
  docs: {
    brief: 'Mix records into a training set',
    fullDescription: examples(
      "Takes records by STAR's quotas of kinds of answers, or from each file in proportion to its weight. The same seed\n" +
        'takes the same records.',
      'tinystar data mix toolmind.jsonl --size 50000 --output mixed.jsonl',
      'tinystar data mix --by weights xlam.jsonl=2 toolace.jsonl=1 --size 30000 --output mixed.jsonl',
    ),
  },
});
