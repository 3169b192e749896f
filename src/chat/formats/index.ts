/** Every tool-call format, and which one a chat template writes. */
import type { ToolFormat } from './format.ts';
import { hermes } from './hermes.ts';

/** @public New formats are named here. */
export const formats: Readonly<Record<string, ToolFormat>> = { hermes };

/** Texts that only templates of one format have; the first that is found decides. */
const MARKS: readonly (readonly [mark: string, format: ToolFormat])[] = [[hermes.call.open, hermes]];

/** A format, and why it is the one. */
export interface ChosenFormat {
  readonly format: ToolFormat;
  /** Clause that goes on from "tool-call format: hermes, ". */
  readonly reason: string;
}

/** The format of a chat template: of texts alone, so that it needs no conversation that the template accepts. */
export function formatOf(template: string): ChosenFormat {
  const found = MARKS.find(([mark]) => template.includes(mark));
  if (found !== undefined) {
    const [mark, format] = found;
    return { format, reason: `because the chat template writes ${mark}` };
  }
  return { format: hermes, reason: 'because the chat template writes calls in no way that is known' };
}
