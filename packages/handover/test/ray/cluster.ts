/**
 * A Ray head on this machine, with a Python that has the engine's packages. TINYSTAR_RAY_VENV is the folder of a virtual
 * environment; where there is none yet, it is made, and filled with what requirements.txt of this folder says (6 GB).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ray } from '../../src/ray.ts';

const given = process.env['TINYSTAR_RAY_VENV'];
const VENV = given === undefined ? undefined : resolve(given);
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
const bin = (name: string): string => join(VENV ?? '', 'bin', name);

const hasPython = spawnSync('python3', ['--version']).status === 0;

/** Reason why nothing can be tested; undefined where it can. */
export const missing: string | undefined =
  VENV === undefined
    ? 'TINYSTAR_RAY_VENV names no folder of a virtual environment, which is made there if it is not'
    : hasPython || existsSync(bin('python'))
      ? undefined
      : 'there is no python3';

function did(command: string, ...args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${error?.message ?? status})`);
}

/** Makes the virtual environment, unless it is there. */
export function prepareVenv(): void {
  if (VENV === undefined || existsSync(bin('ray'))) return;
  did('python3', '-m', 'venv', VENV);
  did(bin('pip'), 'install', '--quiet', '--requirement', REQUIREMENTS);
}

/** Ports of this machine that are free now, outside those that Ray's workers take. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

export interface Cluster {
  readonly url: string;
  readonly end: () => void;
}

/** Starts a head and waits for it. */
export async function startRay(): Promise<Cluster> {
  // Ray's sockets lie in it, and their paths may have 107 characters.
  const temporary = mkdtempSync(join(tmpdir(), 'ray-'));
  const [dashboard = 0, port = 0, agent = 0, client = 0] = await freePorts(4);
  const args = [
    'start',
    '--head',
    '--block',
    '--num-cpus=1',
    '--node-ip-address=127.0.0.1',
    '--disable-usage-stats',
    '--dashboard-host=127.0.0.1',
    `--dashboard-port=${dashboard}`,
    `--port=${port}`,
    `--dashboard-agent-listen-port=${agent}`,
    `--ray-client-server-port=${client}`,
    '--object-store-memory=200000000',
    `--temp-dir=${temporary}`,
  ];
  const env = { ...process.env, PATH: `${bin('')}${delimiter}${process.env['PATH'] ?? ''}` };
  // In a group of its own, with the daemons that it starts.
  const head: ChildProcess = spawn(bin('ray'), args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  for (const stream of [head.stdout, head.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  head.on(
    'exit',
    (code) => code !== null && console.warn(`The Ray head ended with ${code}:\n${said.slice(-3000)}`),
  );
  const end = (): void => {
    if (head.pid !== undefined && head.exitCode === null) process.kill(-head.pid, 'SIGTERM');
    rmSync(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  };
  const url = `http://127.0.0.1:${dashboard}`;
  for (let tries = 0; tries < 240; tries++) {
    if (head.exitCode !== null) break;
    try {
      await new Ray(url).version();
      return { url, end };
    } catch {
      await new Promise((tick) => setTimeout(tick, 500));
    }
  }
  end();
  throw new Error('the Ray head does not start');
}
