/** Every benchmark, by the name of its command and its kind of stage. A new one is a folder here and a line in this table. */
import { acebench } from './acebench/index.ts';
import { bfcl } from './bfcl/index.ts';

export const benchmarks = { bfcl, acebench } as const;
