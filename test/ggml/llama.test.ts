/** libllama's parameter structs: read as declared, and a stale declaration is noticed. */
import { describe, expect, it } from 'vitest';
import { openLlama } from '../../src/ggml/llama-binding.ts';
import { CONTEXT_DEFAULTS, layoutDifference, MODEL_DEFAULTS } from '../../src/ggml/llama-params.ts';

describe("libllama's parameters", () => {
  it('have the defaults of the pinned source', () => {
    const { modelDefaults, contextDefaults } = openLlama();
    expect(modelDefaults).toMatchObject(MODEL_DEFAULTS);
    expect(contextDefaults).toMatchObject(CONTEXT_DEFAULTS);
  });

  it('are refused by the first field that differs', () => {
    expect(layoutDifference(MODEL_DEFAULTS, MODEL_DEFAULTS)).toBeUndefined();
    const shifted = { ...MODEL_DEFAULTS, check_tensors: true, use_extra_bufts: false };
    expect(layoutDifference(shifted, MODEL_DEFAULTS)).toBe('check_tensors is true, not false');
    expect(layoutDifference({}, CONTEXT_DEFAULTS)).toBe('n_ctx is undefined, not 512');
  });
});
