/**
 * `npx tsx bench/prompt-tools.ts FUNCTIONS.json CASES.jsonl STUDENT.gguf ...`: what students that are shown more or less of the
 * functions take until the first token of an answer, and for the whole answer, through llama.cpp's engine on one thread with
 * nothing kept between requests. Students take turns; medians and spread over the requests.
 */
import { cpus } from 'node:os';
import { table } from '../packages/report/src/table.ts';
import { readExamples } from '../packages/fit/src/examples.ts';
import { readFunctions } from '../src/index.ts';
import { Tokenizer } from '../src/chat/tokenizer.ts';
import { Gguf } from '../src/sampling/gguf.ts';

const REQUESTS = 40;
const LONGEST = 128;

const [functionsFile = '', casesFile = '', ...files] = process.argv.slice(2);
const { functions } = await readFunctions(functionsFile);
const requests = readExamples(casesFile, functions)
  .slice(0, REQUESTS)
  .map(({ request }) => request);
const students = files.map((file) => {
  const model = new Gguf(file, 1);
  return {
    name: file.split('/').slice(-2).join('/'),
    model,
    tokenizer: Tokenizer.load(file),
    first: [] as number[],
    whole: [] as number[],
    tokens: 0,
  };
});

async function timed(model: Gguf, text: string, generate_max_len: number): Promise<number> {
  const began = performance.now();
  for await (const _ of model.sample([{ text }], { temperature: 0, generate_max_len })) {
    // Only its time counts.
  }
  return performance.now() - began;
}

for (const content of requests)
  for (const one of students) {
    const text = one.model.template
      .fixed('off')
      .prompt({ messages: [{ role: 'user', content }], tools: functions });
    one.tokens += one.tokenizer.encode(text).length / requests.length;
    one.first.push(await timed(one.model, text, 1));
    one.whole.push(await timed(one.model, text, LONGEST));
  }

function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${at(0.5)} (${at(0.1)} to ${at(0.9)})`;
}

console.log(
  `${cpus()[0]?.model ?? ''}, one thread, ${functions.length} functions, ${requests.length} requests; ms, 10% to 90%`,
);
console.log(
  table([
    ['student', 'shows', 'prompt tokens', 'first token', 'whole answer'],
    ...students.map(({ name, model, tokens, first, whole }) => [
      name,
      model.template.promptTools,
      tokens.toFixed(0),
      spread(first),
      spread(whole),
    ]),
  ]),
);
