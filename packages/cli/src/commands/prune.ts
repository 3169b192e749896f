/** `tinystar prune`: some layers of a model as a checkpoint of their own, to be a student with its teacher's tokenizer. */
import { basename } from 'node:path';
import { required, UserError } from '../../../../src/base/errors.ts';
import { tokenizerFilesOf } from '../../../../src/chat/gguf-tokenizer.ts';
import { ChatTemplate } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { readDialogues } from '../../../../src/data/reading.ts';
import { renderDialogue } from '../../../../src/data/render.ts';
import { Device } from '../../../../src/ggml/device.ts';
import { weightCount } from '../../../../src/model/arch/config.ts';
import { loadConfig, loadModel } from '../../../../src/model/checkpoint/checkpoint.ts';
import { type KeptLayers, pruneCheckpoint, removeLayers } from '../../../../src/model/prune.ts';
import type { PromptTree } from '../../../../src/model/tree/tree.ts';
import { formatDuration } from '../../../report/src/numbers.ts';
import { command } from '../command.ts';
import type { CliContext } from '../context.ts';
import { choice, optional, parsed, text, whole } from '../flags.ts';
import { needNewFolder } from '../outputs.ts';
import { Stop } from '../stop.ts';
import { StatusLine } from '../terminal.ts';

/** 15, or 0,2,4. */
function layersIn(given: string): KeptLayers {
  const numbers = given.split(',').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : NaN));
  const [first = NaN] = numbers;
  if (numbers.some(Number.isNaN) || (numbers.length === 1 && first === 0))
    throw new UserError('FLAG', 'must be a number of layers, or their indices with commas between them');
  return numbers.length === 1 ? first : numbers;
}

/** Dialogues of a file, as many as are asked for and spread over it, as a model's prompts and answers. */
function treesOf(path: string, most: number, model: string): PromptTree[] {
  const dialogues = readDialogues(path);
  const tokenizer = Tokenizer.load(model);
  const template = ChatTemplate.of(tokenizer);
  const count = Math.min(most, dialogues.length);
  return Array.from({ length: count }, (_, i) => {
    const dialogue = required(dialogues.at(Math.floor((i * dialogues.length) / count)), 'a dialogue');
    const { promptIds, targetIds } = renderDialogue(dialogue, tokenizer, template);
    return { prompt: promptIds, completions: [targetIds] };
  });
}

/** The `count` layers of a model that the answers of the data need most. */
async function neededLayers(
  context: CliContext,
  device: Device,
  model: string,
  trees: readonly PromptTree[],
  count: number,
): Promise<readonly number[]> {
  const { stderr } = context.process;
  const loaded = loadModel(device, model, { trainable: false });
  using _parameters = loaded.parameters;
  using status = new StatusLine(stderr, context.services.now);
  using stop = new Stop(context.services);
  const onProgress = (done: number, total: number): void =>
    status.update((seconds) => {
      const left = formatDuration((seconds / done) * (total - done));
      return `choosing layers  ${done} of ${total} models tried  at most ${left} left`;
    });
  const left = new Set(Array.from({ length: loaded.config.layers }, (_, layer) => layer));
  const options = { signal: stop.signal, onProgress };
  try {
    for await (const { layer, loss } of removeLayers(device, loaded, trees, count, options)) {
      left.delete(layer);
      status.clear();
      stderr.write(
        `${left.size} layers: without layer ${layer}, cross-entropy ${loss.toFixed(3)} nats a token\n`,
      );
    }
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
    throw stop.interrupted('Stopped, and nothing was written; fewer --dialogues take less time.');
  }
  return [...left];
}

export const pruneCommand = command({
  brief: 'Write a checkpoint with some of the layers of another',
  about:
    "Keeps embeddings, head and tokenizer, and the layers that are named or, of a number, evenly spaced ones with the\nfirst and the last among them: a student to distil into, where no smaller checkpoint has the teacher's tokenizer.\nWith --data it removes layers one by one, each time the one without which the data's answers are the most likely.",
  examples: [
    'tinystar prune models/SmolLM2-135M-Instruct student --layers 15',
    'tinystar prune models/SmolLM2-135M-Instruct student --layers 15 --data train.jsonl',
    'tinystar prune teacher.gguf student --layers 0,1,4,8,11 --dtype f16',
  ],
  flags: {
    layers: parsed(layersIn, 'Number of layers, evenly spaced; or which ones, from 0 on: 0,4,8', 'LAYERS'),
    data: optional(
      text(
        'JSONL of dialogues: keep the layers that their answers need most, and not evenly spaced ones',
        'FILE',
      ),
    ),
    dialogues: whole(1, 'How many dialogues of the data are looked at', 8),
    dtype: choice(['f32', 'f16'] as const, 'How matrices are written', 'f32'),
  },
  args: [
    { brief: 'Folder or GGUF file of the model', placeholder: 'MODEL' },
    { brief: 'Folder to write', placeholder: 'DIR' },
  ],
  async run(context, { layers, data, dialogues, dtype }, model, folder) {
    needNewFolder(folder);
    if (data !== undefined && typeof layers !== 'number')
      throw new UserError(
        'FLAG',
        '--data chooses layers; give --layers a number of them, or leave --data away.',
      );
    const before = loadConfig(model);
    using device = Device.open('cpu');
    const tokenizerFiles = tokenizerFilesOf(model);
    const kept =
      data === undefined || typeof layers !== 'number'
        ? layers
        : await neededLayers(context, device, model, treesOf(data, dialogues, model), layers);
    const after = pruneCheckpoint(device, model, folder, kept, { dtype, tokenizerFiles });
    const millions = (config: typeof before): string => `${(weightCount(config) / 1e6).toFixed(1)}M`;
    const which = typeof kept === 'number' ? '' : ` (${kept.join(',')})`;
    context.process.stdout.write(
      `${folder}: ${after.layers} of the ${before.layers} layers of ${basename(model)}${which}, ${millions(after)} of ${millions(before)} weights\n`,
    );
  },
});
