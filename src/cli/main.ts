#!/usr/bin/env node
/** Entry of the command `tinystar`: the real streams, signals and engine behind the commands. */
import { onLongRead } from '../base/identity.ts';
import { runApp } from './app.ts';
import type { Services } from './context.ts';
import { loadRunner } from './runner.ts';

const services: Services = {
  runRecipe: async (recipe, options) => (await loadRunner()).runRecipe(recipe, options),
  onInterrupt(listener) {
    const signals = ['SIGINT', 'SIGTERM'] as const;
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
  kill(exitCode) {
    process.exit(exitCode);
  },
  now: () => performance.now(),
};

// `tinystar data inspect | head` closes the pipe early: nothing is wrong then.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { stdout, stderr, env } = process;
onLongRead((path, bytes) => {
  stderr.write(`note: ${path} is read to be known again (${(bytes / 1e9).toFixed(1)} GB)\n`);
});
process.exitCode = await runApp(process.argv.slice(2), { process: { stdout, stderr, env }, services });
