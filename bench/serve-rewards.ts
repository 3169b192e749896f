/**
 * `npx tsx bench/serve-rewards.ts [--seconds 10] [--workers 2] [--clients 16]`: answers that `tinystar serve-rewards` scores a second,
 * asked for in batches and one by one, as OpenRLHF asks. Clients and server share the machine.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import { goldenCases } from '../test/helpers/reward-cases.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    workers: { type: 'string', default: '2' },
    clients: { type: 'string', default: '16' },
  },
});
const [seconds, clients] = [Number(values.seconds), Number(values.clients)];
const program = fileURLToPath(new URL('../bin/tinystar.mjs', import.meta.url));
const flags = ['recipes/tiny-star.yaml', '--stage', 'star', '--port', '0', '--workers', values.workers];
const child = spawn(process.execPath, [program, 'serve-rewards', ...flags], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
let said = '';
child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
let address: string | undefined;
while (address === undefined) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  address = /at (http:[^\s,]+)/.exec(said)?.[1];
}

const cases = goldenCases();
const agent = new Agent({ keepAlive: true, maxSockets: clients });
const bodyOf = (size: number, from: number): string => {
  const own = Array.from({ length: size }, (_, i) => cases[(from + i) % cases.length]!);
  return JSON.stringify({
    query: own.map(({ prompt, generation }) => prompt + generation),
    prompts: own.map(({ prompt }) => prompt),
    labels: own.map(({ label }) => label),
  });
};
async function ask(body: string): Promise<void> {
  const asked = request(address!, {
    method: 'POST',
    agent,
    headers: { 'content-length': Buffer.byteLength(body) },
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  response.resume();
  await once(response, 'end');
}
for (const size of [64, 8, 1]) {
  const bodies = Array.from({ length: 200 }, (_, i) => bodyOf(size, i * size));
  let scored = 0;
  const rates: number[] = [];
  for (let round = 0; round < 5; round++) {
    const [start, before] = [performance.now(), scored];
    const client = async (at: number): Promise<void> => {
      for (let i = at; performance.now() - start < (seconds * 1000) / 5; i++) {
        await ask(bodies[i % bodies.length]!);
        scored += size;
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, i) => client(i * 7)));
    rates.push(((scored - before) * 1000) / (performance.now() - start));
  }
  const [least, , middle, , most] = rates.toSorted((a, b) => a - b).map((rate) => rate.toFixed(0));
  console.log(
    `batches of ${size}: ${middle} answers/s (${least} to ${most}), ${clients} clients, ${values.workers} processes`,
  );
}
child.kill('SIGINT');
