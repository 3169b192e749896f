#!/usr/bin/env node
// The command. In a checkout it runs the sources, so that it is never older than they are and nothing has to be built
// at install; a published package has no sources, and runs what was built when it was packed.
import { existsSync } from 'node:fs';

const sources = new URL('../packages/cli/src/main.ts', import.meta.url);
if (existsSync(sources)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import(sources.href);
} else {
  await import(new URL('../dist/packages/cli/src/main.js', import.meta.url).href);
}
