/**
 * llama.cpp's /completion and /tokenize, served by this project's own engine in a process of its own:
 * `node --import tsx test/helpers/llama-server.ts CHECKPOINT` prints its address and serves until it is killed.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { Scorer } from '../../src/model/tree/scoring.ts';

const folder = process.argv[2] ?? '';
const device = Device.open('cpu', 1);
const { config, parameters } = loadModel(device, folder, { trainable: false });
const tokenizer = Tokenizer.load(folder);
const generator = new Generator(device, config, parameters);
const scorer = new Scorer(device, config, parameters);

interface Completion {
  readonly prompt: number[];
  readonly n_predict: number;
  readonly n_probs: number;
  readonly temperature: number;
  readonly top_p: number;
  readonly top_k: number;
  readonly seed: number;
}

async function complete(body: Completion): Promise<object> {
  const prompt = asTokenIds(body.prompt);
  const [[sample] = []] = await generator.generate([prompt], {
    temperature: body.temperature,
    top_p: body.top_p,
    top_k: body.top_k === 0 ? -1 : body.top_k,
    generate_max_len: body.n_predict,
    stopIds: [tokenizer.eosId],
    seed: body.seed,
  });
  if (sample === undefined) throw new Error('no sample');
  const { tokens, finish } = sample;
  const [[scored] = []] = await scorer.score([{ prompt, completions: [tokens] }], { topK: body.n_probs });
  if (scored === undefined) throw new Error('no scores');
  const entry = (id: number, logprob: number) => ({ id, token: tokenizer.tokenText(id), bytes: [], logprob });
  return {
    content: tokenizer.decode(tokens),
    tokens: Array.from(tokens),
    stop_type: finish === 'length' ? 'limit' : 'eos',
    completion_probabilities: Array.from(tokens, (token, row) => ({
      ...entry(token, scored.logprobs[row] ?? 0),
      top_logprobs: Array.from({ length: body.n_probs }, (_, i) => {
        const at = row * body.n_probs + i;
        return entry(scored.topIds[at] ?? 0, scored.topLogprobs[at] ?? 0);
      }),
    })),
  };
}

/** The engine works on one request at a time. */
let last: Promise<unknown> = Promise.resolve();

const server = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk) => (text += String(chunk)));
  request.on('end', () => {
    const body = JSON.parse(text) as Completion & { content: string };
    const answer = last.then(() =>
      request.url === '/tokenize' ? { tokens: Array.from(tokenizer.encode(body.content)) } : complete(body),
    );
    last = answer.catch(() => undefined);
    void answer.then(
      (reply) => response.end(JSON.stringify(reply)),
      (thrown) => response.writeHead(500).end(String(thrown)),
    );
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
