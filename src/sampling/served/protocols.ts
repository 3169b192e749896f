/** The protocols by the names that recipes use. A new one is one file and one line here. */
import { llamaCpp } from './llama-cpp.ts';
import { openai } from './openai.ts';
import type { TeacherOptions } from './options.ts';
import type { Protocol } from './protocol.ts';
import { sglang } from './sglang.ts';
import { vllm } from './vllm.ts';

export const protocols: Readonly<Record<TeacherOptions['kind'], Protocol>> = {
  'llama.cpp': llamaCpp,
  vllm,
  sglang,
  openai,
};
