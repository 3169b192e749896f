/**
 * Parameters in the one form that cases are made from: every schema has one `type`, or `anyOf` where several are left.
 * References and `allOf` are written out; `const` is an enumeration of one; `oneOf`, lists of types and `nullable` are `anyOf` or
 * gone. An argument that may be left out is never null, since leaving it out says the same. Every other loss is told.
 */
import {
  entriesOf,
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  textOf,
  withoutGaps,
} from './json.ts';
import { JsonSchema } from '../../../../src/json/schema.ts';
import { descriptionOf } from './descriptions.ts';
import { References, type Site } from './references.ts';
import { isOfType, readEnum, typesOf } from './types.ts';
import { unionOf } from './unions.ts';
import { keptExamples, keptWords, tellConditions } from './words.ts';

/** Schemas that one function may have in all: more are cut, as a table that grows by its references can be endless. */
const MOST_PARTS = 300;
/** Depth of objects and lists in each other that a tiny model still writes, and beyond which they are left out. */
const DEEP = 3;
const DEEPEST = 8;
/** Values of an enumeration above which it is told that they make the prompt long. */
const MANY_VALUES = 60;

export interface Tellers {
  /** Is told what is lost, or hard to learn, at a parameter's path. */
  note(path: string, text: string): void;
  /** Is told what cannot be read at all. */
  fault(path: string, text: string): void;
}

/** A schema that was read: undefined where there is no value of it that ends. */
interface Read {
  readonly schema: JsonObject | undefined;
  readonly isNullable: boolean;
  /** True for a list that can only be empty. */
  readonly isHollow?: boolean;
}

const NOTHING: Read = { schema: undefined, isNullable: false };
const inside = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

export class Canonical {
  readonly #references: References;
  readonly #tell: Tellers;
  #parts = 0;
  #isToldRecursive = false;

  constructor(roots: readonly JsonObject[], tell: Tellers) {
    this.#references = new References(roots);
    this.#tell = tell;
  }

