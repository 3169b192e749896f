/** `tinystar data render`: records as training records, with a checkpoint's own template and tokenizer. */
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples, wholeNumber } from '../flags.ts';
import { checkOutputs, outputName, tellingStream } from '../outputs.ts';
import { RowCounter } from '../row-counter.ts';
import { table } from '../../report/table.ts';

const MODES = ['native', 'star'] as const;

interface Flags {
  readonly tokenizer: string;
  readonly template?: string;
  readonly output: string;
  readonly rejects?: string;
  readonly mode: (typeof MODES)[number];
  readonly reasoning: boolean;
  readonly maxPromptTokens: number;
  readonly maxTargetTokens?: number;
  readonly debug: boolean;
}

async function render(this: CliContext, flags: Flags, ...inputs: string[]): Promise<void> {
  const [{ readText }, { LineWriter }, { ChatTemplate }, { Tokenizer }, { Tally }, stream, { fileRows }] =
    await Promise.all([
      import('../../base/files.ts'),
      import('../../base/line-writer.ts'),
      import('../../chat/template.ts'),
      import('../../chat/tokenizer.ts'),
      import('../../data/convert.ts'),
      import('../../data/rendering.ts'),
      import('../../data/streams/rows.ts'),
    ]);
  const outputs = { output: flags.output, rejects: flags.rejects };
  checkOutputs([...inputs, ...(flags.template === undefined ? [] : [flags.template])], outputs);
  const tokenizer = Tokenizer.load(flags.tokenizer);
  const given = flags.template === undefined ? tokenizer.chatTemplate : readText(flags.template);
  if (given === undefined) {
    const note = `${flags.tokenizer} has no chat template, so tinystar's own is used; give another with --template.`;
    this.process.stderr.write(`${note}\n`);
  }
  const template = ChatTemplate.of({ chatTemplate: given, specialTokens: tokenizer.specialTokens });
  const { mode, reasoning, maxPromptTokens, maxTargetTokens = Infinity } = flags;
  const options = { tokenizer, template, mode, reasoning, maxPromptTokens, maxTargetTokens };
  using output = new LineWriter(flags.output);
  using rejects = flags.rejects === undefined ? undefined : new LineWriter(flags.rejects);
  using counter = new RowCounter(this);
  const dropped = new Tally();
  const tokens = { prompt: 0, target: 0 };
  for (const file of inputs) {
    for await (const row of stream.renderRows(fileRows(file), options)) {
      counter.add();
      if ('rejected' in row) {
        dropped.add(row.rejected.code);
        rejects?.write(JSON.stringify(row.rejected));
      } else {
        output.write(stream.renderedLine(row.rendered));
        tokens.prompt += row.promptTokens;
        tokens.target += row.targetTokens;
      }
    }
  }
  counter[Symbol.dispose]();
  const reasons = dropped.entries().map(([code, count]) => ['left out', code, String(count)]);
  const telling = tellingStream(this, outputs);
  telling.write(table(reasons, ['left', 'left', 'right']));
  if (output.lines === 0) {
    rejects?.commit();
    throw new UserError('DATA_EMPTY', 'Not one record was rendered; look at the reasons with --rejects.');
  }
  output.commit();
  rejects?.commit();
  telling.write(
    `${output.lines} training records in ${outputName(flags.output)} (${tokens.prompt} tokens of prompts, ${tokens.target} of targets), ${dropped.total} left out.\n`,
  );
}

export const dataRenderCommand = buildCommand<Flags, string[], CliContext>({
  func: render,
  parameters: {
    flags: {
      tokenizer: {
        kind: 'parsed',
        parse: String,
        brief: 'Folder of a checkpoint: its tokenizer and chat template',
        placeholder: 'DIR',
      },
      template: {
        kind: 'parsed',
        parse: String,
        brief: "A Jinja chat template instead of the checkpoint's",
        optional: true,
        placeholder: 'FILE',
      },
      output: { kind: 'parsed', parse: String, brief: 'Training records, one a line', placeholder: 'FILE' },
      rejects: {
        kind: 'parsed',
        parse: String,
        brief: 'Records that were left out, each with its reason',
        optional: true,
        placeholder: 'FILE',
      },
      mode: {
        kind: 'enum',
        values: MODES,
        brief: "The template's own text, or STAR's exact strings",
        default: 'native',
      },
      reasoning: { kind: 'boolean', brief: "Keep the answer's thought", default: true },
      maxPromptTokens: {
        kind: 'parsed',
        parse: wholeNumber(1),
        brief: 'Longer prompts are left out',
        default: '5120',
        placeholder: 'N',
      },
      maxTargetTokens: {
        kind: 'parsed',
        parse: wholeNumber(1),
        brief: 'Longer targets are left out',
        optional: true,
        placeholder: 'N',
      },
      debug: debugFlag,
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { parse: String, brief: 'Records, as data convert writes them', placeholder: 'FILE' },
    },
  },
  docs: {
    brief: 'Render records as prompts and targets',
    fullDescription: examples(
      'Renders records with the chat template of a checkpoint as {"id", "inputs", "targets"}. What is too long is left out\n' +
        'and counted, never cut.',
      'tinystar data render xlam.jsonl --tokenizer Qwen3-0.6B --output train.jsonl',
      'tinystar data render xlam.jsonl --tokenizer Qwen3-0.6B --mode star --no-reasoning --output rl.jsonl',
    ),
  },
});
