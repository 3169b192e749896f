/**
 * Makes a larger model of a base checkpoint, to be trained on: a vocabulary that also knows what people say (and the texts
 * between the words of JSON), and more layers. New rows of the embedding are means of the tokens that spelled them; a
 * new layer is a copy of the one before it whose outputs are zero, so that the model computes what it did.
 *
 *   npx tsx scripts/grow-base.ts bases/student NEW --people DIR --layers 5 --size 4096
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { assistantGroup, inventedGroup, peopleGroup, readSets } from '../packages/assistant/src/index.ts';
import { readPhrases } from '../src/base/phrases.ts';
import { extendVocabulary } from '../src/chat/bpe-trainer.ts';
import type { Dialogue } from '../src/chat/messages.ts';
import { OWN_TEMPLATE } from '../src/chat/template.ts';
import { readTokenizer } from '../src/chat/tokenizer-source.ts';
import { Device } from '../src/ggml/device.ts';
import { layerPart, layerWeight } from '../src/model/arch/config.ts';
import { loadModel, saveCheckpoint } from '../src/model/checkpoint/checkpoint.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    people: { type: 'string' },
    layers: { type: 'string' },
    size: { type: 'string', default: '4096' },
    positions: { type: 'string', default: '8192' },
    groups: { type: 'string', default: '1200' },
  },
});
const [from = '', to = ''] = positionals;
const people = readSets(values.people ?? '');

function* textsOf(dialogues: readonly Dialogue[]): Generator<string> {
  for (const [i, { tools, messages }] of dialogues.entries()) {
    const [user, answer] = messages;
    if (user === undefined || answer === undefined) continue;
    const { prompt, target } = OWN_TEMPLATE.turn({ messages: [user], tools: i === 0 ? tools : [] }, answer);
    yield prompt;
    yield target;
  }
}

/** Half of them what people say, the others generated. */
function* texts(): Generator<string> {
  for (let i = 0; i < Number(values.groups); i++) {
    yield* textsOf(peopleGroup(people, 0, i, 32));
    yield* textsOf(i % 2 === 0 ? assistantGroup({ seed: 7, split: 'train' }, i) : inventedGroup(7, i));
  }
}

const scaffold = readPhrases(
  new URL('../packages/assistant/src/people/group.ts', import.meta.url).href,
  'scaffold',
  z.array(z.string()),
);
const old = readTokenizer(from);
const { Tokenizer } = await import('../src/chat/tokenizer.ts');
const spelled = new Tokenizer(old);
const tokenizer = extendVocabulary(old, texts(), {
  size: Number(values.size),
  phrases: scaffold.filter((phrase) => spelled.findId(phrase) === undefined),
});

using device = Device.open('cpu', 1);
const { config, parameters } = loadModel(device, from, { trainable: false });
const layers = Number(values.layers ?? config.layers);
/** Layer that a layer of the new model comes of, and whether it is the first to. */
const sources = Array.from({ length: layers }, (_, i) => {
  const source = Math.floor((i * config.layers) / layers);
  return { source, isCopy: i > 0 && Math.floor(((i - 1) * config.layers) / layers) === source };
});
const OUTPUTS = /(o_proj|down_proj)\.weight$/;

function read(name: string): Float32Array {
  const part = layerPart(name);
  if (part !== undefined) {
    const { source, isCopy } = sources[part.layer] ?? { source: 0, isCopy: false };
    const values_ = parameters.read(layerWeight(source, part.part));
    return isCopy && OUTPUTS.test(name) ? values_.fill(0) : values_;
  }
  const whole = parameters.read(name);
  if (!/embed_tokens/.test(name)) return whole;
  const width = config.hiddenSize;
  const rows = new Float32Array(tokenizer.vocabSize * width);
  rows.set(whole.subarray(0, spelled.vocabSize * width));
  for (let id = spelled.vocabSize; id < tokenizer.vocabSize; id++) {
    const pieces = spelled.encode(tokenizer.decode([id]));
    for (const piece of pieces)
      for (let j = 0; j < width; j++)
        rows[id * width + j] = (rows[id * width + j] ?? 0) + (whole[piece * width + j] ?? 0) / pieces.length;
  }
  return rows;
}

const grown = {
  ...config,
  layers,
  vocabSize: tokenizer.vocabSize,
  contextLength: Number(values.positions),
};
saveCheckpoint(to, grown, { device, read }, { tokenizerFiles: (folder) => tokenizer.save(folder) });
process.stdout.write(`${to}: ${tokenizer.vocabSize} tokens, ${layers} layers\n`);
