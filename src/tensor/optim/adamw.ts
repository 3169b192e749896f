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

export class AdamW implements Optimizer {
  readonly gradients: ParameterSet;
  readonly first: ParameterSet;
  readonly second: ParameterSet;
  readonly #device: Device;
  readonly #options: ResidentOptions;
  readonly #norm: GradientNorm;
  readonly #stepGraph: Graph;
  /** As long as the longest row, each a number repeated. */
  readonly #rows: AdamInputs8;
  readonly #matrixSettings: Tensor;
  readonly #vectorSettings: Tensor;
  steps = 0;

  /** `device` computes the steps, if not the parameters' own: another one that reaches the same memory. */
  constructor(parameters: ParameterSet, options: ResidentOptions, device: Device = parameters.device) {
    const { specs } = parameters;
    this.#device = device;
    this.#options = options;
    const moments = specs.map((spec): ParameterSpec =>
      options.eightBit === true && fits8bit(spec.shape) ? { ...spec, dtype: 'q8_0' } : spec,
    );
    this.gradients = new ParameterSet(parameters.device, specs, 'state');
    this.first = new ParameterSet(parameters.device, moments, 'state');
    this.second = new ParameterSet(parameters.device, moments, 'state');

    this.#norm = new GradientNorm(this.gradients, device);
    const g = new Graph(
      device,
      specs.reduce((nodes, spec) => nodes + this.#nodes(spec), 64),
    );
    this.#stepGraph = g;
    // As long as the longest row: ggml repeats a row fast, and a single number slowly.
    const longest = Math.max(...specs.map(({ shape }) => shape[0] ?? 1));
    const input = (): Tensor => g.input('f32', [longest]);
    this.#rows = { clip: input(), rate: input(), keep: input(), epsilon: input(), correction: input() };
    this.#matrixSettings = g.input('f32', [7]);
    this.#vectorSettings = g.input('f32', [7]);
    for (const spec of specs) this.#update(parameters.get(spec.name), spec);
    g.allocate();
  }

  /** Tells whether Muon updates it. */
  #orthogonal({ name, shape }: ParameterSpec): boolean {
    return shape.length === 2 && this.#options.muon?.matrices(name) === true;
  }

  /** Tensors that a parameter's update adds to the graph, at most. */
  #nodes(spec: ParameterSpec): number {
    if (this.#orthogonal(spec)) return MUON_NODES;
    return this.#options.eightBit === true && fits8bit(spec.shape) ? adamNodes8(spec.shape) : 6;
  }

  #update(weight: Tensor, spec: ParameterSpec): void {
    const g = this.#stepGraph;
    const { name, shape } = spec;
    const { adam_beta1: beta1, adam_beta2: beta2, muon, eightBit = false } = this.#options;
    const row = (name: keyof AdamInputs8): Tensor => slice(g, this.#rows[name], 0, 0, shape[0] ?? 1);
    const [first, second] = [this.first.get(name), this.second.get(name)];
    const accumulated = this.gradients.get(name);
    if (muon !== undefined && this.#orthogonal(spec)) {
      const gradient = mul(g, accumulated, row('clip'));
      const { momentum } = muon;
      muonStep(g, { weight, gradient, velocity: first, momentum, rate: row('rate'), keep: row('keep') });
      return;
    }
    if (eightBit && fits8bit(shape)) {
      const inputs = {
        clip: row('clip'),
        epsilon: row('epsilon'),
        correction: row('correction'),
        rate: row('rate'),
        keep: row('keep'),
      };
      adamStep8(g, { weight, gradient: accumulated, first, second, beta1, beta2, inputs });
      return;
    }
    // In place: the accumulators are cleared after the step.
    const settings = shape.length > 1 ? this.#matrixSettings : this.#vectorSettings;
    adamStep(g, { weight, gradient: accumulated, clip: row('clip'), first, second, settings });
  }

  gradientNorm(): Promise<number> {
    return this.#norm.norm();
  }

  async step(lr: number, norm: number): Promise<void> {
    const options = this.#options;
    const { adam_beta1: beta1, adam_beta2: beta2, adam_eps: eps, weight_decay: weightDecay } = options;
    this.steps += 1;
    const fill = (input: Tensor, value: number): void =>
      write(this.#device, input, new Float32Array(sizeOf(input.shape)).fill(value));
    const spread = Math.sqrt(1 - beta2 ** this.steps);
    fill(this.#rows.clip, clipOf(options, norm));
    fill(this.#rows.rate, lr);
    fill(this.#rows.keep, 1 - lr * weightDecay);
    fill(this.#rows.epsilon, eps * spread);
    fill(this.#rows.correction, spread / (1 - beta1 ** this.steps));
    write(this.#device, this.#matrixSettings, adamSettings(options, lr, weightDecay, this.steps));
    write(this.#device, this.#vectorSettings, adamSettings(options, lr, 0, this.steps));
    await this.#stepGraph.compute();
    this.gradients.clear();
  }

  [Symbol.dispose](): void {
    for (const part of [this.#norm, this.#stepGraph, this.gradients, this.first, this.second])
      part[Symbol.dispose]();
  }
}
