/** Options that a program passes, checked by the same schemas as those of recipes. */
import type { z } from 'zod';
import { UserError } from '../base/errors.ts';

/** Parses options with their defaults; throws a UserError that lists all that is wrong, and in which function's options. */
export function parseOptions<S extends z.ZodType>(schema: S, given: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => [...path.map(String), message].join(': '));
  throw new UserError('OPTIONS', `${where} was given wrong options: ${faults.join('; ')}.`);
}
