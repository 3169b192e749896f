/** Tools as users keep them: a JSON list of {name, description, parameters}, or the same as OpenAI's API wraps it. */
import { z } from 'zod';
import { errorText, UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import type { Tool } from '../chat/messages.ts';
import type { JsonValue } from '../json/value.ts';

const jsonValue: z.ZodType<JsonValue> = z.json();

const toolSchema = z.object({
  name: z.string().min(1),
  description: z.string().default(''),
  parameters: z.record(z.string(), jsonValue).default({ type: 'object', properties: {} }),
});

const entrySchema = z.union([
  z.object({ type: z.literal('function'), function: toolSchema }).transform((wrapped) => wrapped.function),
  toolSchema,
]);

/** Reads a tools file; throws a UserError that names the tool that is wrong. */
export function readTools(path: string): Tool[] {
  let value: unknown;
  try {
    value = JSON.parse(readText(path));
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'TOOLS',
      `${path} is not JSON (${errorText(thrown)}); it must hold a list of tools.`,
      { cause: thrown },
    );
  }
  if (!Array.isArray(value)) throw new UserError('TOOLS', `${path} must hold a JSON list of tools.`);
  return value.map((entry: unknown, index) => {
    const parsed = entrySchema.safeParse(entry);
    if (parsed.success) return parsed.data;
    throw new UserError(
      'TOOLS',
      `Tool ${index + 1} of ${path} must be an object with a name, a description and parameters (a JSON Schema); correct it.`,
    );
  });
}
