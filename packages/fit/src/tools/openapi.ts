/**
 * Functions of an OpenAPI document (3.0, 3.1, and Swagger 2.0): an operation each, whose path, query and body become one
 * table of arguments. Headers and cookies are a matter of the program that calls, and are left out.
 */
import type { Note } from '../types.ts';
import type { GivenFunction } from './functions.ts';
import {
  entriesOf,
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  without,
  withoutGaps,
} from './json.ts';
import { References } from './references.ts';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
/** Kinds of bodies, the best first. */
const BODIES = [/^application\/json/, /json/, /x-www-form-urlencoded/, /multipart/, /.*/];
/** Words of a parameter of Swagger 2.0 that are not of its schema. */
const NO_SCHEMA = ['name', 'in', 'required', 'collectionFormat', 'allowEmptyValue'];
/** Characters of a name that servers take. */
const LONGEST_NAME = 64;

interface Argument {
  readonly name: string;
  readonly schema: JsonValue;
  readonly isRequired: boolean;
}

const textAt = (value: JsonObject, key: string): string => {
  const text = value[key];
  return typeof text === 'string' ? text.trim() : '';
};

/** A name of letters, digits and underscores. */
const plainName = (text: string): string =>
  text
    .replaceAll(/[^A-Za-z0-9_-]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, LONGEST_NAME);

/** Name of an operation that has none: get_pets_by_id of GET /pets/{id}. */
const nameOf = (method: string, path: string): string =>
  plainName(`${method}_${path.replaceAll(/\{([^}]+)\}/g, 'by_$1')}`).replaceAll(/_{2,}/g, '_');

/** The first paragraph of a text in Markdown. */
const firstParagraph = (text: string): string =>
  (text.split(/\n\s*\n/)[0] ?? '').replaceAll(/\s+/g, ' ').trim();

class Document {
  readonly #root: JsonObject;
  readonly #references: References;
  readonly #names = new Set<string>();
  readonly notes: Note[] = [];
  readonly faults: string[] = [];

  constructor(root: JsonObject) {
    this.#root = root;
    this.#references = new References([root]);
  }

  /** A part with its reference followed. */
  #whole(value: JsonValue | undefined, where: string): JsonObject {
    if (!isObject(value)) return {};
    const read = this.#references.whole({ schema: value, refs: [] }, (reference) =>
      this.faults.push(`${where} refers to ${reference}, which is not there`),
    );
    return typeof read === 'string' ? {} : read.schema;
  }

  /** The name, or one like it where another operation has it: names are cut, and ids may be the same in old documents. */
  #unused(name: string): string {
    let free = name;
    for (let number = 2; this.#names.has(free); number++) {
      const end = `_${number}`;
      free = name.slice(0, LONGEST_NAME - end.length) + end;
    }
    this.#names.add(free);
    return free;
  }

  functions(): GivenFunction[] {
    return entriesOf(this.#root['paths']).flatMap(([path, item]) => {
      const shared = this.#whole(item, path);
      return METHODS.flatMap((method) => {
        const operation = shared[method];
        if (!isObject(operation)) return [];
        const name = this.#unused(plainName(textAt(operation, 'operationId')) || nameOf(method, path));
        if (operation['deprecated'] === true) {
          this.notes.push({ where: name, text: 'is deprecated and left out' });
          return [];
        }
        return [this.#function(name, operation, [shared['parameters'], operation['parameters']])];
      });
    });
  }

  #function(name: string, operation: JsonObject, lists: readonly (JsonValue | undefined)[]): GivenFunction {
    const given = lists.flatMap((list) => (isArray(list) ? list : [])).map((one) => this.#whole(one, name));
    const known = new Map(given.map((one) => [`${textAt(one, 'in')} ${textAt(one, 'name')}`, one]));
    const args: Argument[] = [];
    let body: JsonValue | undefined;
    for (const parameter of known.values()) {
      const place = textAt(parameter, 'in');
      if (place === 'body') body = parameter['schema'];
      else if (place === 'header' || place === 'cookie') this.#tellHeader(name, parameter);
      else args.push(this.#argument(parameter));
    }
    const request = this.#whole(operation['requestBody'], name);
    const isOptional = request['required'] === false;
    body ??= this.#bodyOf(request['content']);
    const parameters = this.#parameters(args, body, isOptional, name);
    const description = textAt(operation, 'summary') || firstParagraph(textAt(operation, 'description'));
    return { name, description, parameters, roots: [this.#root] };
  }

  #tellHeader(name: string, parameter: JsonObject): void {
    if (parameter['required'] !== true) return;
    const header = textAt(parameter, 'name');
    this.notes.push({ where: name, text: `needs the header ${header}, which your program must add` });
  }

  #argument(parameter: JsonObject): Argument {
    const written = parameter['schema'] ?? this.#bodyOf(parameter['content']);
    const schema = written ?? without(parameter, ...NO_SCHEMA);
    const description = textAt(parameter, 'description');
    const own = withoutGaps({
      description: description === '' ? undefined : description,
      example: parameter['example'],
    });
    return {
      name: textAt(parameter, 'name'),
      schema: isObject(schema) ? { ...schema, ...own } : schema,
      isRequired: parameter['required'] === true,
    };
  }

  /** The schema of the best kind of contents. */
  #bodyOf(content: JsonValue | undefined): JsonValue | undefined {
    const kinds = entriesOf(content);
    const best = BODIES.map((kind) => kinds.find(([name]) => kind.test(name))).find(
      (one) => one !== undefined,
    );
    return isObject(best?.[1]) ? best[1]['schema'] : undefined;
  }

  #parameters(
    args: readonly Argument[],
    body: JsonValue | undefined,
    isOptional: boolean,
    name: string,
  ): JsonObject {
    const table = {
      type: 'object',
      properties: Object.fromEntries(args.map((one) => [one.name, one.schema])),
      required: args.flatMap((one) => (one.isRequired ? [one.name] : [])),
    };
    if (body === undefined) return table;
    const whole = this.#whole(body, name);
    const isTable = isObject(whole['properties']) || isArray(whole['oneOf']) || isArray(whole['anyOf']);
    if (!isTable) {
      const required = isOptional ? table.required : [...table.required, 'body'];
      return { ...table, properties: { ...table.properties, body }, required };
    }
    if (!isOptional) return { ...table, allOf: [body] };
    return { ...table, allOf: [without(whole, 'required')] };
  }
}

/** Tells whether a document is OpenAPI's. */
export const isOpenApi = (value: JsonValue): value is JsonObject =>
  isObject(value) &&
  (value['openapi'] !== undefined || value['swagger'] !== undefined) &&
  isObject(value['paths']);

/** The operations of a document as functions, with notes on them, and sentences about references that lead nowhere. */
export function functionsOfOpenApi(root: JsonObject): {
  readonly given: readonly GivenFunction[];
  readonly notes: readonly Note[];
  readonly faults: readonly string[];
} {
  const document = new Document(root);
  const given = document.functions();
  return { given, notes: document.notes, faults: document.faults };
}
