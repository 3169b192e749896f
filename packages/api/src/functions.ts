/** Functions that a program hands to a model: schemas of any library, shown to the model as JSON Schema, which have the last word on calls. */
import { required } from '../../../src/base/errors.ts';
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import { fromJson } from '../../../src/json/python.ts';
import { JsonSchema } from '../../../src/json/schema.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import { functionsOfJson } from '../../fit/src/tools/functions.ts';
import { isSchema, jsonSchemaOf } from '../../fit/src/tools/standard.ts';

/** One thing that a schema has against a value. */
export interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type Validated =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

/** A schema of zod 4, ArkType, Valibot or others, as far as it is read here: https://standardschema.dev. */
interface StandardSchema {
  readonly '~standard': {
    readonly validate: (value: unknown) => Validated | Promise<Validated>;
  };
}

export interface FunctionDefinition {
  readonly description?: string | undefined;
  /** A schema of a library (zod 4 and others that have Standard JSON Schema), or plain JSON Schema. */
  readonly parameters?: object;
  /** Another name of `parameters`: the AI SDK's, and the Model Context Protocol's. */
  readonly inputSchema?: object;
}

export type Functions =
  | Readonly<Record<string, FunctionDefinition>>
  | readonly (FunctionDefinition & { readonly name: string })[];

type SchemaOf<D> = D extends { readonly parameters: infer S }
  ? S
  : D extends { readonly inputSchema: infer S }
    ? S
    : undefined;

/** Type of the values that a schema gives, its transforms included; of plain JSON Schema, any object. */
type OutputOf<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer O }
    ? O
    : JsonObject
  : JsonObject;

type CallNamed<D> = D extends { readonly name: infer N }
  ? { readonly name: N; readonly arguments: OutputOf<SchemaOf<D>> }
  : never;

/** Calls of some functions: which one it is says of which type its arguments are. */
export type CallOf<F extends Functions> = F extends readonly unknown[]
  ? CallNamed<F[number]>
  : { [K in keyof F & string]: CallNamed<F[K] & { readonly name: K }> }[keyof F & string];

/** A call that was written and is not among the calls, or what stands in its place. */
export interface CallFault {
  /** One sentence, also for the model to read. */
  readonly message: string;
  /** As it was written; absent where it cannot be read. */
  readonly call?: ToolCall;
  /** Objections of the schema. */
  readonly issues?: readonly Issue[];
}

/** A call whose arguments are what its schema makes of them, or what is wrong with it. */
export type Checked =
  | { readonly call: { readonly name: string; readonly arguments: unknown } }
  | { readonly fault: CallFault };

const isStandard = (schema: object | undefined): schema is StandardSchema =>
  schema !== undefined &&
  '~standard' in schema &&
  typeof (schema as StandardSchema)['~standard'].validate === 'function';

const schemaOf = ({ parameters, inputSchema }: FunctionDefinition): object | undefined =>
  parameters ?? inputSchema;

/** A function as `fit` shows functions to models; throws a UserError where nothing can be made of its schema. */
export function normalTool({ name, description, parameters }: Tool): Tool {
  const { functions } = functionsOfJson([fromJson({ name, description, parameters })], 'tools');
  return required(functions[0], 'the function');
}

/** Functions that were read: converting a schema takes as long as drawing a token. */
const known = new WeakMap<FunctionDefinition, Promise<Tool>>();

async function read(name: string, definition: FunctionDefinition): Promise<Tool> {
  const { description = '' } = definition;
  const schema = schemaOf(definition);
  if (schema === undefined) return { name, description, parameters: { type: 'object', properties: {} } };
  if (!isSchema(schema)) return { name, description, parameters: schema as JsonObject };
  const parameters = (await jsonSchemaOf(schema, name, `${process.cwd()}/`, 'tools')) as JsonObject;
  return normalTool({ name, description, parameters });
}

const wordsOf = (name: string, issues: readonly Issue[]): string => {
  const said = issues.map(({ message, path = [] }) => {
    const place = path.map((key) => String(typeof key === 'object' ? key.key : key)).join('.');
    return place === '' ? message : `${place}: ${message}`;
  });
  return `The arguments of ${name} are wrong: ${said.join('; ')}.`;
};

/** Functions as a model reads them, and as their calls are judged. */
export class FunctionSet {
  readonly tools: readonly Tool[];
  readonly #definitions: ReadonlyMap<string, FunctionDefinition>;

  private constructor(tools: readonly Tool[], definitions: ReadonlyMap<string, FunctionDefinition>) {
    this.tools = tools;
    this.#definitions = definitions;
  }

  /** Reads functions of a program; throws a UserError that names the one whose schema cannot be written as JSON Schema. */
  static async of(functions: Functions): Promise<FunctionSet> {
    const named = Array.isArray(functions)
      ? (functions as readonly (FunctionDefinition & { name: string })[]).map(
          (one) => [one.name, one] as const,
        )
      : Object.entries(functions as Readonly<Record<string, FunctionDefinition>>);
    const tools = named.map(([name, definition]) => {
      const before = known.get(definition);
      const tool = before ?? read(name, definition);
      known.set(definition, tool);
      return tool;
    });
    return new FunctionSet(await Promise.all(tools), new Map(named));
  }

  /** Lets the schema of a call's function look at its arguments: what it makes of them, or what it has against them. */
  async check(call: ToolCall): Promise<Checked> {
    const { name } = call;
    const definition = this.#definitions.get(name);
    if (definition === undefined) return { fault: { message: `There is no function ${name}.`, call } };
    const schema = schemaOf(definition);
    if (isStandard(schema)) {
      const result = await schema['~standard'].validate(call.arguments);
      if (result.issues === undefined) return { call: { name, arguments: result.value } };
      return { fault: { message: wordsOf(name, result.issues), call, issues: result.issues } };
    }
    const parameters = this.tools.find((tool) => tool.name === name)?.parameters ?? {};
    const issue = new JsonSchema(parameters).firstFault(call.arguments);
    if (issue === undefined) return { call };
    return { fault: { message: wordsOf(name, [issue]), call, issues: [issue] } };
  }
}
