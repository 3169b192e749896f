/** Every tool-call format. */
import type { ToolFormat } from './format.ts';
import { hermes } from './hermes.ts';

/** @public New formats are named here. */
export const formats: Record<string, ToolFormat> = {
  hermes,
};

/** The format of the checkpoints that are read today. */
export const FORMAT: ToolFormat = hermes;
