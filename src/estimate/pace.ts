/**
 * How fast a machine is from one moment to the next: other programs, and other guests of a shared one, slow it down for
 * some seconds or minutes at a time. Measured by the same small product over and over, between other measurements, which
 * are then counted in such products.
 */
import type { Device } from '../ggml/device.ts';
import { SampleProduct } from '../tensor/product.ts';

/** Milliseconds of a sample, about. */
const SAMPLE = 250;

export class Pace implements Disposable {
  readonly #product: SampleProduct;
  /** Products of a sample; 0 before the first. */
  #products = 0;
  /** When the last sample was taken, and what it was; milliseconds both. */
  #last: { readonly at: number; readonly taken: number } | undefined;
  /** Time since the first sample, and the pace summed up over it. */
  #elapsed = 0;
  #sum = 0;

  constructor(device: Device) {
    this.#product = new SampleProduct(device);
  }

  /** Milliseconds of a product now. */
  async sample(): Promise<number> {
    if (this.#products === 0) {
      await this.#product.milliseconds();
      this.#products = Math.max(1, Math.round(SAMPLE / (await this.#product.milliseconds())));
    }
    const taken = (await this.#product.milliseconds(this.#products)) / this.#products;
    const at = performance.now();
    if (this.#last !== undefined) {
      // Samples come close together and far apart: each counts for the time around it.
      this.#elapsed += at - this.#last.at;
      this.#sum += ((this.#last.taken + taken) / 2) * (at - this.#last.at);
    }
    this.#last = { at, taken };
    return taken;
  }

  /** Milliseconds of a product on average over the time since the first sample; 0 before it. */
  get mean(): number {
    return this.#elapsed > 0 ? this.#sum / this.#elapsed : (this.#last?.taken ?? 0);
  }

  [Symbol.dispose](): void {
    this.#product[Symbol.dispose]();
  }
}
