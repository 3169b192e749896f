/**
 * `npx tsx bench/endpoints.ts [--endpoints 64] [--seconds 40]`: how many vLLM endpoints one process of `tinystar run` keeps busy in a
 * rollout stage. The endpoints are scripted (bench/endpoints/server.ts): they answer with top-100 log-probabilities of real size when
 * an engine of the stated speed would, and fail now and then; the stage is the real one, from the recipe to the store on disk.
 *
 *     [--decode 4000] [--prefill 16000]   tokens a second of one endpoint, generated and read
 *     [--slots 8] [--concurrency 8]       requests at a time, that it serves and that it is sent
 *     [--length 120] [--k 100]            mean tokens of a thought; log-probabilities a token
 *     [--servers 1] [--calm]              processes that play endpoints; without any fault
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findRollouts, readRollouts } from '../src/train/rollout-store.ts';
import { Tokenizer } from '../src/chat/tokenizer.ts';
import type { Account, Script } from './endpoints/server.ts';

const VOCABULARY = 151_936;
const SAMPLES = 8;
/** Tokens of a prompt, and of an answer without its thought, as in the server. */
const PROMPT = 650;
const ENVELOPE = 40;

const { values } = parseArgs({
  options: {
    endpoints: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '40' },
    decode: { type: 'string', default: '4000' },
    prefill: { type: 'string', default: '16000' },
    slots: { type: 'string', default: '8' },
    concurrency: { type: 'string', default: '8' },
    length: { type: 'string', default: '120' },
    k: { type: 'string', default: '100' },
    servers: { type: 'string', default: '1' },
    calm: { type: 'boolean', default: false },
  },
});
const number = (name: Exclude<keyof typeof values, 'calm'>): number => Number(values[name]);
const [endpoints, slots, seconds] = [number('endpoints'), number('slots'), number('seconds')];

/** The student of bases/ with Qwen3's number of ids, which a byte of an id and digits of JSON go by. */
function modelIn(folder: string): string {
  cpSync('bases/student', folder, { recursive: true });
  const path = join(folder, 'tokenizer.json');
  const tokenizer = JSON.parse(readFileSync(path, 'utf8')) as {
    model: { vocab: Record<string, number> };
    added_tokens: { id: number; content: string }[];
  };
  const { vocab } = tokenizer.model;
  const first = Object.keys(vocab).length + tokenizer.added_tokens.length;
  for (let id = first; id < VOCABULARY; id++) vocab[`unused ${id}`] = id;
  writeFileSync(path, JSON.stringify(tokenizer));
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, vocab_size: VOCABULARY }));
  return folder;
}

function dataIn(folder: string, count: number): string {
  const functions = JSON.parse(readFileSync('examples/home/functions.json', 'utf8')) as object[];
  const answer =
    '<tool_call>\n{"name": "switch_lamp", "arguments": {"place": "hall", "on": true}}\n</tool_call>';
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `request ${i}: turn the lamp in the hall on, please` },
        { role: 'assistant', content: answer },
      ],
      tools: functions,
    }),
  );
  const path = join(folder, 'train.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

interface Servers extends Disposable {
  readonly urls: readonly string[];
  accounts(): Promise<Account[]>;
}

async function heard<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T];
  return message;
}

async function serversOf(script: Script, count: number): Promise<Servers> {
  const program = fileURLToPath(new URL('endpoints/server.ts', import.meta.url));
  const children = Array.from({ length: count }, (_, i) =>
    fork(program, [JSON.stringify({ ...script, endpoints: endpoints / count, seed: i + 1 })], {
      execArgv: ['--import', 'tsx'],
    }),
  );
  const urls = (await Promise.all(children.map((child) => heard<string[]>(child)))).flat();
  return {
    urls,
    async accounts() {
      const asked = children.map((child) => {
        const answer = heard<Account[]>(child);
        child.send('account');
        return answer;
      });
      return (await Promise.all(asked)).flat();
    },
    [Symbol.dispose]: () => children.forEach((child) => child.disconnect()),
  };
}

/** Processor seconds of a process so far, and its memory at most, where the system tells them. */
function usageOf({ pid }: ChildProcess): { readonly cpu: number; readonly peak: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    const [, peak] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    // A process that has just ended has none.
    if (peak === undefined) return undefined;
    return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, peak: Number(peak) / 1024 };
  } catch {
    return undefined;
  }
}

