/** Every model family, under its model_type in config.json: a new one is one file beside this one and one line here. */
export { qwen3 } from './qwen3.ts';