  /** The parameters of a function; undefined where no arguments can be right. */
  parameters(schema: JsonObject): JsonObject | undefined {
    const whole = this.#references.whole({ schema, refs: [] }, (reference) =>
      this.#unresolved('', reference),
    );
    if (typeof whole === 'string') return undefined;
    const flat = this.#flattened(whole);
    const { schema: read } = this.#object(flat, '', 0);
    if (read === undefined) return undefined;
    const { type, properties = {}, required = [], description: _, ...rest } = read;
    return { type: type ?? 'object', properties, required, ...rest };
  }

  #noteAt(path: string): (text: string) => void {
    return (text) => this.#tell.note(path, text);
  }

  #unresolved(path: string, reference: string): void {
    const why = reference.startsWith('#')
      ? 'which is not there; add it, or write the schema out'
      : 'which is in another file; put all in one file first, as "npx @redocly/cli bundle" does';
    this.#tell.fault(path, `refers to ${reference}, ${why}`);
  }

  /** Alternatives of whole argument tables as one table: what all need is needed, and what any has may be given. */
  #flattened(site: Site): Site {
    const { anyOf, oneOf, ...own } = site.schema;
    const given = [anyOf, oneOf].find(isArray)?.filter(isObject) ?? [];
    if (given.length === 0) return site;
    const refs = [...site.refs];
    const branches = given.flatMap((schema) => {
      const whole = this.#references.whole({ schema, refs: site.refs }, (name) => this.#unresolved('', name));
      if (typeof whole === 'string') return [];
      refs.push(...whole.refs.slice(site.refs.length));
      return [whole.schema];
    });
    const needs = branches.map((branch) => (isArray(branch['required']) ? branch['required'] : []));
    const shared = (needs[0] ?? []).filter((name) => needs.every((names) => names.includes(name)));
    const tables = [own, ...branches].map((branch) => branch['properties']).filter(isObject);
    const names = [...new Set(tables.flatMap((table) => Object.keys(table)))];
    const properties = names.map((name): [string, JsonValue] => {
      const schemas = tables.flatMap((table) => (Object.hasOwn(table, name) ? [table[name] ?? true] : []));
      const texts = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]));
      const [only] = texts.values();
      return [name, texts.size === 1 && only !== undefined ? only : { anyOf: [...texts.values()] }];
    });
    this.#tell.note(
      '',
      `takes one of ${given.length} sets of arguments, which is read as one set with all of them; a function for each set is learnt better`,
    );
    const required = [...(isArray(own['required']) ? own['required'] : []), ...shared];
    return { schema: { ...own, properties: Object.fromEntries(properties), required }, refs };
  }

  /** Reads the schema of a value at `path`. */
  #read(value: JsonValue | undefined, refs: readonly string[], path: string, depth: number): Read {
    if (value === false) return NOTHING;
    this.#parts += 1;
    if (this.#parts === MOST_PARTS)
      this.#tell.note(
        path,
        `is where the function has more than ${MOST_PARTS} parts; the rest is left out: offer fewer arguments`,
      );
    if (this.#parts >= MOST_PARTS || depth > DEEPEST) return NOTHING;
    const site = { schema: isObject(value) ? value : {}, refs };
    const whole = this.#references.whole(site, (reference) => this.#unresolved(path, reference));
    if (whole === 'recursive' && !this.#isToldRecursive) {
      this.#isToldRecursive = true;
      this.#tell.note(
        path,
        'refers back to itself; it is kept two levels deep: a flat list with the name of each parent is learnt better',
      );
    }
    if (typeof whole === 'string') return NOTHING;
    const read = this.#alternatives(whole, path, depth);
    const description = descriptionOf(whole.schema, path, this.#noteAt(path));
    if (read.schema === undefined || description === undefined) return read;
    const { description: _, ...schema } = read.schema;
    return { ...read, schema: { ...schema, description } };
  }

  /** A schema with `anyOf`, `oneOf` or several types, as alternatives; without them, as its one type. */
  #alternatives({ schema, refs }: Site, path: string, depth: number): Read {
    const { anyOf, oneOf, ...own } = schema;
    const given = [anyOf, oneOf].filter(isArray).find((list) => list.length > 0);
    const outer = typesOf(own, this.#noteAt(path));
    if (given !== undefined) {
      if (
        given.filter(isObject).every((branch) => Object.keys(branch).every((word) => word === 'required'))
      ) {
        this.#tell.note(
          path,
          'needs one of several sets of fields, which is not learnt; say it in the description',
        );
        return this.#alternatives({ schema: own, refs }, path, depth);
      }
      const { description: _, title: __, default: ___, nullable, ...shared } = own;
      const branches = given.map((branch): JsonValue => {
        if (!isObject(branch) || Object.keys(shared).length === 0) return branch;
        return { allOf: [shared, branch] };
      });
      return this.#union(branches, { refs, path, depth, isNullable: nullable === true, outer: own });
    }
    const [only] = outer.types;
    if (outer.types.length > 1) {
      const listed = isArray(own['enum'])
        ? own['enum']
        : own['const'] === undefined
          ? undefined
          : [own['const']];
      const valued = outer.types.map((type) => ({
        type,
        enum: listed?.filter((value) => isOfType(value, [type])),
      }));
      // Values of no type of theirs are a slip, which is told where they are read.
      const isSlip = valued.every(({ enum: values }) => values?.length === 0);
      const branches = valued
        .filter(({ enum: values }) => isSlip || values?.length !== 0)
        .map(({ type, enum: values }) =>
          withoutGaps({
            ...own,
            const: undefined,
            enum: isSlip ? listed : values,
            type,
            description: '',
            nullable: false,
          }),
        );
      return this.#union(branches, { refs, path, depth, isNullable: outer.isNullable, outer: own });
    }
    const read = this.#single({ schema: own, refs }, only, path, depth);
    return { ...read, isNullable: outer.isNullable || read.isNullable };
  }

  #union(
    branches: readonly JsonValue[],
    at: { refs: readonly string[]; path: string; depth: number; isNullable: boolean; outer: JsonObject },
  ): Read {
    const { refs, path, depth, outer } = at;
    const read = branches.map((branch) => this.#read(branch, refs, path, depth));
    const isNullable = at.isNullable || read.some((one) => one.isNullable);
    const schemas = read.flatMap(({ schema }) => (schema === undefined ? [] : [schema]));
    if (schemas.length === 0) return { schema: undefined, isNullable };
    const union = unionOf(schemas);
    const left = union['anyOf'];
    if (isArray(left)) this.#tell.note(path, unionNote(left.filter(isObject)));
    return { schema: withoutGaps({ ...union, default: outer['default'] ?? union['default'] }), isNullable };
  }

  #single(site: Site, type: string | undefined, path: string, depth: number): Read {
    const { schema } = site;
    tellConditions(schema, this.#noteAt(path));
    if (type === 'null') return { schema: undefined, isNullable: true };
    if (type === 'object') return this.#object(site, path, depth);
    if (type === 'array') return this.#array(site, path, depth);
    if (type === undefined) {
      this.#tell.note(path, 'takes any value; give it a type, as a model cannot know what is wanted');
      return { schema: withoutGaps({ default: schema['default'] }), isNullable: true };
    }
    const words = keptWords(type, schema, this.#noteAt(path));
    const { values: listed, isNullable } = readEnum(schema, type, this.#noteAt(path));
    const limits = new JsonSchema({ type, ...words });
    const values = listed?.filter((value) => limits.firstFault(value) === undefined);
    if (values?.length === 0) return { schema: undefined, isNullable };
    if (values !== undefined && values.length > MANY_VALUES)
      this.#tell.note(
        path,
        `has ${values.length} values, and every request is read with all of them; keep those that people ask for, or make it a text`,
      );
    const read = withoutGaps({
      type,
      enum: values,
      ...(values === undefined ? words : {}),
      default: schema['default'] ?? undefined,
      examples: values === undefined ? keptExamples(schema) : undefined,
    });
    return { schema: read, isNullable };
  }

  #array({ schema, refs }: Site, path: string, depth: number): Read {
    if (depth === DEEP) this.#tellDeep(path);
    const tuple = [schema['prefixItems'], schema['items']].filter(isArray).find((list) => list.length > 0);
    if (tuple !== undefined) return this.#tuple(tuple, { schema, refs }, path, depth);
    const items = this.#read(
      isObject(schema['items']) ? schema['items'] : true,
      refs,
      `${path}[]`,
      depth + 1,
    );
    const limits = keptWords('array', schema, this.#noteAt(path));
    if (items.schema === undefined || (schema['maxItems'] === 0 && schema['items'] === undefined)) {
      if (Number(limits['minItems'] ?? 0) > 0) return NOTHING;
      return { schema: { type: 'array', maxItems: 0 }, isNullable: false, isHollow: true };
    }
    const item = items.isNullable && items.schema['type'] !== undefined ? orNull(items.schema) : items.schema;
    const read = withoutGaps({
      type: 'array',
      items: item,
      ...limits,
      default: schema['default'] ?? undefined,
    });
    return { schema: read, isNullable: false };
  }

  #tuple(parts: readonly JsonValue[], { schema, refs }: Site, path: string, depth: number): Read {
    this.#tell.note(
      path,
      'is a list whose places mean different things; give each a name of its own in an object',
    );
    const read = parts.map((part, index) => this.#read(part, refs, `${path}[${index}]`, depth + 1).schema);
    if (read.some((part) => part === undefined)) return NOTHING;
    const prefixItems = read.filter((part) => part !== undefined);
    const limits = {
      minItems: schema['minItems'] ?? parts.length,
      maxItems: schema['maxItems'] ?? parts.length,
    };
    return { schema: { type: 'array', prefixItems, ...limits }, isNullable: false };
  }

  #tellDeep(path: string): void {
    this.#tell.note(
      path,
      `is nested more than ${DEEP} levels deep, where a tiny model loses count of brackets; make it flatter`,
    );
  }

  #object({ schema, refs }: Site, path: string, depth: number): Read {
    if (depth === DEEP) this.#tellDeep(path);
    if (path === '') tellConditions(schema, this.#noteAt(path));
    const properties: Record<string, JsonValue> = {};
    const given = isArray(schema['required']) ? schema['required'] : [];
    const named = [...new Set(given.filter((name) => typeof name === 'string'))];
    const own = entriesOf(schema['properties']);
    const unknown = named.filter((name) => !own.some(([known]) => known === name));
    for (const name of unknown)
      this.#tell.note(inside(path, name), 'is required and not described; describe it under "properties"');
    const required: string[] = [];
    const all = [...own, ...unknown.map((name): [string, JsonValue] => [name, {}])];
    for (const [name, part] of all) {
      if (isObject(part) && part['readOnly'] === true) continue;
      const isRequired = named.includes(name);
      const read = this.#read(part, refs, inside(path, name), depth + 1);
      const isLeftOut = read.schema === undefined || (read.isHollow === true && !isRequired);
      if (isLeftOut && !isRequired) continue;
      if (read.schema === undefined && !read.isNullable) return NOTHING;
      const value = read.schema ?? { type: 'null' };
      const isTyped = value['type'] !== undefined || value['anyOf'] !== undefined;
      const canBeNull = isRequired && read.isNullable && read.schema !== undefined && isTyped;
      Object.defineProperty(properties, name, {
        value: canBeNull ? orNull(value) : value,
        enumerable: true,
      });
      if (isRequired) required.push(name);
    }
    const more = this.#more(schema, { refs, path, depth, isEmpty: all.length === 0 });
    const read = withoutGaps({
      type: 'object',
      properties,
      required: required.length > 0 ? required : undefined,
      ...keptWords('object', schema, this.#noteAt(path)),
      // An object that has lost its fields is empty, and not any object.
      additionalProperties: more ?? (Object.keys(properties).length === 0 && path !== '' ? false : undefined),
      default: path === '' ? undefined : (schema['default'] ?? undefined),
    });
    return { schema: read, isNullable: false };
  }

  /** The schema of properties that have no name of their own; undefined where there are none. */
  #more(
    schema: JsonObject,
    {
      refs,
      path,
      depth,
      isEmpty,
    }: { refs: readonly string[]; path: string; depth: number; isEmpty: boolean },
  ): JsonValue | undefined {
    const more = schema['additionalProperties'];
    const isFree = more === true || (isObject(more) && Object.keys(more).length === 0);
    if (isEmpty && path !== '' && more !== false && (isFree || !isObject(more))) {
      this.#tell.note(
        path,
        'takes any object; name its fields under "properties", as a model cannot know them',
      );
      return true;
    }
    if (isFree) return true;
    if (!isObject(more)) return undefined;
    this.#tell.note(
      path,
      'takes fields of any name; a list of objects with a name and a value is learnt better',
    );
    const { schema: read } = this.#read(more, refs, `${path}.*`, depth + 1);
    return read !== undefined && Object.keys(read).length === 0 ? true : read;
  }
}

/** A schema whose value may also be null. */
function orNull({ description, ...schema }: JsonObject): JsonObject {
  const inner = schema['anyOf'];
  const branches = isArray(inner) && Object.keys(schema).length === 1 ? inner : [schema];
  return withoutGaps({ anyOf: [...branches, { type: 'null' }], description });
}

function unionNote(branches: readonly JsonObject[]): string {
  const types = [...new Set(branches.map((branch) => textOf(branch['type'] ?? 'anything')))];
  if (types.length === 1 && types[0] === 'object')
    return `takes one of ${branches.length} kinds of objects; a function for each kind is learnt better`;
  return `takes ${types.join(' or ')}; one of them alone is learnt better`;
}
