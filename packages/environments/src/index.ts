/** The environments that come with tinystar. A new one is a folder beside this file and one line here. */
import type { Environment } from './environment.ts';
import { arithmetic } from './arithmetic/index.ts';
import { logic } from './logic/index.ts';

export const environments = { arithmetic, logic } as const satisfies Record<string, Environment>;
