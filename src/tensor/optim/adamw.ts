/**
 * AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101) and global gradient-norm clipping,
 * on the device; matrices can be left to Muon, and moments kept in 8 bits. Gradients are accumulated into `gradients` by training graphs; `step` applies and clears them.
 */
import type { Device } from '../../ggml/device.ts';
import { type AdamInputs8, adamNodes8, adamStep8, fits8bit } from './adamw8.ts';
import { GradientNorm } from './gradient-norm.ts';
import { Graph, write } from '../graph.ts';
import { MUON_NODES, muonStep } from './muon.ts';
import { mul, slice } from '../ops/index.ts';
import { adamSettings, adamStep, type AdamWOptions, clipOf, type Optimizer } from './optimizer.ts';
import { ParameterSet, type ParameterSpec } from '../parameters.ts';
import { sizeOf, type Tensor } from '../tensor.ts';

export interface ResidentOptions extends AdamWOptions {
  /** The matrices that Muon updates in AdamW's stead, and its momentum. */
  readonly muon?: { readonly momentum: number; readonly matrices: (name: string) => boolean };
  /** Keep both moments of matrices in 8 bits; Muon has no use for it. */
  readonly eightBit?: boolean;
}

/** `device` computes the steps, if not the parameters' own: another one that reaches the same memory. */
export function adamW(
  parameters: ParameterSet,
  options: ResidentOptions,
  device: Device = parameters.device,
): Optimizer & Readonly<Record<'first' | 'second', ParameterSet>> {
  const { specs } = parameters;
  const { adam_beta1: beta1, adam_beta2: beta2, adam_eps: eps, weight_decay: weightDecay, muon } = options;
  const isEightBit = ({ shape }: ParameterSpec): boolean => options.eightBit === true && fits8bit(shape);
  /** Tells whether Muon updates it. */
  const isOrthogonal = ({ name, shape }: ParameterSpec): boolean =>
    shape.length === 2 && muon?.matrices(name) === true;
  /** Tensors that a parameter's update adds to the graph, at most. */
  const nodes = (spec: ParameterSpec): number => {
    if (isOrthogonal(spec)) return MUON_NODES;
    return isEightBit(spec) ? adamNodes8(spec.shape) : 6;
  };
  const moments = specs.map((spec): ParameterSpec => (isEightBit(spec) ? { ...spec, dtype: 'q8_0' } : spec));
  const gradients = new ParameterSet(parameters.device, specs, 'state');
  const first = new ParameterSet(parameters.device, moments, 'state');
  const second = new ParameterSet(parameters.device, moments, 'state');
  const gradientNorm = new GradientNorm(gradients, device);
  const g = new Graph(
    device,
    specs.reduce((total, spec) => total + nodes(spec), 64),
  );
  // As long as the longest row: ggml repeats a row fast, and a single number slowly.
  const longest = Math.max(...specs.map(({ shape }) => shape[0] ?? 1));
  const input = (): Tensor => g.input('f32', [longest]);
  const rows = { clip: input(), rate: input(), keep: input(), epsilon: input(), correction: input() };
  const matrixSettings = g.input('f32', [7]);
  const vectorSettings = g.input('f32', [7]);
  for (const spec of specs) {
    const { name, shape } = spec;
    const row = (key: keyof AdamInputs8): Tensor => slice(g, rows[key], 0, 0, shape[0] ?? 1);
    const tensors = {
      weight: parameters.get(name),
      gradient: gradients.get(name),
      first: first.get(name),
      second: second.get(name),
    };
    if (muon !== undefined && isOrthogonal(spec)) {
      const gradient = mul(g, tensors.gradient, row('clip'));
      const { momentum } = muon;
      const state = { weight: tensors.weight, gradient, velocity: tensors.first, momentum };
      muonStep(g, { ...state, rate: row('rate'), keep: row('keep') });
    } else if (isEightBit(spec)) {
      const inputs = {
        clip: row('clip'),
        epsilon: row('epsilon'),
        correction: row('correction'),
        rate: row('rate'),
        keep: row('keep'),
      };
      adamStep8(g, { ...tensors, beta1, beta2, inputs });
    } else {
      // In place: the accumulators are cleared after the step.
      const settings = shape.length > 1 ? matrixSettings : vectorSettings;
      adamStep(g, { ...tensors, clip: row('clip'), settings });
    }
  }
  g.allocate();
  const fill = (tensor: Tensor, value: number): void =>
    write(device, tensor, new Float32Array(sizeOf(tensor.shape)).fill(value));

  return {
    gradients,
    first,
    second,
    steps: 0,
    gradientNorm: () => gradientNorm.norm(),
    async step(lr: number, norm: number): Promise<void> {
      this.steps += 1;
      const spread = Math.sqrt(1 - beta2 ** this.steps);
      fill(rows.clip, clipOf(options, norm));
      fill(rows.rate, lr);
      fill(rows.keep, 1 - lr * weightDecay);
      fill(rows.epsilon, eps * spread);
      fill(rows.correction, spread / (1 - beta1 ** this.steps));
      write(device, matrixSettings, adamSettings(options, lr, weightDecay, this.steps));
      write(device, vectorSettings, adamSettings(options, lr, 0, this.steps));
      await g.compute();
      gradients.clear();
    },
    [Symbol.dispose]() {
      for (const part of [gradientNorm, g, gradients, first, second]) part[Symbol.dispose]();
    },
  };
}
