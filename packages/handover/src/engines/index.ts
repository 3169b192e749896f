/** Every engine, by its name: a new one is one file beside this one and one line here. */
import type { Engine } from '../engine.ts';
import type { EngineName } from '../job.ts';
import { axolotl } from './axolotl.ts';
import { openrlhf } from './openrlhf.ts';
import { tinker } from './tinker.ts';
import { trl } from './trl.ts';
import { verl } from './verl.ts';

export const engines: Readonly<Record<EngineName, Engine>> = { trl, openrlhf, verl, axolotl, tinker };
