/** `tinystar export`: a checkpoint as one GGUF file, for llama.cpp and everything built on it, or as another folder. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { buildCommand } from '@stricli/core';
import { destinationOf, STANDARD } from '../../base/destination.ts';
import { UserError } from '../../base/errors.ts';
import { isGguf } from '../../model/checkpoint/checkpoint-path.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples, wholeNumber } from '../flags.ts';
import { checkOutputs, outputName, tellingStream } from '../outputs.ts';

/** What a folder can hold, and what a GGUF file can hold besides. */
const FOLDER_DTYPES = ['f16', 'f32'] as const;
const DTYPES = [...FOLDER_DTYPES, 'bf16', 'q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q4_0'] as const;

interface Flags {
  readonly gguf?: string;
  readonly folder?: string;
  readonly dtype: (typeof DTYPES)[number];
  readonly check: number;
  readonly data?: string;
  readonly debug: boolean;
}

/** Refuses a folder that holds something: it would be replaced as a whole. */
function needNewFolder(folder: string): void {
  if (folder === STANDARD)
    throw new UserError('FLAG', 'A folder cannot go to standard output; give --folder a name.');
  if (existsSync(folder)) {
    throw new UserError('EXISTS', `${folder} exists already; name another folder or remove it first.`);
  }
}

/** Files that an export reads: of a folder, the files in it, but not GGUF files that were made of it. */
function readOf(checkpoint: string, data: string | undefined): string[] {
  const isFolder = statSync(checkpoint, { throwIfNoEntry: false })?.isDirectory() === true;
  const files = isFolder
    ? readdirSync(checkpoint).flatMap((name) => (isGguf(name) ? [] : [join(checkpoint, name)]))
    : [checkpoint];
  return [...files, ...(data === undefined ? [] : [data])];
}

async function exportModel(
  this: CliContext,
  { gguf, folder, dtype, check, data }: Flags,
  checkpoint: string,
): Promise<void> {
  if (gguf === undefined && folder === undefined) {
    throw new UserError('NO_OUTPUT', 'Nothing to write: give --gguf FILE, --folder DIR, or both.');
  }
  const folderDType = FOLDER_DTYPES.find((candidate) => candidate === dtype);
  if (folder !== undefined && folderDType === undefined) {
    throw new UserError(
      'DTYPE',
      `A folder in Hugging Face format cannot hold ${dtype}; give --dtype f16 or f32, or write --gguf alone.`,
    );
  }
  if (folder !== undefined) needNewFolder(folder);
  if (gguf !== undefined) checkOutputs(readOf(checkpoint, data), { gguf });
  const telling = tellingStream(this, { gguf });
  const [
    { Device },
    { loadModel, saveCheckpoint },
    { exportGguf },
    { ggufTokenizer, tokenizerFilesOf },
    { Tokenizer },
  ] = await Promise.all([
    import('../../ggml/device.ts'),
    import('../../model/checkpoint/checkpoint.ts'),
    import('../../model/checkpoint/gguf.ts'),
    import('../../chat/gguf-tokenizer.ts'),
    import('../../chat/tokenizer.ts'),
  ]);
  using device = Device.open('cpu');
  const { config, parameters } = loadModel(device, checkpoint, { trainable: false });
  using _parameters = parameters;
  const tell = (what: string, file?: string): void => {
    const size = file === undefined ? '' : `, ${(statSync(file).size / 1e6).toFixed(1)} MB`;
    const count = parameters.count.toLocaleString('en');
    telling.write(`${what}: ${count} parameters as ${dtype}${size}\n`);
  };
  if (gguf !== undefined) {
    exportGguf(gguf, config, parameters, ggufTokenizer(checkpoint), {
      dtype,
      name: basename(resolve(checkpoint)),
    });
    const isFile = destinationOf(gguf).kind === 'file';
    tell(outputName(gguf), isFile ? gguf : undefined);
    if (!isFile) telling.write('not checked, as it is no file that llama.cpp could read\n');
    else if (check > 0) {
      const { tellParity } = await import('../export-check.ts');
      await tellParity(this, { device, config, parameters, checkpoint, gguf, data, count: check });
    }
  }
  if (folder !== undefined && folderDType !== undefined) {
    saveCheckpoint(folder, config, parameters, {
      dtype: folderDType,
      tokenizerFiles: tokenizerFilesOf(checkpoint),
      stopIds: Tokenizer.load(checkpoint).stopIds,
    });
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
      dtype: {
        kind: 'enum',
        values: DTYPES,
        brief: 'How matrices are written; folders hold f16 and f32 only',
        default: 'f16',
      },
      check: {
        kind: 'parsed',
        parse: wholeNumber(0),
        brief:
          'Requests that the GGUF file, run by llama.cpp, and the checkpoint both answer; 0 checks nothing',
        default: '8',
        placeholder: 'N',
      },
      data: {
        kind: 'parsed',
        parse: String,
        brief: "Dialogues (JSONL) for the check, in place of the assistant's",
        placeholder: 'FILE',
        optional: true,
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
      ],
    },
  },
  docs: {
    brief: 'Write a checkpoint as a GGUF file or another folder',
    fullDescription: examples(
      'Writes a checkpoint, with its tokenizer and chat template, as one GGUF file that llama.cpp runs, or as a\n' +
        'folder in Hugging Face format. A GGUF file is then run by llama.cpp and its answers compared.',
      'tinystar export bases/student --gguf student.gguf',
      'tinystar export ./Qwen3-0.6B --gguf small.gguf --dtype q4_k_m',
      'tinystar export runs/tiny-star/stages/star/model --folder my-student',
    ),
  },
});
