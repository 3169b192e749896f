/**
 * Life times of what native code holds for us. Every device, graph, parameter set has one, so that use after
 * dispose is an error of ours with a name and not a crash, and so that tests can count what was left open.
 */
import { InternalError } from '../base/errors.ts';

export type HandleKind = 'device' | 'graph' | 'parameters';

const live: Record<HandleKind, number> = { device: 0, graph: 0, parameters: 0 };

/** Number of native handles of each kind that are open in this process. */
export function liveHandles(): Readonly<Record<HandleKind, number>> {
  return { ...live };
}

/** One native handle's life: open from its creation to the first `end`. */
export class Lifetime {
  readonly #kind: HandleKind;
  #open = true;

  constructor(kind: HandleKind) {
    this.#kind = kind;
    live[kind] += 1;
  }

  /** Throws when the handle was disposed; `action` says what was tried. */
  need(action: string): void {
    if (!this.#open) throw new InternalError(`${action}: the ${this.#kind} was disposed`);
  }

  /** Ends the life; true the first time, so that what is native is freed once. */
  end(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    live[this.#kind] -= 1;
    return true;
  }
}
