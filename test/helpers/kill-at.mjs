// Loaded into a process with --import: ends it with SIGKILL at its KILL_AT-th change of the disk, in the middle of a
// write where it is one. What a kill leaves behind depends on nothing but what was on disk at that moment.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const killAt = Number(process.env.KILL_AT);
let changes = 0;

function die() {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

const { writeSync } = fs;
for (const name of [
  'renameSync',
  'mkdirSync',
  'rmSync',
  'fsyncSync',
  'writeFileSync',
  'appendFileSync',
  'writeSync',
]) {
  const original = fs[name];
  fs[name] = (...args) => {
    // Files of tsx's cache are none of the run's business.
    const own = typeof args[0] === 'number' || String(args[0]).includes('tinystar-run-');
    changes += own ? 1 : 0;
    if (own && changes === killAt) {
      if (name === 'writeSync')
        writeSync(args[0], args[1], args[2] ?? 0, Math.floor((args[1].length - (args[2] ?? 0)) / 2));
      if (name === 'appendFileSync') original(args[0], args[1].slice(0, args[1].length / 2));
      die();
    }
    return original(...args);
  };
}
syncBuiltinESMExports();
process.on('exit', () => writeSync(2, `${changes} changes\n`));
