import { Device } from '../src/ggml/device.ts';
import { LlamaModel } from '../src/ggml/llama.ts';
import { loadModel } from '../src/model/checkpoint/checkpoint.ts';
import { Generator } from '../src/model/generate/generation.ts';
import { asTokenIds } from '../src/base/token-ids.ts';
import { readFileSync } from 'node:fs';
const path = process.argv[2]!;
const bos = process.argv[3] === undefined ? [] : [Number(process.argv[3])];
const device = Device.open('cpu', 2);
const t0 = Date.now();
const { config, parameters } = loadModel(device, path, { trainable: false });
console.log(config, Date.now() - t0, 'ms');
const gen = new Generator(device, config, parameters);
const llama = LlamaModel.load(path, { threads: 2 });
const rows = readFileSync('/work/shared/data/xlam-1024.jsonl', 'utf8').split('\n').slice(0, 50).map((l) => JSON.parse(l));
const texts = rows.map((r: any) => r.query ?? JSON.stringify(r).slice(0, 200));
const prompts = texts.map((t: string) => asTokenIds(Int32Array.from([...bos, ...llama.tokenize(t)])));
const t1 = Date.now();
const ours = await gen.generate(prompts, { temperature: 0, generate_max_len: 24, stopIds: [] });
console.log('ours', Date.now() - t1);
let same = 0;
for (const [i, p] of prompts.entries()) {
  const theirs = [...(await llama.continueGreedily(p, 24))];
  const own = [...ours[i]![0]!.tokens];
  const at = theirs.findIndex((t, j) => t !== own[j]);
  if (at < 0) same++;
  else {
    const l = await llama.logitsAfter(asTokenIds(Int32Array.from([...p, ...theirs.slice(0, at)])));
    console.log(i, 'at', at, 'margin', l[theirs[at]!]! - l[own[at]!]!, JSON.stringify(llama.detokenize(asTokenIds(own))));
  }
}
console.log('same', same, 'of', prompts.length, Date.now() - t1);
