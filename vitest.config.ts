import { defineConfig } from 'vitest/config';

const all = ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'];
const wholeProcesses = '**/*.e2e.test.ts';
/** Minutes of work on models that must be fetched first: `npm run test:real`, and never among the default tests. */
const realModels = 'test/real-models/*.test.ts';
/** Minutes on a Ray head with a Python of its own: `npm run test:ray`, and never among the default tests either. */
const onRay = 'packages/handover/test/ray/*.test.ts';

export default defineConfig(({ mode }) => ({
  test: {
    // Tests share the cores with ggml's own threads: one file at a time is faster than several that fight.
    pool: 'forks',
    maxWorkers: 1,
    // Those on Ray go on from each other.
    ...(mode === 'ray' && { bail: 1 }),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects:
      mode === 'real'
        ? [{ extends: true, test: { name: 'real', include: [realModels] } }]
        : mode === 'ray'
          ? [{ extends: true, test: { name: 'ray', include: [onRay] } }]
          : [
              {
                extends: true,
                test: { name: 'unit', include: all, exclude: [wholeProcesses, realModels, onRay] },
              },
              {
                extends: true,
                test: { name: 'e2e', include: all, exclude: ['**/!(*.e2e).test.ts', realModels, onRay] },
              },
            ],
  },
}));
