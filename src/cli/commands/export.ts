/** `tinystar export`: a checkpoint as one GGUF file, for llama.cpp and everything built on it. */
import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { debugFlag, examples } from '../flags.ts';

const DTYPES = ['f16', 'f32'] as const;

interface Flags {
  readonly gguf: string;
  readonly dtype: (typeof DTYPES)[number];
  readonly debug: boolean;
}

async function exportModel(this: CliContext, { gguf, dtype }: Flags, checkpoint: string): Promise<void> {
  const [{ Device }, { loadModel }, { exportGguf }, { ggufTokenizer }] = await Promise.all([
    import('../../ggml/device.ts'),
    import('../../model/checkpoint.ts'),
    import('../../model/gguf.ts'),
    import('../../chat/gguf-tokenizer.ts'),
  ]);
  const tokenizer = ggufTokenizer(checkpoint);
  using device = Device.open('cpu');
  const { config, parameters } = loadModel(device, checkpoint, { trainable: false });
  using _parameters = parameters;
  exportGguf(gguf, config, parameters, tokenizer, { dtype, name: basename(resolve(checkpoint)) });
  const megabytes = (statSync(gguf).size / 1e6).toFixed(1);
  this.process.stdout.write(
    `${gguf}: ${parameters.count.toLocaleString('en')} parameters as ${dtype}, ${megabytes} MB\n`,
  );
}

export const exportCommand = buildCommand<Flags, [string], CliContext>({
  func: exportModel,
  parameters: {
    flags: {
      gguf: { kind: 'parsed', parse: String, brief: 'File to write', placeholder: 'FILE' },
      dtype: { kind: 'enum', values: DTYPES, brief: 'How matrices are written', default: 'f16' },
      debug: debugFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Checkpoint folder (Hugging Face format)', parse: String, placeholder: 'CHECKPOINT' },
      ],
    },
  },
  docs: {
    brief: 'Write a checkpoint as a GGUF file',
    fullDescription: examples(
      'Writes a checkpoint, with its tokenizer and chat template, as one GGUF file that llama.cpp runs.',
      'tinystar export bases/student --gguf student.gguf',
    ),
  },
});
