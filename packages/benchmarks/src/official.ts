/** How the official programs ask. */

/** BFCL v3, of Qwen3; a model with less room answers in what is left. */
export const BFCL_OFFICIAL = { temperature: 0.001, maxTokens: 4096 } as const;

export const ACEBENCH_OFFICIAL = { temperature: 0, maxTokens: 1024, topP: 0.9 } as const;
