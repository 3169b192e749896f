/** libllama's parameter structs: read as declared, and a stale declaration is noticed. */
import { describe, expect, it } from 'vitest';
import { openLlama } from '../../src/ggml/llama-binding.ts';
import { CONTEXT_PARAMS, layoutDifference, MODEL_PARAMS } from '../../src/ggml/llama-params.ts';

/** Values as a struct of these fields would have them. */
const valuesOf = (fields: typeof MODEL_PARAMS): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, [, value]]) => [name, value]));

describe("libllama's parameters", () => {
  it('have the defaults of the pinned source', () => {
    const { modelDefaults, contextDefaults } = openLlama();
    expect(modelDefaults).toMatchObject(valuesOf(MODEL_PARAMS));
    expect(contextDefaults).toMatchObject(valuesOf(CONTEXT_PARAMS));
  });

  it('are refused by the first field that differs', () => {
    expect(layoutDifference(valuesOf(MODEL_PARAMS), MODEL_PARAMS)).toBeUndefined();
    const shifted = { ...valuesOf(MODEL_PARAMS), check_tensors: true, use_extra_bufts: false };
    expect(layoutDifference(shifted, MODEL_PARAMS)).toBe('check_tensors is true, not false');
    expect(layoutDifference({}, CONTEXT_PARAMS)).toBe('n_ctx is undefined, not 512');
  });
});
