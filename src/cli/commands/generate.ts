/** `tinystar generate`: asks a checkpoint, with tools, and prints its answer. */
import { buildCommand } from '@stricli/core';
import { shownParts } from '../../chat/generation.ts';
import { refuseAdapter } from '../../model/checkpoint/checkpoint-path.ts';
import type { CliContext } from '../context.ts';
import { outStyle } from '../context.ts';
import { debugFlag, examples, numberFrom, wholeNumber, thinkingFlag } from '../flags.ts';

interface Flags {
  readonly tools?: string;
  readonly system?: string;
  readonly temperature: number;
  readonly samples: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly device: string;
  readonly thinking?: 'on' | 'off';
  readonly raw: boolean;
  readonly debug: boolean;
}

async function generate(this: CliContext, flags: Flags, checkpoint: string, request: string): Promise<void> {
  const [
    { Device },
    { loadModel },
    { Generator },
    { Tokenizer },
    { ChatTemplate },
    { noticesOf },
    { readTools },
  ] = await Promise.all([
    import('../../ggml/device.ts'),
    import('../../model/checkpoint/checkpoint.ts'),
    import('../../model/generate/generation.ts'),
    import('../../chat/tokenizer.ts'),
    import('../../chat/template.ts'),
    import('../../train/device-probe.ts'),
    import('../tools-file.ts'),
  ]);
  refuseAdapter(checkpoint);
  const tools = flags.tools === undefined ? [] : readTools(flags.tools);
  const tokenizer = Tokenizer.load(checkpoint);
  const system = flags.system === undefined ? [] : [{ role: 'system', content: flags.system } as const];
  const messages = [...system, { role: 'user', content: request } as const];
  const prompt = ChatTemplate.of(tokenizer).fixed(flags.thinking).prompt({ messages, tools });
  using device = Device.open(flags.device);
  for (const notice of noticesOf(device)) this.process.stderr.write(`note: ${notice}\n`);
  const { config, parameters } = loadModel(device, checkpoint, { trainable: false });
  using _parameters = parameters;
  using generator = new Generator(device, config, parameters);
  const [samples = []] = await generator.generate([tokenizer.encode(prompt)], {
    samples: flags.samples,
    temperature: flags.temperature,
    maxTokens: flags.maxTokens,
    stopIds: tokenizer.stopIds,
    seed: flags.seed,
  });
  const style = outStyle(this);
  if (flags.raw) this.process.stdout.write(style.dim(prompt));
  for (const { tokens, finish } of samples) {
    const text = tokenizer.decode(tokens, { skipSpecial: !flags.raw });
    const [thought, answer] = flags.raw ? ['', text] : shownParts(text);
    const thinking = thought.trim() === '' ? '' : `${style.dim(thought.trim())}\n\n`;
    this.process.stdout.write(`${thinking}${flags.raw ? answer : answer.trim()}\n`);
    if (finish === 'length')
      this.process.stderr.write(`(cut after ${tokens.length} tokens; raise --max-tokens)\n`);
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
