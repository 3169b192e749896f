import { defineConfig } from 'vitest/config';

const wholeProcesses = '**/*.e2e.test.ts';

export default defineConfig({
  test: {
    // Tests share the cores with ggml's own threads: one file at a time is faster than several that fight.
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
    projects: [
      { extends: true, test: { name: 'unit', exclude: [wholeProcesses] } },
      { extends: true, test: { name: 'e2e', exclude: [`**/!(*.e2e).test.ts`] } },
    ],
  },
});
