/**
 * Keys and values that outlive a graph, for generation over prompt trees: slots for prompts, and rows for their
 * samples. Graphs see prefixes of it, of slots and rows as well as of tokens, so one cache serves every layout that
 * fits. What a graph does not see or its mask hides may be left over from earlier prompts.
 */
import { InternalError } from '../../base/errors.ts';
import type { Device } from '../../ggml/device.ts';
import type { Pointer } from '../../ggml/signatures.ts';
import type { Graph } from '../../tensor/graph.ts';
import { repeat, reshape } from '../../tensor/ops/index.ts';
import { ParameterSet } from '../../tensor/parameters.ts';
import { BYTES, needIds, type Shape, type Tensor } from '../../tensor/tensor.ts';
import type { HeadShape, Lookback, ModelConfig } from '../arch/family.ts';
import { familyOf } from '../arch/index.ts';
import type { KeyValues } from '../tree/attention.ts';

export interface CacheSize {
  /** Slots for prompts. */
  readonly prompts: number;
  readonly promptTokens: number;
  /** Rows for samples: prompts x samples of each. */
  readonly rows: number;
  readonly completionTokens: number;
}

const PARTS = ['prompt', 'own'] as const;
/** Slots with prompts, or the rows with what samples have of their own. */
type Part = (typeof PARTS)[number];

/** Tokens of a slot or row, and the number of them. */
const blocksOf = (size: CacheSize, of: Part): { readonly length: number; readonly blocks: number } =>
  of === 'prompt'
    ? { length: size.promptTokens, blocks: size.prompts }
    : { length: size.completionTokens, blocks: size.rows };

type Shape4 = readonly [number, number, number, number];
const f32 = BYTES.f32;

/** A part of a tensor from element `start` on, with the given strides in elements, not copied. */
function view(
  g: Graph,
  base: Tensor,
  shape: Shape4,
  strides: readonly [number, number, number],
  start = 0,
): Tensor {
  const [one, two, three] = strides;
  return g.constant(
    g.ggml.ggml_view_4d(g.context, base.pointer, ...shape, f32 * one, f32 * two, f32 * three, f32 * start),
    shape,
  );
}

function setRows(g: Graph, into: Tensor, values: Tensor, rows: Tensor, shape: Shape): Pointer {
  needIds('setRows', rows, into.shape[1] ?? 1);
  const given = reshape(g, values, shape);
  return g.ggml.ggml_set_rows(g.context, into.pointer, given.pointer, rows.pointer);
}

/** Inputs of a graph that say into which slots prompts go, or into which rows the beginnings of samples do. */
export interface SlotInputs {
  readonly keyRows: Tensor; // i32 [kvHeads * prompts]
  readonly valueRows: Tensor; // i32 [headDim * kvHeads * prompts]
}

/** Use of `before` in the layers that mix tokens so, and not by attention: the same in all of them. */
export function lookbackOf(config: ModelConfig): Lookback | undefined {
  const family = familyOf(config);
  return Array.from({ length: config.layers }, (_, layer) => family.before?.(config, layer)).find(
    (lookback) => lookback !== undefined,
  );
}

/** Contents of a slot without padding, by the name of the tensor. */
export type PromptContents = ReadonlyMap<string, Float32Array>;

export class KeyValueCache implements Disposable {
  readonly size: CacheSize;
  readonly #shape: HeadShape;
  readonly #tensors: ParameterSet;

  constructor(device: Device, config: ModelConfig, size: CacheSize) {
    this.size = size;
    this.#shape = config;
    const { headDim, kvHeads } = config;
    const family = familyOf(config);
    const specs = Array.from({ length: config.layers }, (_, layer) => {
      const lookback = family.before?.(config, layer);
      return PARTS.flatMap((name) => {
        const { length, blocks } = blocksOf(size, name);
        return lookback === undefined
          ? [
              { name: `${layer}.${name}_keys`, shape: [headDim, length, kvHeads, blocks] },
              { name: `${layer}.${name}_values`, shape: [length, headDim, kvHeads, blocks] },
            ]
          : [{ name: `${layer}.${name}_last`, shape: [lookback.width, lookback.count, 1, blocks] }];
      });
    }).flat();
    this.#tensors = new ParameterSet(device, specs, 'state');
  }

  /** Tells whether everything of `size` has room. */
  fits(size: CacheSize): boolean {
    return (
      size.prompts <= this.size.prompts &&
      size.promptTokens <= this.size.promptTokens &&
      size.rows <= this.size.rows &&
      size.completionTokens <= this.size.completionTokens
    );
  }

  get bytes(): number {
    return this.#tensors.count * f32;
  }

