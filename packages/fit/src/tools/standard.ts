/**
 * JSON Schema of what JavaScript's libraries of schemas make: whatever has Standard JSON Schema (zod from 4.2, ArkType,
 * Valibot with its converter), and older zod and Valibot by the converters that are installed beside the module.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../../../src/base/errors.ts';
import { isFields, type Fields } from '../../../../src/json/value.ts';

/** A schema of a library: an object, or a function as ArkType's are. */
type Schema = Fields;

const standardOf = (value: unknown): Fields | undefined => {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const standard = (value as Fields)['~standard'];
  return isFields(standard) ? standard : undefined;
};

const vendorOf = (value: unknown): string => {
  const vendor = standardOf(value)?.['vendor'];
  return typeof vendor === 'string' ? vendor : '';
};

/** Tells whether a value is a schema of a library, and no JSON. */
export function isSchema(value: unknown): value is Schema {
  if (standardOf(value) !== undefined) return true;
  return isFields(value) && (isFields(value['_zod']) || isFields(value['_def'])) && 'parse' in value;
}

type Convert = (schema: unknown, options?: object) => unknown;

/** A function that a package beside the module exports; undefined where it is not installed. */
async function besides(path: string, name: string, exported: string): Promise<Convert | undefined> {
  try {
    const place = createRequire(pathToFileURL(path)).resolve(name);
    const found = (await import(pathToFileURL(place).href)) as Fields;
    const inner = found[exported] ?? (found['default'] as Fields | undefined)?.[exported];
    return typeof inner === 'function' ? (inner as Convert) : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces what JSON cannot hold by what JSON has in its place: a date is its text, a bigint a whole number. */
const ZOD_OPTIONS = {
  io: 'input',
  unrepresentable: 'any',
  override({ zodSchema, jsonSchema }: { zodSchema: Fields; jsonSchema: Record<string, unknown> }): void {
    const internals = isFields(zodSchema['_zod']) ? zodSchema['_zod'] : {};
    const { type } = isFields(internals['def']) ? internals['def'] : {};
    if (type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
    if (type === 'bigint') Object.assign(jsonSchema, { type: 'integer' });
  },
};

/**
 * A schema as JSON Schema; `path` is the module's, beside which converters are looked for, and `name` and `where` are for messages.
 * Throws a UserError that says what is missing.
 */
export async function jsonSchemaOf(
  schema: Schema,
  name: string,
  path: string,
  where = path,
): Promise<unknown> {
  const refusal = (how: string): UserError =>
    new UserError('TOOLS', `${where}: the schema of ${name} ${how}`);
  const vendor = vendorOf(schema);
  const standard = standardOf(schema)?.['jsonSchema'];
  const convert = isFields(standard) ? standard['input'] : undefined;
  try {
    if (typeof convert === 'function')
      return (convert as Convert).call(standard, {
        target: 'draft-2020-12',
        ...(vendor === 'zod' ? { libraryOptions: ZOD_OPTIONS } : {}),
      });
    if (isFields(schema['_zod'])) {
      const own = await besides(path, 'zod', 'toJSONSchema');
      return (own ?? ((await import('zod')).toJSONSchema as Convert))(schema, ZOD_OPTIONS);
    }
    if (vendor === 'zod' || isFields(schema['_def'])) {
      const old = await besides(path, 'zod-to-json-schema', 'zodToJsonSchema');
      if (old !== undefined) return old(schema, { target: 'jsonSchema2019-09', $refStrategy: 'root' });
      throw refusal('is of zod 3; go to zod 4, or install zod-to-json-schema beside it.');
    }
    if (vendor === 'valibot') {
      const valibot = await besides(path, '@valibot/to-json-schema', 'toJsonSchema');
      if (valibot !== undefined) return valibot(schema, { errorMode: 'ignore' });
      throw refusal('is of Valibot; install @valibot/to-json-schema beside it.');
    }
    if (typeof schema['toJsonSchema'] === 'function')
      return (schema['toJsonSchema'] as Convert).call(schema, schema);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const why = thrown instanceof Error ? thrown.message.replace(/\.$/, '') : String(thrown);
    throw refusal(`cannot be written as JSON Schema (${why}); use types that JSON has.`);
  }
  throw refusal(
    `is of ${vendor === '' ? 'a library' : vendor}, which does not say its JSON Schema; export that in its place.`,
  );
}
