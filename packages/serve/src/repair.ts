/** Arguments put right by their schemas where what was meant is beyond doubt, and told: 140.0 for an integer, "5" for a number. */
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import { JsonSchema } from '../../../src/json/schema.ts';
import { isFields, type JsonObject, type JsonValue } from '../../../src/json/value.ts';

const NUMBER = /^-?\d+(?:\.\d+)?$/;

/** A value as its schema has it; itself where that leaves any doubt. */
function meant(value: JsonValue, schema: JsonValue | undefined): JsonValue {
  if (!isFields(schema)) return value;
  const types = [schema['type']].flat();
  const is = (type: string): boolean => types.includes(type);
  if (typeof value === 'string' && !is('string')) {
    if ((is('integer') || is('number')) && NUMBER.test(value.trim())) return Number(value);
    if (is('boolean') && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  }
  if (typeof value === 'number' && is('string') && !is('number') && !is('integer')) return String(value);
  if (is('array') && !Array.isArray(value) && value !== null)
    return [meant(value, schema['items'] as JsonValue)];
  if (typeof value === 'string' && Array.isArray(schema['enum']) && !schema['enum'].includes(value)) {
    const same = schema['enum'].filter(
      (one): one is string => typeof one === 'string' && one.toLowerCase() === value.trim().toLowerCase(),
    );
    return same.length === 1 ? (same[0] ?? value) : value;
  }
  return value;
}

/** Calls whose arguments are repaired where they do not obey their schemas, with a sentence for each repair. */
export function repaired(
  calls: readonly ToolCall[],
  tools: readonly Tool[],
): { readonly calls: readonly ToolCall[]; readonly repairs: readonly string[] } {
  const repairs: string[] = [];
  const all = calls.map((call): ToolCall => {
    const parameters = tools.find(({ name }) => name === call.name)?.parameters;
    if (parameters === undefined || !isFields(parameters['properties'])) return call;
    if (new JsonSchema(parameters).firstFault(call.arguments) === undefined) return call;
    const properties = parameters['properties'];
    const entries = Object.entries(call.arguments).map(([key, value]) => {
      const other = meant(value, properties[key] as JsonValue | undefined);
      if (other !== value)
        repairs.push(`${call.name}: ${key} was ${JSON.stringify(value)}, and is ${JSON.stringify(other)}.`);
      return [key, other] as const;
    });
    return { name: call.name, arguments: Object.fromEntries(entries) as JsonObject };
  });
  return { calls: all, repairs };
}
