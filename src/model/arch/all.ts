/** Every model family, under its model_type in config.json: a new one is one file beside this one and one line here. */
export { gemma3_text } from './gemma3.ts';
export { granite, granitemoehybrid } from './granite.ts';
export { lfm2 } from './lfm2.ts';
export { llama } from './llama.ts';
export { qwen2 } from './qwen2.ts';
export { qwen3 } from './qwen3.ts';
