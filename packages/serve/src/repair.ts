/** Arguments put right by their schemas where what was meant is beyond doubt, and told: 140.0 for an integer, "5" for a number. */
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import type { TurnCall } from '../../environments/src/turn.ts';
import { dumps } from '../../../src/json/dumps.ts';
import { fromJson, isDict, isList, type PyValue, toJsonObject } from '../../../src/json/python.ts';
import { JsonSchema } from '../../../src/json/schema.ts';

const NUMBER = /^-?\d+(?:\.\d+)?$/;

/** A value as its schema has it; itself where that leaves any doubt. */
function meant(value: PyValue, schema: PyValue | undefined): PyValue {
  if (!isDict(schema)) return value;
  const type = schema.get('type') ?? null;
  const types = isList(type) ? type : [type];
  const is = (name: string): boolean => types.includes(name);
  const values = schema.get('enum');
  if (typeof value === 'string' && !is('string')) {
    if ((is('integer') || is('number')) && NUMBER.test(value.trim())) return meant(Number(value), schema);
    if (is('boolean') && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  }
  // An int is a bigint here, and a float a number, however it is written.
  if (typeof value === 'number' && is('integer') && Number.isInteger(value)) return BigInt(value);
  if (
    (typeof value === 'number' || typeof value === 'bigint') &&
    is('string') &&
    !is('number') &&
    !is('integer')
  )
    return String(value);
  if (is('array') && !isList(value) && value !== null) return [meant(value, schema.get('items'))];
  if (isList(value) && is('array')) return changed(value, (item) => meant(item, schema.get('items')));
  if (typeof value === 'string' && isList(values) && !values.includes(value)) {
    const said = value.trim().toLowerCase();
    const same = values.filter((one) => typeof one === 'string' && one.toLowerCase() === said);
    return same.length === 1 ? (same[0] ?? value) : value;
  }
  return value;
}

/** A list with other items; itself where none is another. */
function changed(items: readonly PyValue[], by: (item: PyValue) => PyValue): readonly PyValue[] {
  const others = items.map(by);
  return others.some((other, i) => other !== items[i]) ? others : items;
}

/** Calls that can be made, their arguments repaired where they do not obey their schemas, with a sentence for each repair. */
export function repaired(
  calls: readonly TurnCall[],
  tools: readonly Tool[],
): { readonly calls: readonly ToolCall[]; readonly repairs: readonly string[] } {
  const repairs: string[] = [];
  const all = calls.flatMap((call): ToolCall[] => {
    if (call.kind === 'broken') return [];
    const { name, given, written } = call;
    const parameters = fromJson(tools.find((tool) => tool.name === name)?.parameters ?? {});
    const properties = parameters.get('properties');
    if (!isDict(properties) || !isDict(written.arguments)) return [{ name, arguments: given }];
    const fixed = new Map(
      [...written.arguments].map(([key, value]) => [key, meant(value, properties.get(key))] as const),
    );
    const others = [...fixed].filter(
      ([key, value]) => value !== (written.arguments as typeof fixed).get(key),
    );
    // Values that the schema allows as they stand are let be, but for how a whole number is written.
    const schema = JsonSchema.ofParameters(parameters);
    const isRight = schema.fault(written.arguments) === undefined;
    for (const [key, value] of others) {
      const was = written.arguments.get(key) ?? null;
      if (isRight && typeof was !== 'number') fixed.set(key, was);
      else repairs.push(`${name}: ${key} was ${dumps(was)}, and is ${dumps(value)}.`);
    }
    return [{ name, arguments: toJsonObject(fixed) }];
  });
  return { calls: all, repairs };
}
