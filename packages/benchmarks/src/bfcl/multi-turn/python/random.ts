/**
 * CPython's `random.Random(seed)` for seeds below 2^32: the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded through
 * init_by_array. The benchmark's ids, prices and timestamps are drawn from it.
 */
const SIZE = 624;
const MIDDLE = 397;
const TWIST = 0x9908b0df;

function seeded(seed: number): Uint32Array {
  const state = new Uint32Array(SIZE);
  state[0] = 19650218;
  const at = (i: number): number => state[i] ?? 0;
  const mixed = (i: number, factor: number): number => Math.imul(at(i - 1) ^ (at(i - 1) >>> 30), factor);
  for (let i = 1; i < SIZE; i++) state[i] = mixed(i, 1812433253) + i;
  let i = 1;
  const wrap = (): void => {
    if (++i < SIZE) return;
    state[0] = at(SIZE - 1);
    i = 1;
  };
  for (let k = 0; k < SIZE; k++, wrap()) state[i] = (at(i) ^ mixed(i, 1664525)) + seed;
  for (let k = 1; k < SIZE; k++, wrap()) state[i] = (at(i) ^ mixed(i, 1566083941)) - i;
  state[0] = 0x80000000;
  return state;
}

export class MersenneTwister {
  readonly #seed: number;
  // Most instances never draw, so the state is made at the first draw.
  #state: Uint32Array | undefined;
  #next = SIZE;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The next 32 random bits. */
  uint32(): number {
    const state = (this.#state ??= seeded(this.#seed));
    if (this.#next === SIZE) this.#twist(state);
    let y = state[this.#next++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(state: Uint32Array): void {
    for (let i = 0; i < SIZE; i++) {
      const y = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % SIZE] ?? 0) & 0x7fffffff);
      state[i] = (state[(i + MIDDLE) % SIZE] ?? 0) ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : TWIST);
    }
    this.#next = 0;
  }

  /** `random()`: 53 bits in [0, 1). */
  random(): number {
    const high = this.uint32() >>> 5;
    return (high * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** `uniform(low, high)`. */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  /** `randint(low, high)`, both ends included; at most 2^53 values. */
  randint(low: number, high: number): number {
    const values = high - low + 1;
    const bits = Math.floor(Math.log2(values)) + 1;
    for (;;) {
      const drawn = this.#bits(bits);
      if (drawn < values) return low + drawn;
    }
  }

  #bits(count: number): number {
    if (count <= 32) return this.uint32() >>> (32 - count);
    const low = this.uint32();
    return low + (this.uint32() >>> (64 - count)) * 2 ** 32;
  }
}
