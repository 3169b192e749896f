/** Options of stages in which models call functions of an environment. */
import { count, refersTo } from './stage.ts';

export const environmentOption = refersTo('environment').describe(
  "the name of one of the recipe's environments",
);
export const maxTurnsOption = count.default(5).describe('turns of the assistant in a conversation');
