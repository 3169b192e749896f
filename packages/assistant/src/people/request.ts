/** Requests of people as files have them. */
import { z } from 'zod';

/** A request with its calls, whose values are words of it; no calls where nothing is to be done. */
export const requestSchema = z.object({
  request: z.string(),
  calls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.string()) })),
});
export type PeopleRequest = z.output<typeof requestSchema>;
