/** Values in a recipe that a schema marks: paths, and names of models, stages and environments. */
import type { z } from 'zod';

type Schema = z.core.$ZodType;
type Path = readonly (string | number)[];

/** A marked value: where it stands, and its mark. */
export interface Place<Mark> {
  readonly path: Path;
  readonly value: string;
  readonly mark: Mark;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Tells whether a choice of a union is the one that `value` was written for, by its type and its literal keys. */
function isMeant(choice: Schema, value: unknown): boolean {
  const { def } = (choice as z.core.$ZodTypes)._zod;
  if (def.type === 'string') return typeof value === 'string';
  if (def.type !== 'object' || !isRecord(value)) return false;
  return Object.entries(def.shape).every(([key, inner]) => {
    const { def: innerDef } = (inner as z.core.$ZodTypes)._zod;
    return innerDef.type !== 'literal' || innerDef.values.some((literal) => literal === value[key]);
  });
}

/**
 * A copy of `value`, which need not be what `schema` wants, with `change` applied to every string that `marks` has a
 * mark for.
 */
export function mapPlaces<Mark extends z.core.GlobalMeta | object>(
  schema: Schema,
  value: unknown,
  marks: z.core.$ZodRegistry<Mark & z.core.$ZodRegistry['_meta']>,
  change: (place: Place<Mark>) => string,
  path: Path = [],
): unknown {
  const walk = (inner: Schema, part: unknown, ...more: Path): unknown =>
    mapPlaces(inner, part, marks, change, [...path, ...more]);
  const mark = marks.get(schema) as Mark | undefined;
  if (mark !== undefined && typeof value === 'string') return change({ path, value, mark });
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      return walk(def.innerType, value);
    case 'object':
      if (!isRecord(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, part]) => {
          const inner = def.shape[key];
          return [key, inner === undefined ? part : walk(inner, part, key)];
        }),
      );
    case 'record':
      if (!isRecord(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, part]) => [key, walk(def.valueType, part, key)]),
      );
    case 'array':
      return Array.isArray(value) ? value.map((part, i) => walk(def.element, part, i)) : value;
    case 'union': {
      const meant = def.options.find((choice) => isMeant(choice, value));
      return meant === undefined ? value : walk(meant, value);
    }
    default:
      return value;
  }
}

/** Every marked value, in the order of the recipe. */
export function placesIn<Mark extends object>(
  schema: Schema,
  value: unknown,
  marks: z.core.$ZodRegistry<Mark & z.core.$ZodRegistry['_meta']>,
): Place<Mark>[] {
  const found: Place<Mark>[] = [];
  mapPlaces<Mark>(schema, value, marks, (place) => {
    found.push(place);
    return place.value;
  });
  return found;
}
