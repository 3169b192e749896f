/** What a worker is asked and what it answers: plain data, one answer a question. */
import { z } from 'zod';
import type { JsonObject } from '../json/value.ts';
import type { Limits, ProblemRequest } from './environment.ts';

export interface Call {
  readonly name: string;
  readonly given: JsonObject;
}

/** What a worker is started with. */
export interface WorkerStart {
  /** File URL of the module. */
  readonly module: string;
  readonly limits: Limits;
}

export type Question =
  | { readonly kind: 'describe' }
  | ({ readonly kind: 'problems' } & ProblemRequest)
  | {
      readonly kind: 'call';
      readonly session: number;
      readonly call: Call;
      /** For a session that this worker does not know: its setting, and the calls that were made in it before. */
      readonly from: { readonly setting: JsonObject; readonly calls: readonly Call[] } | undefined;
    }
  | { readonly kind: 'close'; readonly session: number };

export const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('value'), id: z.int(), value: z.unknown() }),
  /** The environment itself is at fault; the message is for people. */
  z.object({ kind: z.literal('fault'), id: z.int(), message: z.string() }),
]);
export type Answer = z.output<typeof answerSchema>;

export const describedSchema = z.object({
  name: z.string(),
  description: z.string(),
  tools: z.array(
    z.object({ name: z.string(), description: z.string(), parameters: z.record(z.string(), z.json()) }),
  ),
});

export const resultSchema = z.object({ text: z.string(), ok: z.boolean() });
