/** `tinystar generate`: asks a checkpoint, with tools, and prints its answer. */
import { buildCommand } from '@stricli/core';
import { shownParts } from '../../chat/generation.ts';
import { checkpointAt, refuseAdapter } from '../../model/checkpoint/checkpoint-path.ts';
import type { CliContext } from '../context.ts';
import { outStyle } from '../context.ts';
import { debugFlag, engineFlag, examples, numberFrom, wholeNumber, thinkingFlag } from '../flags.ts';

interface Flags {
  readonly tools?: string;
  readonly system?: string;
  readonly temperature: number;
  readonly samples: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly device: string;
  readonly engine?: 'tinystar' | 'llama.cpp';
  readonly thinking?: 'on' | 'off';
  readonly raw: boolean;
  readonly debug: boolean;
}

async function generate(this: CliContext, flags: Flags, checkpoint: string, request: string): Promise<void> {
  const [{ Tokenizer }, { ChatTemplate }, { openSampler }, { sampleAll }, { noticesOf }, { readTools }] =
    await Promise.all([
      import('../../chat/tokenizer.ts'),
      import('../../chat/template.ts'),
      import('../../sampling/open.ts'),
      import('../../sampling/sampler.ts'),
      import('../../train/device-probe.ts'),
      import('../tools-file.ts'),
    ]);
  refuseAdapter(checkpoint);
  const tools = flags.tools === undefined ? [] : readTools(flags.tools);
  const system = flags.system === undefined ? [] : [{ role: 'system', content: flags.system } as const];
  const messages = [...system, { role: 'user', content: request } as const];
  const template = ChatTemplate.of(Tokenizer.load(checkpointAt(checkpoint))).fixed(flags.thinking);
  const prompt = template.prompt({ messages, tools });
  const { device, engine } = flags;
  using model = await openSampler(checkpoint, { device, parallel: 1, ...(engine && { engine }) });
  const notices = model.device === undefined ? [] : noticesOf(model.device);
  for (const notice of notices) this.process.stderr.write(`note: ${notice}\n`);
  const [samples = []] = await sampleAll(model, [{ text: prompt }], {
    n_samples_per_prompt: flags.samples,
    temperature: flags.temperature,
    generate_max_len: flags.maxTokens,
    seed: flags.seed,
    skip_special_tokens: !flags.raw,
  });
  const style = outStyle(this);
  if (flags.raw) this.process.stdout.write(style.dim(prompt));
  for (const { text, length, finish } of samples) {
    const [thought, answer] = flags.raw ? ['', text] : shownParts(text);
    const thinking = thought.trim() === '' ? '' : `${style.dim(thought.trim())}\n\n`;
    this.process.stdout.write(`${thinking}${flags.raw ? answer : answer.trim()}\n`);
    if (finish === 'length') this.process.stderr.write(`(cut after ${length} tokens; raise --max-tokens)\n`);
  }
}

const parsed = { kind: 'parsed' } as const;

export const generateCommand = buildCommand<Flags, [string, string], CliContext>({
  func: generate,
  parameters: {
    flags: {
      tools: { ...parsed, parse: String, brief: 'JSON list of tools', optional: true, placeholder: 'FILE' },
      system: { ...parsed, parse: String, brief: 'System message', optional: true, placeholder: 'TEXT' },
      temperature: {
        ...parsed,
        parse: numberFrom(0),
        brief: '0 takes the likeliest token',
        default: '0',
        placeholder: 'X',
      },
      samples: { ...parsed, parse: wholeNumber(1), brief: 'Answers to draw', default: '1', placeholder: 'N' },
      maxTokens: {
        ...parsed,
        parse: wholeNumber(1),
        brief: 'Longest answer',
        default: '256',
        placeholder: 'N',
      },
      seed: { ...parsed, parse: wholeNumber(0), brief: 'Seed of the draws', default: '0', placeholder: 'N' },
      device: { ...parsed, parse: String, brief: 'cpu, gpu or a name', default: 'cpu', placeholder: 'NAME' },
      engine: engineFlag,
      thinking: thinkingFlag,
      raw: {
        kind: 'boolean',
        brief: 'Print prompt and answer with every token',
        default: false,
        withNegated: false,
      },
      debug: debugFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'Checkpoint folder (Hugging Face format) or GGUF file',
          parse: String,
          placeholder: 'CHECKPOINT',
        },
        { brief: 'What the user says', parse: String, placeholder: 'REQUEST' },
      ],
    },
  },
  docs: {
    brief: 'Ask a checkpoint, with tools',
    fullDescription: examples(
      'Prints what a checkpoint answers to a request. Tools are a JSON list of {name, description, parameters}.',
      'tinystar generate bases/teacher "Set a timer for 5 minutes" --tools tools.json',
    ),
  },
});
