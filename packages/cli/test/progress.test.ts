import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Progress } from '../src/progress.ts';
import { styleFor } from '../src/terminal.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a log is never silent for more than half a minute, however long a step lasts', () => {
  const lines: { readonly at: number; readonly text: string }[] = [];
  const now = (): number => Date.now();
  const stream = { isTTY: false, write: (text: string) => lines.push({ at: now(), text }) > 0 };
  const start = now();
  const progress = new Progress({ stream, style: styleFor(stream, {}), stages: ['star'], now });
  progress.handle({ type: 'stage', stage: 'star', kind: 'simrl', total: 3, done: 0 });
  vi.advanceTimersByTime(125_000);
  const metrics = { reward: 0.5 };
  progress.handle({ type: 'step', stage: 'star', step: 1, total: 3, tokens: 100, seconds: 125, metrics });
  vi.advanceTimersByTime(60_000);
  progress.end();
  vi.advanceTimersByTime(600_000);
  const times = [...lines.map(({ at }) => at - start), 185_000];
  expect(Math.max(...times.map((at, i) => at - (times[i - 1] ?? 0)))).toBeLessThanOrEqual(30_000);
  expect(times.at(-2)).toBeLessThan(185_000);
  expect(lines.length).toBeLessThan(14);
  expect(lines.at(-1)?.text).toMatch(/star .* 1\/3 .*4 min.* left.* in step 2\n$/);
});
