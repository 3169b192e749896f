/**
 * Scores that STAR's authors published (arXiv 2602.03022), for the rows beside one's own. They were taken from the table in the
 * reference repository and from notes on the paper, and were not measured again: its evaluation code, the language of ACEBench and the
 * setting of thinking are not public.
 */
export const SOURCE =
  'STAR (arXiv 2602.03022), as published; read from its repository’s table and from notes on the paper, not measured again';

/** Percentages; Non-Live is the mean of the syntax-tree categories, without irrelevance. */
export interface PublishedBfcl {
  readonly model: string;
  readonly overall: number;
  readonly nonLive?: number;
  readonly live?: number;
  readonly multiTurn?: number;
  readonly remark?: string;
}

/** BFCL v3: 0.6B students by method, then models of which only the overall score is known. */
export const PUBLISHED_BFCL: readonly PublishedBfcl[] = [
  { model: 'Qwen3-0.6B', overall: 47.33, nonLive: 71.81, live: 65.66, multiTurn: 1.88 },
  { model: 'Qwen3-0.6B, SFT', overall: 44.58, nonLive: 66.29, live: 62.15, multiTurn: 1.62 },
  { model: 'Qwen3-0.6B, SFT with thoughts', overall: 47.59, nonLive: 71.54, live: 64.46, multiTurn: 4.5 },
  { model: 'Qwen3-0.6B, FKL', overall: 49.51, nonLive: 76.44, live: 65.93, multiTurn: 5.12 },
  { model: 'Qwen3-0.6B, ToolRL', overall: 47.35, nonLive: 64.81, live: 66.55, multiTurn: 6.75 },
  {
    model: 'Qwen3-0.6B, LUFFY',
    overall: 49.23,
    nonLive: 76.75,
    live: 64.59,
    multiTurn: 5.48,
    remark: 'its Multi Turn is no multiple of 1/800',
  },
  { model: 'Qwen3-0.6B, GKD', overall: 47.32, nonLive: 67.62, live: 67.61, multiTurn: 3.25 },
  {
    model: 'Qwen3-0.6B, CKD',
    overall: 49.84,
    nonLive: 75.92,
    live: 66.15,
    multiTurn: 5.62,
    remark: '49.56 in the paper’s ablations',
  },
  { model: 'Qwen3-0.6B, Sim-RL alone', overall: 49.35, nonLive: 75.21, live: 67.39, multiTurn: 3.25 },
  { model: 'STAR-0.6B', overall: 51.7, nonLive: 78.65, live: 68.19, multiTurn: 7 },
  { model: 'Qwen3-1.7B', overall: 54.7 },
  { model: 'STAR-1.7B', overall: 56.05 },
  { model: 'Qwen3-4B', overall: 63.39 },
  { model: 'STAR-4B', overall: 65.24 },
  { model: 'Qwen3-8B', overall: 66.34 },
  { model: 'Teacher-8B, Qwen3-8B after Sim-RL', overall: 67.74 },
];

/** ACEBench, its Normal score in per cent. */
export const PUBLISHED_ACEBENCH: readonly {
  readonly model: string;
  readonly normal: number;
  readonly remark?: string;
}[] = [
  { model: 'Qwen3-0.6B', normal: 27.2 },
  { model: 'Qwen3-0.6B, SFT', normal: 2.1 },
  { model: 'Qwen3-0.6B, FKL', normal: 36.8 },
  { model: 'Qwen3-0.6B, LUFFY', normal: 44.4 },
  { model: 'Qwen3-0.6B, GKD', normal: 40.1 },
  { model: 'Qwen3-0.6B, CKD', normal: 39 },
  { model: 'STAR-0.6B', normal: 53, remark: 'the mean of its twelve parts, as published, is 52.65' },
  { model: 'Qwen3-1.7B', normal: 51.6 },
  { model: 'STAR-1.7B', normal: 60.9 },
  { model: 'Qwen3-4B', normal: 71.8 },
  { model: 'STAR-4B', normal: 74.1 },
  { model: 'Qwen3-8B', normal: 72.9 },
  { model: 'Teacher-8B, Qwen3-8B after Sim-RL', normal: 72.7 },
];
