/** Work that several workers share. */
import { expect, test } from 'vitest';
import { WorkQueue } from '../../src/sampling/served/work-queue.ts';

const never = new AbortController().signal;
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('is taken in order, and over when all of it is finished', async () => {
  const queue = new WorkQueue([1, 2, 3]);
  const taken: (number | undefined)[] = [];
  for (let i = 0; i < 4; i++) {
    taken.push(await queue.take(never));
    if (i < 3) queue.finish();
  }
  expect(taken).toEqual([1, 2, 3, undefined]);
  expect(await new WorkQueue([]).take(never)).toBeUndefined();
});

test('the source is asked only when a worker wants something', async () => {
  const asked: number[] = [];
  function* source(): Generator<number> {
    for (const i of [1, 2, 3]) {
      asked.push(i);
      yield i;
    }
  }
  const queue = new WorkQueue(source());
  expect(asked).toEqual([]);
  await queue.take(never);
  expect(asked).toEqual([1]);
  await queue.take(never);
  expect(asked).toEqual([1, 2]);
});

test('what is given back is taken before what is new, in the order in which it came back', async () => {
  const queue = new WorkQueue(['a', 'b', 'c', 'd']);
  const [a, b] = [await queue.take(never), await queue.take(never)];
  expect([a, b]).toEqual(['a', 'b']);
  queue.finish('b');
  queue.finish('a');
  expect([await queue.take(never), await queue.take(never), await queue.take(never)]).toEqual([
    'b',
    'a',
    'c',
  ]);
});

test('a worker without work waits for what another may give back', async () => {
  const queue = new WorkQueue(['only']);
  await queue.take(never);
  let got: string | undefined = 'still waiting';
  const waiting = queue.take(never).then((work) => (got = work));
  await soon();
  expect(got).toBe('still waiting');
  queue.finish('only');
  await waiting;
  expect(got).toBe('only');
});

test('all workers that wait are told when the last piece is finished', async () => {
  const queue = new WorkQueue(['only']);
  await queue.take(never);
  const waiting = [queue.take(never), queue.take(never), queue.take(never)];
  await soon();
  queue.finish();
  expect(await Promise.all(waiting)).toEqual([undefined, undefined, undefined]);
});

test('one piece that comes back goes to one of those who wait, and the others go on waiting', async () => {
  const queue = new WorkQueue(['only']);
  await queue.take(never);
  const got: (string | undefined)[] = [];
  const waiting = [1, 2, 3].map(() => queue.take(never).then((work) => got.push(work)));
  await soon();
  queue.finish('only');
  await soon();
  expect(got).toEqual(['only']);
  queue.finish();
  await Promise.all(waiting);
  expect(got).toEqual(['only', undefined, undefined]);
});

test('a stop ends the waiting with its reason, and work that is left is taken no more', async () => {
  const stop = new AbortController();
  const queue = new WorkQueue(['a', 'b']);
  await queue.take(stop.signal);
  await queue.take(stop.signal);
  const waiting = queue.take(stop.signal);
  await soon();
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  queue.finish('a');
  await expect(queue.take(stop.signal)).rejects.toBe(reason);
  // It is not lost to others.
  expect(await queue.take(never)).toBe('a');
});

test('workers at unlike speed, some of whom fail at first, do every piece exactly once', async () => {
  const pieces = Array.from({ length: 200 }, (_, i) => i);
  const queue = new WorkQueue(pieces);
  const failed = new Set<number>();
  const done: number[] = [];
  let [busy, most] = [0, 0];
  const worker = async (speed: number): Promise<void> => {
    for (let piece = await queue.take(never); piece !== undefined; piece = await queue.take(never)) {
      busy += 1;
      most = Math.max(most, busy);
      for (let i = 0; i < (piece * speed) % 5; i++) await soon();
      busy -= 1;
      if (piece % 7 === 0 && !failed.has(piece)) {
        failed.add(piece);
        queue.finish(piece);
      } else {
        done.push(piece);
        queue.finish();
      }
    }
  };
  await Promise.all([1, 2, 3, 4].map(worker));
  expect(done.toSorted((a, b) => a - b)).toEqual(pieces);
  expect(failed.size).toBe(29);
  expect(most).toBe(4);
});
