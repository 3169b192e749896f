/** `tinystar prune`: some layers of a model as a checkpoint of their own, to be a student with its teacher's tokenizer. */
import { basename } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { tokenizerFilesOf } from '../../chat/gguf-tokenizer.ts';
import { Device } from '../../ggml/device.ts';
import { weightCount } from '../../model/arch/config.ts';
import { loadConfig } from '../../model/checkpoint/checkpoint.ts';
import { type KeptLayers, pruneCheckpoint } from '../../model/prune.ts';
import { command } from '../command.ts';
import type { CliContext } from '../context.ts';
import { choice, type FlagsOf, parsed } from '../flags.ts';
import { needNewFolder } from '../outputs.ts';

/** 15, or 0,2,4. */
function layersIn(given: string): KeptLayers {
  const numbers = given.split(',').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : NaN));
  const [first = NaN] = numbers;
  if (numbers.some(Number.isNaN) || (numbers.length === 1 && first === 0))
    throw new UserError('FLAG', 'must be a number of layers, or their indices with commas between them');
  return numbers.length === 1 ? first : numbers;
}

const flags = {
  layers: parsed(layersIn, 'Number of layers, evenly spaced; or which ones, from 0 on: 0,4,8', 'LAYERS'),
  dtype: choice(['f32', 'f16'] as const, 'How matrices are written', 'f32'),
};

async function prune(
  context: CliContext,
  { layers, dtype }: FlagsOf<typeof flags>,
  model: string,
  folder: string,
): Promise<void> {
  needNewFolder(folder);
  const before = loadConfig(model);
  const device = Device.open('cpu');
  try {
    const tokenizerFiles = tokenizerFilesOf(model);
    const after = pruneCheckpoint(device, model, folder, layers, { dtype, tokenizerFiles });
    const millions = (config: typeof before): string => `${(weightCount(config) / 1e6).toFixed(1)}M`;
    context.process.stdout.write(
      `${folder}: ${after.layers} of the ${before.layers} layers of ${basename(model)}, ${millions(after)} of ${millions(before)} weights\n`,
    );
  } finally {
    device.close();
  }
}

export const pruneCommand = command({
  brief: 'Write a checkpoint with some of the layers of another',
  about:
    "Keeps embeddings, head and tokenizer, and the layers that are named or, of a number, evenly spaced ones with the\nfirst and the last among them: a student to distil into, where no smaller checkpoint has the teacher's tokenizer.",
  examples: [
    'tinystar prune models/SmolLM2-135M-Instruct student --layers 15',
    'tinystar prune teacher.gguf student --layers 0,1,4,8,11 --dtype f16',
  ],
  flags,
  args: [
    { brief: 'Folder or GGUF file of the model', placeholder: 'MODEL' },
    { brief: 'Folder to write', placeholder: 'DIR' },
  ],
  run: prune,
});