  /** Forgets everything, so that not even hidden entries can be not-a-number. */
  clear(): void {
    this.#tensors.clear();
  }

  /** Contents of the first slot as far as its first `tokens` tokens: what `setPrompt` takes, of a cache of any size. */
  prompt(tokens: number): PromptContents {
    return new Map(
      this.#parts(tokens).map(({ name, width, stride, count }) => {
        const whole = new Float32Array(stride * count);
        this.#tensors.readPart(name, 0, whole);
        const own = new Float32Array(width * count);
        for (let i = 0; i < count; i++) own.set(whole.subarray(i * stride, i * stride + width), i * width);
        return [name, own];
      }),
    );
  }

  /** Fills the first slot with what another one held; throws an InternalError for the contents of another model. */
  setPrompt(tokens: number, contents: PromptContents): void {
    for (const { name, width, stride, count } of this.#parts(tokens)) {
      const own = contents.get(name);
      if (own?.length !== width * count) throw new InternalError(`${name} is of another model`);
      const whole = new Float32Array(stride * count);
      for (let i = 0; i < count; i++) whole.set(own.subarray(i * width, (i + 1) * width), i * stride);
      this.#tensors.setPart(name, 0, whole);
    }
  }

  /** Tensors of prompts, as `count` runs of `width` elements that count, each at the beginning of `stride` elements. */
  #parts(tokens: number): { name: string; width: number; stride: number; count: number }[] {
    return this.#tensors.specs
      .filter(({ name }) => name.includes('.prompt_'))
      .map(({ name, shape: [a = 1, b = 1, c = 1] }) => {
        if (name.endsWith('_keys')) return { name, width: a * tokens, stride: a * b, count: c };
        if (name.endsWith('_values')) return { name, width: tokens, stride: a, count: b * c };
        return { name, width: a * b * c, stride: a * b * c, count: 1 };
      });
  }

  slotInputs(g: Graph, prompts: number): SlotInputs {
    const { headDim, kvHeads } = this.#shape;
    return {
      keyRows: g.input('i32', [kvHeads * prompts]),
      valueRows: g.input('i32', [headDim * kvHeads * prompts]),
    };
  }

  /** Contents of `slotInputs` for prompts that go into `slots`. */
  slotRows(slots: readonly number[]): { keyRows: Int32Array; valueRows: Int32Array } {
    const { headDim, kvHeads } = this.#shape;
    const rows = (each: number): Int32Array =>
      Int32Array.from({ length: each * slots.length }, (_, i) => {
        return (slots[Math.floor(i / each)] ?? 0) * each + (i % each);
      });
    return { keyRows: rows(kvHeads), valueRows: rows(headDim * kvHeads) };
  }

  /** Adds to a graph the writing of `tokens` tokens of each of some prompts or rows, as their tokens from `start` on. */
  write(
    g: Graph,
    layer: number,
    of: Part,
    given: KeyValues,
    tokens: number,
    { keyRows, valueRows }: SlotInputs,
    start = 0,
  ): void {
    const { headDim, kvHeads } = this.#shape;
    const { length, blocks } = blocksOf(this.size, of);
    const { keys, values } = this.#stored(layer, of);
    const put = (into: Tensor, width: number, count: number, from: Tensor, to: Tensor): void => {
      const [stride, all] = [width * length, width * length * count * blocks];
      const first = start * width;
      const rows = view(g, into, [width * tokens, count * blocks, 1, 1], [stride, all, all], first);
      const shape = [width * tokens, to.shape[0] ?? 1];
      g.expand(g.constant(setRows(g, rows, from, to, shape), rows.shape));
    };
    put(keys, headDim, kvHeads, given.keys, keyRows);
    put(values, 1, headDim * kvHeads, given.values, valueRows);
  }

  /** The slot that no prompt takes, for what the waiting prompts begin with in common. */
  get spare(): number {
    return this.size.prompts - 1;
  }

  /** The first `tokens` tokens of the spare slot. */
  shared(g: Graph, layer: number, tokens: number): KeyValues {
    return this.prompts(g, layer, tokens, 1, this.spare);
  }

  /** Adds to a graph the copying of the first `tokens` tokens of the spare slot into `count` slots. */
  copyShared(g: Graph, layer: number, tokens: number, count: number, inputs: SlotInputs): void {
    const { keys, values } = this.shared(g, layer, tokens);
    const copies = (one: Tensor): Tensor => {
      const [a = 1, b = 1, c = 1] = one.shape;
      const whole = g.constant(g.ggml.ggml_cont(g.context, one.pointer), [a, b, c]);
      return repeat(g, reshape(g, whole, [a * b * c]), [a * b * c, count]);
    };
    this.write(g, layer, 'prompt', { keys: copies(keys), values: copies(values) }, tokens, inputs);
  }

  /** The first `tokens` tokens of so many slots, from `first` on. */
  prompts(g: Graph, layer: number, tokens: number, prompts: number, first = 0): KeyValues {
    return this.#prefix(g, this.#stored(layer, 'prompt'), this.size.promptTokens, tokens, prompts, first);
  }

  /**
   * Adds to a graph the writing of one token for each of the first `rows` rows, at `steps` i32 [1, 1, rows]; gives
   * the rows' first `tokens` tokens, the new one among them. k and v are [headDim, kvHeads, rows].
   */
  append(
    g: Graph,
    layer: number,
    { k, v }: { readonly k: Tensor; readonly v: Tensor },
    steps: Tensor,
    rows: number,
    tokens: number,
  ): KeyValues {
    const { headDim, kvHeads } = this.#shape;
    const length = this.size.completionTokens;
    const all = headDim * length * kvHeads;
    const { keys, values } = this.#stored(layer, 'own');
    const keyRows = view(g, keys, [headDim, length, kvHeads, rows], [headDim, headDim * length, all]);
    // Values lie transposed, so that a token is a column: one element of each row, and each row one element wide.
    const valueRows = view(g, values, [1, length, headDim * kvHeads, rows], [1, length, all]);
    const keysAfter = setRows(g, keyRows, k, steps, [headDim, 1, kvHeads, rows]);
    const valuesAfter = setRows(g, valueRows, v, steps, [1, 1, headDim * kvHeads, rows]);
    const after = (pointer: Pointer): Tensor => g.constant(pointer, [all * rows]);
    const written = { keys: after(keysAfter), values: after(valuesAfter) };
    return this.#prefix(g, written, length, tokens, rows);
  }

  #stored(layer: number, of: Part): KeyValues {
    const part = (name: string): Tensor => this.#tensors.get(`${layer}.${of}_${name}`);
    return { keys: part('keys'), values: part('values') };
  }

  /** The first `tokens` of the `length` tokens in each of `blocks` blocks, from `first` on. */
  #prefix(
    g: Graph,
    { keys, values }: KeyValues,
    length: number,
    tokens: number,
    blocks: number,
    first = 0,
  ): KeyValues {
    const { headDim, kvHeads } = this.#shape;
    const all = headDim * length * kvHeads;
    const start = first * all;
    return {
      keys: view(g, keys, [headDim, tokens, kvHeads, blocks], [headDim, headDim * length, all], start),
      values: view(g, values, [tokens, headDim, kvHeads, blocks], [length, headDim * length, all], start),
    };
  }

  /** Columns of the last `count` tokens of all prompts or rows, the oldest of each first: [width, count * all]. */
  last(g: Graph, layer: number, of: Part): Tensor {
    const tensor = this.#tensors.get(`${layer}.${of}_last`);
    const [width = 1, count = 1, , blocks = 1] = tensor.shape;
    const all = width * count * blocks;
    return view(g, tensor, [width, count * blocks, 1, 1], [width, all, all]);
  }

  /** Adds to a graph the writing of columns [width, n] of `last` at `places` i32 [n], after all that was added before. */
  setLast(g: Graph, layer: number, of: Part, values: Tensor, places: Tensor): void {
    const into = this.last(g, layer, of);
    g.expand(values);
    g.expand(g.constant(setRows(g, into, values, places, values.shape), into.shape));
  }

  /** Adds to a graph: slot i becomes what slot `prompts[i]` was, and row i what row `rows[i]` was (both i32). */
  move(g: Graph, prompts: Tensor, rows: Tensor): void {
    for (const { name } of this.#tensors.specs) {
      const ids = name.includes('.prompt_') ? prompts : rows;
      const tensor = this.#tensors.get(name);
      const [a = 1, b = 1, c = 1, blocks = 1] = tensor.shape;
      const [width, count] = [a * b * c, ids.shape[0] ?? 1];
      needIds('move', ids, blocks);
      const whole = view(g, tensor, [width, blocks, 1, 1], [width, width * blocks, width * blocks]);
      const picked = g.ggml.ggml_get_rows(g.context, whole.pointer, ids.pointer);
      const into = view(g, tensor, [width, count, 1, 1], [width, width * count, width * count]);
      g.expand(g.constant(g.ggml.ggml_cpy(g.context, picked, into.pointer), into.shape));
    }
  }

  [Symbol.dispose](): void {
    this.#tensors[Symbol.dispose]();
  }
}