/** Slot-milliseconds between two moments. */
function busyTime({ busy }: Account, from: number, to: number): number {
  let sum = 0;
  busy.forEach(([at, count], i) => {
    const until = busy[i + 1]?.[0] ?? to;
    sum += count * Math.max(0, Math.min(until, to) - Math.max(at, from));
  });
  return sum;
}

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-endpoints-'));
try {
  const model = modelIn(join(scratch, 'model'));
  const calm = values.calm;
  const script: Script = {
    model,
    endpoints,
    slots,
    decode: number('decode'),
    prefill: number('prefill'),
    length: number('length'),
    seed: 1,
    refused: calm ? 0 : 0.01,
    cut: calm ? 0 : 0.003,
    silent: calm ? 0 : 0.001,
    slow: calm ? 1 : 2,
    deadAt: 0.3 * seconds,
    deadFor: calm ? 0 : 0.2 * seconds,
  };
  using servers = await serversOf(script, number('servers'));
  const perPrompt = PROMPT / script.prefill + (SAMPLES * (number('length') + ENVELOPE)) / script.decode;
  const count = Math.ceil((endpoints * seconds) / perPrompt);
  // Silence is found out by it; what is slow must not run into it.
  const timeout = Math.min(300, Math.ceil(5 + 3 * slots * perPrompt));
  const train = dataIn(scratch, count);
  const recipe = {
    name: 'endpoints',
    models: { student: model },
    data: { source: 'file', train, test: train },
    stages: [
      {
        name: 'rollouts',
        kind: 'rollout',
        model: 'student',
        teacher: { kind: 'vllm', endpoints: servers.urls, concurrency: number('concurrency'), timeout },
        n_samples_per_prompt: SAMPLES,
        kd_topk: number('k'),
        generate_max_len: 2048,
      },
    ],
  };
  const file = join(scratch, 'endpoints.yaml');
  writeFileSync(file, JSON.stringify(recipe));

  const began = Date.now();
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'packages/cli/src/main.ts', 'run', file, '--runs', scratch, '--json'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let [said, warned] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (warned += chunk.toString()));
  let [before, last] = [usageOf(child), usageOf(child)];
  const timer = setInterval(() => {
    last = usageOf(child) ?? last;
  }, 100);
  /** Waits for the first prompt to be asked. */
  const started = async (): Promise<void> => {
    while (child.exitCode === null && (await servers.accounts()).every(({ requests }) => requests === 0)) {
      before = usageOf(child) ?? before;
      await wait(200);
    }
  };
  const starts = started();
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearInterval(timer);
  await starts;
  if (code !== 0) throw new Error(`the run ended with ${code}: ${said.slice(-3000)}${warned.slice(-3000)}`);

  const accounts = await servers.accounts();
  const changes = accounts.flatMap(({ busy }) => busy.map(([at]) => at));
  const [first, end] = [Math.min(...changes), Math.max(...changes)];
  const sum = (of: (account: Account) => number): number => accounts.reduce((so, one) => so + of(one), 0);
  const asked = accounts
    .flatMap(({ busy }) => busy.filter(([, now], i) => now > (busy[i - 1]?.[1] ?? 0)).map(([at]) => at))
    .toSorted((a, b) => a - b);
  // Behind this moment there may be fewer prompts left than slots, which are free by right.
  const steady = asked[Math.max(1, count - accounts.length * slots)] ?? end;
  const share = (from: number, to: number): string =>
    ((100 * sum((one) => busyTime(one, from, to))) / (accounts.length * slots * (to - from))).toFixed(1);
  const passed = (end - first) / 1000;
  const faults = `${sum((one) => one.answered)} answered, ${sum(({ refused }) => refused)} refused, ${sum(({ cut }) => cut)} cut, ${sum(({ silent }) => silent)} silent, ${sum(({ hungUp }) => hungUp)} lost by the endpoint that died`;
  const cpu = (last?.cpu ?? Number.NaN) - (before?.cpu ?? Number.NaN);
  const answered = sum((one) => one.tokens);
  console.log(
    `${accounts.length} endpoints of ${slots} slots, ${script.decode} tokens/s each, k = ${number('k')}; ${count} prompts x ${SAMPLES}`,
  );
  console.log(
    `  checked in ${((first - began) / 1000).toFixed(1)} s (start of the program included), drawn in ${passed.toFixed(1)} s`,
  );
  console.log(
    `  busy slots: ${share(first, steady)}% while there are more prompts than slots, ${share(first, end)}% to the end`,
  );
  console.log(
    `  ${(count / passed).toFixed(1)} prompts/s, ${(answered / passed).toFixed(0)} tokens/s, ${(sum(({ bytes }) => bytes) / passed / 1e6).toFixed(0)} MB/s of JSON (${(sum(({ bytes }) => bytes) / answered).toFixed(0)} bytes a token)`,
  );
  console.log(
    `  the program: ${cpu.toFixed(1)} s of processors (${((100 * cpu) / passed).toFixed(0)}% of one), ${((1e6 * cpu) / answered).toFixed(0)} us a token; memory at most ${last?.peak.toFixed(0)} MiB`,
  );
  // Faults as the program tells of them, by kind.
  const told = new Map<string, number>();
  for (const [text] of said.matchAll(/http:[^"]+(?: answers? | does not answer | is given up)[^";]*/g)) {
    const kind = text.replaceAll(/http:\S+ |\d+/g, '');
    told.set(kind, (told.get(kind) ?? 0) + 1);
  }
  for (const [kind, times] of told) console.log(`  told ${times} times: ${kind}`);
  console.log(
    `  ${sum((one) => one.requests)} requests, ${sum((one) => one.requests) - count} of them again; ${faults}`,
  );

  const folder = findRollouts(join(scratch, 'endpoints'));
  const reader = Tokenizer.load(model);
  const kept = readRollouts(folder, { vocabulary: reader.fingerprint(), vocabSize: VOCABULARY });
  const texts = new Set(
    kept.flatMap(({ samples }) => samples.map(({ text }) => /<think>\n(\d+)/.exec(text)?.[1])),
  );
  const samples = kept.reduce((so, prompt) => so + prompt.samples.length, 0);
  let rows = 0;
  for (const prompt of kept)
    for (const sample of prompt.samples) {
      const { tokens: own } = sample;
      const { ids } = sample.readTop();
      if (ids.length !== own.length * number('k')) throw new Error('a row is missing');
      if (own.some((id, i) => ids[i * number('k')] !== id)) throw new Error('a row stands at another token');
      rows += own.length;
    }
  const bytes = statSync(join(folder, 'distributions.topk')).size;
  console.log(
    `  stored: ${new Set(kept.map(({ id }) => id)).size} of ${count} prompts, ${samples} answers of ${count * SAMPLES}, ${texts.size} different, ${rows} rows, each at its token; ${(bytes / 1e6).toFixed(0)} MB, ${(bytes / rows).toFixed(0)} bytes a row`,
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
