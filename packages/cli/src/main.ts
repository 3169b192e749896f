#!/usr/bin/env node
/** Entry of the command `tinystar`: the real streams, signals and engine behind the commands. */
import { constants } from 'node:os';
import { onLongRead } from '../../../src/base/identity.ts';
import { fileError } from '../../../src/base/system-errors.ts';
import { faultText, runApp } from './app.ts';
import { Channel } from './terminal.ts';
import { type Services, UNREAD_EXIT } from './context.ts';

const args = process.argv.slice(2);
/** Tells whether the command goes on when nobody reads what it prints. */
let goesOn = false;
/** Fault that kept standard output from being written. */
let failed = false;

const services: Services = {
  async *runRecipe(...given) {
    const { runRecipe } = await import('../../../src/run/runner.ts');
    return yield* runRecipe(...given);
  },
  onInterrupt(listener) {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const heard = (signal: NodeJS.Signals): void => listener(128 + constants.signals[signal]);
    for (const signal of signals) process.on(signal, heard);
    return () => {
      for (const signal of signals) process.off(signal, heard);
    };
  },
  goOnUnread() {
    goesOn = true;
  },
  kill(exitCode) {
    process.exit(exitCode);
  },
  now: () => performance.now(),
};

const stderr = new Channel(process.stderr, () => undefined);
const stdout = new Channel(process.stdout, (fault) => {
  if (fault === undefined) {
    if (!goesOn) process.exit(UNREAD_EXIT);
    return;
  }
  stderr.write(`${fileError('write', '-', fault).message}\n`);
  if (!goesOn) process.exit(1);
  failed = true;
});

onLongRead((path, bytes) => {
  stderr.write(`note: ${path} is read to be known again (${(bytes / 1e9).toFixed(1)} GB)\n`);
});

process.on('uncaughtException', (thrown) => {
  stderr.write(`${faultText(thrown, args.includes('--debug'))}\n`);
  process.exit(1);
});

process.exitCode = await runApp(args, { process: { stdout, stderr, env: process.env }, services });
process.once('beforeExit', () => {
  if (failed && process.exitCode === 0) process.exitCode = 1;
});
