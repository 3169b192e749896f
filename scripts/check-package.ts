/** Packs the package as npm would publish it, and has publint and attw ("are the types wrong?") look at the file. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-pack-'));

/** Runs a command in the shell, which finds npm's commands on Windows as well, and returns what it printed. */
function run(command: string): string {
  const { status, stdout } = spawnSync(command, {
    shell: true,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${command}\n${stdout}`);
  return stdout;
}

try {
  const file = join(folder, run(`npm pack --silent --pack-destination "${folder}"`).trim());
  run(`npx --no-install publint --strict "${file}"`);
  // ES modules only: what CommonJS would get is not looked at.
  run(`npx --no-install attw "${file}" --profile esm-only`);
  console.log('package: publint and attw have no objections');
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
