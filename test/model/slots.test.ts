/** Places of samples during generation, and the small machinery around it. */
import { describe, expect, it } from 'vitest';
import { bucketLength, stageLength } from '../../src/model/tree/buckets.ts';
import { merge } from '../../src/base/merge.ts';
import { Slots, startPrompt, wholeSpan } from '../../src/model/generate/slots.ts';

const limits = { stop: new Set([0]), generate_max_len: 9 };

describe('Slots', () => {
  it('gives finished prompts back and frees their slots', () => {
    const slots = new Slots(2, 2);
    expect(slots.free()).toEqual([0, 1]);
    const [a, b] = [
      startPrompt(7, wholeSpan(3), { samples: 2, seed: 0 }),
      startPrompt(8, wholeSpan(3), { samples: 2, seed: 0 }),
    ];
    slots.fill(0, a);
    slots.fill(1, b);
    for (const drawing of a.drawings) drawing.accept(0, -1, limits);
    b.drawings[1]!.accept(0, -1, limits);
    expect(slots.clear().map(({ prompt }) => prompt)).toEqual([7]);
    expect(slots.free()).toEqual([0]);
    expect(slots.rows).toEqual([undefined, undefined, b.drawings[0], undefined]);
    expect(a.drawings[0]!.sample()).toMatchObject({ finish: 'stop', tokens: Int32Array.of(0) });
  });

  it('compacts: the unfinished keep their slot mates, and the moves say where each came from', () => {
    const slots = new Slots(4, 3);
    const actives = [0, 1, 2, 3].map((prompt) => startPrompt(prompt, wholeSpan(5), { samples: 3, seed: 0 }));
    actives.forEach((active, slot) => slots.fill(slot, active));
    expect(slots.compact()).toBeUndefined();
    const stays = [actives[1]!.drawings[2]!, actives[3]!.drawings[0]!, actives[3]!.drawings[1]!];
    for (const drawing of actives.flatMap(({ drawings }) => drawings))
      if (!stays.includes(drawing)) drawing.accept(0, -1, limits);
    slots.clear();
    const from = slots.compact();
    expect([slots.count, slots.rowsPerSlot]).toEqual([2, 2]);
    expect(slots.rows).toEqual([stays[0], undefined, stays[1], stays[2]]);
    expect(from!.slots).toEqual([1, 3]);
    expect([from!.rows[0], from!.rows[2], from!.rows[3]]).toEqual([5, 9, 10]);
  });
});

describe('stageLength', () => {
  it('wastes at most a quarter, in few steps', () => {
    expect([1, 33, 65, 200, 257, 321, 700, 1000].map((n) => stageLength(n))).toEqual([
      32, 64, 96, 224, 320, 384, 768, 1024,
    ]);
    for (let n = 129; n < 5000; n += 7) {
      expect(stageLength(n)).toBeGreaterThanOrEqual(n);
      expect(n).toBeGreaterThan(0.75 * stageLength(n));
      expect(stageLength(n)).toBe(bucketLength(stageLength(n), 32));
    }
  });
});

describe('merge', () => {
  async function* count(name: string, upTo: number, signal: AbortSignal, log: string[]) {
    try {
      for (let i = 0; i < upTo; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        yield `${name}${i}`;
      }
    } finally {
      log.push(name);
    }
  }

  it('yields everything of every stream', async () => {
    const all: string[] = [];
    const starts = [2, 0, 3].map((n, i) => (signal: AbortSignal) => count(`${i}:`, n, signal, []));
    for await (const text of merge(starts)) all.push(text);
    expect(all.sort()).toEqual(['0:0', '0:1', '2:0', '2:1', '2:2']);
  });

  it('ends every stream when the consumer stops, when one fails, and when aborted', async () => {
    for (const how of ['break', 'fail', 'abort'] as const) {
      const log: string[] = [];
      const abort = new AbortController();
      async function* failing(): AsyncGenerator<string> {
        yield 'x';
        throw new Error('failed');
      }
      const starts = [
        (s: AbortSignal) => count('a', 1000, s, log),
        (s: AbortSignal) => count('b', 1000, s, log),
      ];
      const run = async (): Promise<void> => {
        for await (const _ of merge(how === 'fail' ? [...starts, failing] : starts, abort.signal)) {
          if (how === 'break') break;
          if (how === 'abort') abort.abort(new Error('aborted'));
        }
      };
      const outcome = await run().then(
        () => 'break',
        (thrown: Error) => thrown.message,
      );
      expect(outcome).toBe({ break: 'break', fail: 'failed', abort: 'aborted' }[how]);
      expect(log.sort()).toEqual(['a', 'b']);
    }
  });
});
