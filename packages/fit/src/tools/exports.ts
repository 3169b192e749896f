/**
 * Functions among the exports of a module: tools as libraries define them ({description, inputSchema, execute}, OpenAI's,
 * the AI SDK's, MCP's, LangChain's, Mastra's), lists and tables of them, or bare schemas of objects under their names.
 */
import { UserError } from '../../../../src/base/errors.ts';
import { isFields, type Fields } from '../../../../src/json/value.ts';
import { isSchema, jsonSchemaOf } from './standard.ts';

/** Names under which tools of libraries have the schema of their arguments. */
const SCHEMAS = [
  'inputSchema',
  'parameters',
  'input_schema',
  'schema',
  'input',
  'args',
  'parametersSchema',
] as const;
/** Names under which they have examples of their arguments. */
const EXAMPLES = ['inputExamples', 'input_examples'] as const;

/** A tool of a module, as JSON. */
export type Exported = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Fields =>
  isFields(value) &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);

const isJsonSchema = (value: unknown): value is Fields =>
  isTable(value) &&
  (value['type'] === 'object' || isTable(value['properties']) || typeof value['$ref'] === 'string');

/** A table of schemas by the names of arguments, as MCP's servers register tools. */
const isShape = (value: unknown): value is Fields =>
  isTable(value) && Object.keys(value).length > 0 && Object.values(value).every(isSchema);

const textAt = (value: Fields, ...keys: readonly string[]): string | undefined =>
  keys.map((key) => value[key]).find((text): text is string => typeof text === 'string' && text !== '');

class Exports {
  readonly #path: string;
  readonly #seen = new Set<unknown>();
  readonly #names = new Map<unknown, string>();

  constructor(path: string) {
    this.#path = path;
  }

  /** The JSON Schema of arguments; undefined if a value is none. */
  async #parameters(value: unknown, name: string): Promise<unknown> {
    if (isSchema(value)) return jsonSchemaOf(value, name, this.#path);
    if (isShape(value)) {
      const parts = Object.entries(value).map(async ([key, schema]) => {
        const part = await jsonSchemaOf(schema as Fields, `${name}.${key}`, this.#path);
        const isOptional =
          typeof (schema as Fields)['isOptional'] === 'function' ? callTrue(schema as Fields) : false;
        return { key, part, isOptional };
      });
      const read = await Promise.all(parts);
      return {
        type: 'object',
        properties: Object.fromEntries(read.map(({ key, part }) => [key, part])),
        required: read.flatMap(({ key, isOptional }) => (isOptional ? [] : [key])),
      };
    }
    // The AI SDK's jsonSchema(...), whose schema may come later.
    if (isFields(value) && 'jsonSchema' in value) return await value['jsonSchema'];
    return isJsonSchema(value) ? value : undefined;
  }

  /** The tool that a value is; undefined if it is none. */
  async tool(value: unknown, key: string): Promise<Exported | undefined> {
    if (!isFields(value) || isSchema(value)) return undefined;
    if (isFields(value['function']) && textAt(value['function'], 'name') !== undefined)
      return this.tool(value['function'], key);
    const name = textAt(value, 'name', 'id') ?? key;
    for (const word of SCHEMAS) {
      const parameters = await this.#parameters(value[word], name);
      if (parameters === undefined) continue;
      const own = isFields(parameters) ? textAt(parameters, 'description') : undefined;
      const examples = EXAMPLES.map((one) => value[one]).find(Array.isArray);
      const description = textAt(value, 'description') ?? own ?? textAt(value, 'title') ?? '';
      return {
        name,
        description,
        parameters,
        ...(examples === undefined ? {} : { inputExamples: examples }),
      };
    }
    const isNamed = textAt(value, 'name') !== undefined && textAt(value, 'description') !== undefined;
    return isNamed ? { name, description: textAt(value, 'description') } : undefined;
  }

  /** Tools of a value: itself, or what a list or table of it holds. */
  async tools(value: unknown, key: string): Promise<Exported[]> {
    if (this.#seen.has(value)) return [];
    this.#seen.add(value);
    const tool = await this.tool(value, key);
    if (tool !== undefined) return [tool];
    if (!Array.isArray(value) && !isTable(value)) return [];
    const found: Exported[] = [];
    for (const [name, inner] of Object.entries(value)) {
      if (isSchema(inner)) found.push(...(await this.schema(inner, name)));
      else found.push(...(await this.tools(inner, name)));
    }
    return found;
  }

  /** The function that a bare schema of an object is; none for a schema of anything else, such as a part of another. */
  async schema(schema: Fields, name: string): Promise<Exported[]> {
    const known = this.#names.get(schema);
    if (known !== undefined) return [];
    this.#names.set(schema, name);
    const parameters = await jsonSchemaOf(schema, name, this.#path);
    if (!isFields(parameters) || parameters['type'] !== 'object') return [];
    const description = textAt(parameters, 'description') ?? '';
    return [{ name: textAt(parameters, 'title') ?? name, description, parameters }];
  }
}

function callTrue(schema: Fields): boolean {
  return (schema['isOptional'] as () => unknown).call(schema) === true;
}

/** Tools of a module at `path`: of its default export, or else all that it exports by name. Throws a UserError. */
export async function toolsOfExports(exported: Fields, path: string): Promise<readonly Exported[]> {
  const exports = new Exports(path);
  const { default: main, ...named } = exported;
  const byDefault = isSchema(main)
    ? await exports.schema(main, 'default')
    : await exports.tools(main, 'default');
  if (byDefault.length > 0) return byDefault;
  const tools: Exported[] = [];
  for (const [name, value] of Object.entries(named))
    if (!isSchema(value)) tools.push(...(await exports.tools(value, name)));
  if (tools.length > 0) return tools;
  for (const [name, value] of Object.entries(named))
    if (isSchema(value)) tools.push(...(await exports.schema(value, name)));
  if (tools.length > 0) return tools;
  const names = Object.keys(exported).join(', ');
  throw new UserError(
    'TOOLS',
    `${path} exports no function (${names === '' ? 'nothing at all' : names}); export schemas of objects by name, or tools with a description and inputSchema.`,
  );
}
