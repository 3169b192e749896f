/** The two published revisions of ACEBench: they differ in a few entries and in how replies are read. */

/** `2025-08` is the first one (ACEBench/ACEBench), `2025-10` its successor (chenchen0103/ACEBench). */
export const REVISIONS = ['2025-08', '2025-10'] as const;

export type Revision = (typeof REVISIONS)[number];
