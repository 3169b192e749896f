/** Every engine, by its name: a new one is one file beside this one and one line here. */
import type { Engine } from '../engine.ts';
import type { EngineName } from '../job.ts';
import { trl } from './trl.ts';

export const engines: Readonly<Record<EngineName, Engine>> = { trl } as never;
