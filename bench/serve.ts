/**
 * `npx tsx bench/serve.ts`: requests of many clients that share tools, over HTTP: requests and tokens a second, waiting times, and
 * answers that are not those to the same request alone. Beside it llama.cpp's server with the same file and slots, where there is one.
 *
 *     npx tsx bench/serve.ts [--model FILE] [--clients 64] [--seconds 20] [--slots 32] [--threads 2] [--llama-server COMMAND]
 *
 * COMMAND, or LLAMA_SERVER, takes llama-server's flags. Without --model it is the student of bases/, exported in f16.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCli } from '../test/helpers/cli.ts';

const REQUESTS = [
  'turn off the lamp in the hall',
  'make the bedroom lamp 15 percent',
  'it should be 17 degrees in the study at night',
  'open the blinds in the lounge',
  'please switch on the kitchen lamp',
  'set the heating in the bath to 23 degrees',
  'close the blinds of the bedroom halfway',
  'what can you do for me?',
  'lamp in the study off, and the lounge at 60 percent',
  'thank you, that is all',
];
const PLACES = ['kitchen', 'lounge', 'bedroom', 'bath', 'study', 'hall', 'balcony'];

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    clients: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '20' },
    slots: { type: 'string', default: '32' },
    threads: { type: 'string', default: '2' },
    'llama-server': { type: 'string', default: process.env['LLAMA_SERVER'] ?? '' },
  },
});
const [clients, seconds] = [Number(values.clients), Number(values.seconds)];
const functions = JSON.parse(readFileSync('examples/home/functions.json', 'utf8')) as object[];
const tools = functions.map((own) => ({ type: 'function', function: own }));
const requests = REQUESTS.flatMap((request) => PLACES.map((place) => `${request}, not in the ${place}`));

interface Completion {
  readonly choices: readonly {
    readonly message: {
      readonly content: string | null;
      readonly tool_calls?: readonly {
        readonly function: { readonly name: string; readonly arguments: string };
      }[];
    };
  }[];
  readonly usage: { readonly completion_tokens: number };
}

/** An answer as a text that is equal for equal answers, and its tokens. */
async function ask(
  url: string,
  request: string,
): Promise<{ readonly answer: string; readonly tokens: number }> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: request }],
      tools,
      temperature: 0,
      max_tokens: 96,
    }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const { choices, usage } = (await response.json()) as Completion;
  const { content, tool_calls: calls = [] } = choices[0]?.message ?? { content: '' };
  const made = calls.map(({ function: { name, arguments: given } }) => `${name} ${given}`);
  return { answer: [content ?? '', ...made].join('\n'), tokens: usage.completion_tokens };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

interface Result {
  readonly perSecond: number;
  readonly p50: number;
}

async function load(
  name: string,
  url: string,
  count: number,
  alone: ReadonlyMap<string, string>,
): Promise<Result> {
  const times: number[] = [];
  let [tokens, wrong, next] = [0, 0, 0];
  const start = performance.now();
  const client = async (): Promise<void> => {
    while (performance.now() - start < seconds * 1000) {
      const request = requests[next++ % requests.length] ?? '';
      const began = performance.now();
      const one = await ask(url, request);
      times.push(performance.now() - began);
      tokens += one.tokens;
      if (alone.has(request) && alone.get(request) !== one.answer) wrong += 1;
    }
  };
  await Promise.all(Array.from({ length: count }, client));
  const passed = (performance.now() - start) / 1000;
  const sorted = times.toSorted((a, b) => a - b);
  const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
  console.log(
    `${name}, ${count} clients: ${times.length} requests, ${(times.length / passed).toFixed(1)} requests/s, ` +
      `${(tokens / passed).toFixed(0)} tokens/s, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, ${wrong} other than alone`,
  );
  return { perSecond: times.length / passed, p50 };
}

/** Starts a server; gives its process once it answers. */
async function started(command: string, args: readonly string[], url: string): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    if (
      await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return child;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Processor seconds of a process so far, where the system tells them. */
function processorSeconds({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

/** Memory of a process now and at most, where the system tells them. */
function memoryText({ pid }: ChildProcess): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const megabytes = (key: string): string =>
      (Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024).toFixed(0);
    return `${megabytes('VmRSS')} MiB, at most ${megabytes('VmHWM')}`;
  } catch {
    return 'unknown';
  }
}

async function measured(
  name: string,
  command: string,
  args: readonly string[],
  url: string,
): Promise<Result[]> {
  const child = await started(command, args, url);
  try {
    const alone = new Map<string, string>();
    for (const request of requests) alone.set(request, (await ask(url, request)).answer);
    const results: Result[] = [];
    for (const count of [1, clients]) {
      const before = processorSeconds(child);
      const result = await load(name, url, count, alone);
      const used = processorSeconds(child) - before;
      console.log(
        `  ${((1000 * used) / (result.perSecond * seconds)).toFixed(1)} ms of processors a request; memory ${memoryText(child)}`,
      );
      results.push(result);
    }
    return results;
  } finally {
    child.kill('SIGTERM');
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-serve-'));
try {
  const gguf = values.model ?? join(scratch, 'student.gguf');
  if (values.model === undefined) {
    const { code, stderr } = await runCli(['export', 'bases/fit-student', '--gguf', gguf, '--check', '0']);
    if (code !== 0) throw new Error(stderr);
  }
  const own = [
    '--import',
    'tsx',
    'packages/cli/src/main.ts',
    'serve',
    gguf,
    '--port',
    '8391',
    '--rows',
    values.slots,
  ];
  const ours = await measured('tinystar', process.execPath, own, 'http://127.0.0.1:8391');
  const peer = values['llama-server'];
  if (peer === '') console.log("no llama.cpp's server: set LLAMA_SERVER or --llama-server");
  else {
    const context = String(Number(values.slots) * 1536);
    const args = ['-m', gguf, '--port', '8392', '-np', values.slots, '-c', context, '-t', values.threads];
    const [file = peer, ...before] = peer.split(' ');
    const theirs = await measured("llama.cpp's server", file, [...before, ...args], 'http://127.0.0.1:8392');
    const ratios = theirs.map(({ perSecond }, i) => ((ours[i]?.perSecond ?? 0) / perSecond).toFixed(2));
    console.log(`requests/s, times llama.cpp's: ${ratios[0]} at one client, ${ratios[1]} at ${clients}`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
