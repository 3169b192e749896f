/**
 * `npx tsx bench/sizes.ts TASK PROJECT REQUESTS.jsonl STUDENT ...`: students of one project beside each other: right answers by
 * tinystar's engine, as they are and as Q8_0 and Q4_K_M files, the sizes of those, and what a call takes from a Q8_0 file through
 * llama.cpp's engine on one thread, nothing kept between requests. Students are folders of checkpoints or GGUF files. What is
 * measured is added to docs/sizes.jsonl under the task's name.
 */
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerTimes } from '../packages/fit/src/acceptance/latency.ts';
import { measure } from '../packages/fit/src/acceptance/measure.ts';
import { verbatimOf } from '../packages/fit/src/acceptance/verbatim.ts';
import { readExamples } from '../packages/fit/src/examples.ts';
import { lengthsOf } from '../packages/fit/src/fit/bases.ts';
import { casesOf } from '../packages/fit/src/fit/dialogues.ts';
import { openProject } from '../packages/fit/src/project.ts';
import { formatBytes, formatCount, formatPercent, intervalText } from '../packages/report/src/numbers.ts';
import { table } from '../packages/report/src/table.ts';
import { ggufTokenizer } from '../src/chat/gguf-tokenizer.ts';
import { ChatTemplate } from '../src/chat/template.ts';
import { Tokenizer } from '../src/chat/tokenizer.ts';
import { Device } from '../src/ggml/device.ts';
import { checkpointAt } from '../src/model/checkpoint/checkpoint-path.ts';
import { loadModel } from '../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../src/model/checkpoint/gguf.ts';
import { Gguf } from '../src/sampling/gguf.ts';

const TIMED = 40;

const [task = '', folder = '', requests = '', ...students] = process.argv.slice(2);
const { functions, examples } = openProject(folder);
const cases = casesOf(readExamples(requests, functions));
const verbatim = verbatimOf(functions, casesOf(examples));
const scratch = mkdtempSync(join(tmpdir(), 'tinystar-sizes-'));
const { signal } = new AbortController();
const now = (): number => performance.now();

/** Right answers of a model to all of the requests. */
async function rightOf(model: string, generate_max_len: number): Promise<number> {
  const file = join(scratch, 'answers.jsonl');
  const shared = { stage: model, verbatim, cases, generate_max_len, device: 'cpu', signal, now };
  const answers = measure({ ...shared, model, file, tools: functions });
  for (;;) {
    const { done, value } = await answers.next();
    if (done === true) return value.filter(({ correct }) => correct).length;
  }
}

const share = (right: number): string => `${right} (${formatPercent(right / cases.length)})`;

const rows = [];
for (const student of students) {
  const source = checkpointAt(student);
  const { answer } = lengthsOf({ spoken: source, distils: false }, functions, cases);
  const right = await rightOf(source, answer);
  const files: { bytes: number; right: number }[] = [];
  let weights = 0;
  for (const dtype of ['q8_0', 'q4_k_m'] as const) {
    const file = join(scratch, `${dtype}.gguf`);
    {
      using device = Device.open('cpu');
      const { config, parameters } = loadModel(device, source, { trainable: false });
      using held = parameters;
      weights = held.count;
      exportGguf(file, config, held, ggufTokenizer(source), { dtype, name: 'tinystar student' });
    }
    files.push({ bytes: statSync(file).size, right: await rightOf(file, answer) });
  }
  using served = new Gguf(join(scratch, 'q8_0.gguf'), 1);
  const times = await answerTimes(served, functions, cases, { count: TIMED, generate_max_len: answer, now });
  const at = (part: number): number => times[Math.floor(part * (times.length - 1))] ?? 0;
  const name = student.split('/').slice(-3).join('/');
  const shows = ChatTemplate.of(Tokenizer.load(source)).promptTools;
  const [q8, q4] = files;
  const line = { task, name, shows, weights, right, total: cases.length, q8, q4, ms: at(0.5) };
  appendFileSync('docs/sizes.jsonl', `${JSON.stringify(line)}\n`);
  rows.push([
    name,
    shows,
    formatCount(weights),
    `${share(right)}, ${intervalText({ correct: right, total: cases.length })}`,
    ...files.flatMap(({ bytes, right: left }) => [formatBytes(bytes), share(left)]),
    `${at(0.5).toFixed(1)} (${at(0.1).toFixed(1)} to ${at(0.9).toFixed(1)})`,
  ]);
}
rmSync(scratch, { recursive: true });
console.log(
  `${cpus()[0]?.model ?? ''}, ${task}: ${functions.length} functions, ${cases.length} requests of ${requests}`,
);
const head = [
  'student',
  'shows',
  'weights',
  'right',
  'Q8_0',
  'right',
  'Q4_K_M',
  'right',
  'ms a call (Q8_0, one thread)',
];
console.log(table([head, ...rows]));
