/**
 * AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101) and global gradient-norm clipping,
 * on the device; matrices can be left to Muon. Gradients are accumulated into `gradients` by training graphs; `step` applies and clears them.
 */
import type { Device } from '../ggml/device.ts';
import { add, scale, slice, square, sum } from './ops/index.ts';
import { mul } from './ops/elementwise.ts';
import { Graph, readF32, write } from './graph.ts';
import { MUON_NODES, muonStep } from './muon.ts';
import { ParameterSet, type ParameterSpec } from './parameters.ts';
import { sizeOf, type Tensor } from './tensor.ts';

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decay of matrices; vectors (norm weights) are not decayed. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm; 0 turns clipping off. */
  readonly maxNorm: number;
  /** The matrices that Muon updates in AdamW's stead, and its momentum. */
  readonly muon?: { readonly momentum: number; readonly matrices: (name: string) => boolean };
}

export class AdamW implements Disposable {
  readonly gradients: ParameterSet;
  readonly first: ParameterSet;
  readonly second: ParameterSet;
  readonly #device: Device;
  readonly #options: AdamWOptions;
  readonly #normGraph: Graph;
  readonly #norm: Tensor;
  readonly #stepGraph: Graph;
  readonly #clip: Tensor;
  readonly #matrixSettings: Tensor;
  readonly #vectorSettings: Tensor;
  readonly #rate: Tensor | undefined;
  readonly #keep: Tensor | undefined;
  /** Number of steps applied so far. */
  steps = 0;

  /** `device` computes the steps, if not the parameters' own: another one that reaches the same memory. */
  constructor(parameters: ParameterSet, options: AdamWOptions, device: Device = parameters.device) {
    const { specs } = parameters;
    this.#device = device;
    this.#options = options;
    this.gradients = new ParameterSet(parameters.device, specs, 'state');
    this.first = new ParameterSet(parameters.device, specs, 'state');
    this.second = new ParameterSet(parameters.device, specs, 'state');

    this.#normGraph = new Graph(device, specs.length * 4 + 64);
    const squares = specs.map(({ name }) =>
      sum(this.#normGraph, square(this.#normGraph, this.gradients.get(name))),
    );
    const total = squares.reduce((a, b) => add(this.#normGraph, a, b));
    // A sum that is scaled by one is a tensor of its own even when there is a single parameter.
    this.#norm = this.#normGraph.output(scale(this.#normGraph, total, 1));
    this.#normGraph.allocate();

    const { muon } = options;
    const orthogonal = ({ name, shape }: ParameterSpec): boolean =>
      shape.length === 2 && muon?.matrices(name) === true;
    const nodes = specs.reduce((n, spec) => n + (orthogonal(spec) ? MUON_NODES : 6), 64);
    const g = new Graph(device, nodes);
    this.#stepGraph = g;
    // As long as the longest row: ggml repeats a row fast, and a single number slowly.
    const longest = Math.max(...specs.map(({ shape }) => shape[0] ?? 1));
    this.#clip = g.input('f32', [longest]);
    this.#matrixSettings = g.input('f32', [7]);
    this.#vectorSettings = g.input('f32', [7]);
    const byMuon = specs.some(orthogonal);
    this.#rate = byMuon ? g.input('f32', [longest]) : undefined;
    this.#keep = byMuon ? g.input('f32', [longest]) : undefined;
    for (const spec of specs) {
      const { name, shape } = spec;
      const row = (values: Tensor): Tensor => slice(g, values, 0, 0, shape[0] ?? 1);
      const gradient = mul(g, this.gradients.get(name), row(this.#clip));
      if (muon && this.#rate && this.#keep && orthogonal(spec)) {
        muonStep(g, {
          weight: parameters.get(name),
          gradient,
          velocity: this.first.get(name),
          momentum: muon.momentum,
          rate: row(this.#rate),
          keep: row(this.#keep),
        });
        continue;
      }
      const settings = shape.length > 1 ? this.#matrixSettings : this.#vectorSettings;
      const updated = g.ggml.ggml_opt_step_adamw(
        g.context,
        parameters.get(name).pointer,
        gradient.pointer,
        this.first.get(name).pointer,
        this.second.get(name).pointer,
        settings.pointer,
      );
      g.expand(g.constant(updated, shape));
    }
    g.allocate();
  }

  /** Global L2 norm of the accumulated gradients. */
  async gradientNorm(): Promise<number> {
    await this.#normGraph.compute();
    return Math.sqrt(readF32(this.#device, this.#norm)[0] ?? Number.NaN);
  }

  /** Applies one update at learning rate `lr` and clears the gradients. `norm` is what `gradientNorm` gave. */
  async step(lr: number, norm: number): Promise<void> {
    const { beta1, beta2, eps, weightDecay, maxNorm } = this.#options;
    this.steps += 1;
    const clip = maxNorm > 0 && norm > maxNorm ? maxNorm / norm : 1;
    const settings = (decay: number): Float32Array =>
      Float32Array.of(
        lr,
        beta1,
        beta2,
        eps,
        decay,
        1 / (1 - beta1 ** this.steps),
        1 / (1 - beta2 ** this.steps),
      );
    const fill = (input: Tensor, value: number): void =>
      write(this.#device, input, new Float32Array(sizeOf(input.shape)).fill(value));
    fill(this.#clip, clip);
    if (this.#rate) fill(this.#rate, lr);
    if (this.#keep) fill(this.#keep, 1 - lr * weightDecay);
    write(this.#device, this.#matrixSettings, settings(weightDecay));
    write(this.#device, this.#vectorSettings, settings(0));
    await this.#stepGraph.compute();
    this.gradients.clear();
  }

  [Symbol.dispose](): void {
    for (const part of [this.#normGraph, this.#stepGraph, this.gradients, this.first, this.second])
      part[Symbol.dispose]();
  }
}
