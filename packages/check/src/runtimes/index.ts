/** Runtimes that models are taken to, in the order of the table. */
import type { Runtime } from '../runtime.ts';
import { llamaLibrary } from './llama-library.ts';
import { llamaServer } from './llama-server.ts';
import { nodeLlamaCpp } from './node-llama-cpp.ts';
import { ollama } from './ollama.ts';
import { transformers } from './transformers.ts';
import { wllama } from './wllama.ts';

export const RUNTIMES: readonly Runtime[] = [
  llamaLibrary,
  llamaServer,
  nodeLlamaCpp,
  transformers,
  wllama,
  ollama,
];
