/** A worker that does what no case may do, by the name of the kind: what the pool is tested with. */
import type { Answer, Job } from './worker.ts';

process.on('message', ({ id }: Job) => {
  if (id.kind === 'abort') process.abort();
  if (id.kind === 'hang') for (;;);
  if (id.kind === 'memory') {
    const held: Buffer[] = [];
    for (let i = 0; i < 100; i++) held.push(Buffer.alloc(2 ** 24, 1));
    setTimeout(() => held.length, 60_000);
    return;
  }
  const answer: Partial<Answer> = {
    fault: id.kind === 'bug' ? 'a bug' : undefined,
    code: 0,
    said: String(process.pid),
    peak: 0,
  };
  process.send?.(answer);
});
process.send?.('ready');
