/** `tinystar export`: a checkpoint as one GGUF file, for llama.cpp and everything built on it, or as another folder. */
import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples } from '../flags.ts';

const DTYPES = ['f16', 'f32'] as const;

interface Flags {
  readonly gguf?: string;
  readonly folder?: string;
  readonly dtype: (typeof DTYPES)[number];
  readonly debug: boolean;
}

/** Refuses a folder that holds something: it would be replaced as a whole. */
function needNewFolder(folder: string): void {
  if (existsSync(folder)) {
    throw new UserError('EXISTS', `${folder} exists already; name another folder or remove it first.`);
  }
}

async function exportModel(
  this: CliContext,
  { gguf, folder, dtype }: Flags,
  checkpoint: string,
): Promise<void> {
  if (gguf === undefined && folder === undefined) {
    throw new UserError('NO_OUTPUT', 'Nothing to write: give --gguf FILE, --folder DIR, or both.');
  }
  if (folder !== undefined) needNewFolder(folder);
  const [{ Device }, { loadModel, saveCheckpoint }, { exportGguf }, { ggufTokenizer }] = await Promise.all([
    import('../../ggml/device.ts'),
    import('../../model/checkpoint.ts'),
    import('../../model/gguf.ts'),
    import('../../chat/gguf-tokenizer.ts'),
  ]);
  using device = Device.open('cpu');
  const { config, parameters } = loadModel(device, checkpoint, { trainable: false });
  using _parameters = parameters;
  const tell = (what: string, file: string): void => {
    const megabytes = (statSync(file).size / 1e6).toFixed(1);
    const count = parameters.count.toLocaleString('en');
    this.process.stdout.write(`${what}: ${count} parameters as ${dtype}, ${megabytes} MB\n`);
  };
  if (gguf !== undefined) {
    exportGguf(gguf, config, parameters, ggufTokenizer(checkpoint), {
      dtype,
      name: basename(resolve(checkpoint)),
    });
    tell(gguf, gguf);
  }
  if (folder !== undefined) {
    saveCheckpoint(folder, config, parameters, { dtype, tokenizerFiles: checkpoint });
    tell(folder, join(folder, 'model.safetensors'));
  }
}

export const exportCommand = buildCommand<Flags, [string], CliContext>({
  func: exportModel,
  parameters: {
    flags: {
      gguf: {
        kind: 'parsed',
        parse: String,
        brief: 'GGUF file to write, for llama.cpp',
        placeholder: 'FILE',
        optional: true,
      },
      folder: {
        kind: 'parsed',
        parse: String,
        brief: 'Folder to write, in Hugging Face format',
        placeholder: 'DIR',
        optional: true,
      },
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
    brief: 'Write a checkpoint as a GGUF file or another folder',
    fullDescription: examples(
      'Writes a checkpoint, with its tokenizer and chat template, as one GGUF file that llama.cpp runs, or as a\n' +
        'folder in Hugging Face format.',
      'tinystar export bases/student --gguf student.gguf',
      'tinystar export runs/tiny-star/stages/star/model --folder my-student',
    ),
  },
});
