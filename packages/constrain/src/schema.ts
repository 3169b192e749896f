/**
 * JSON Schemas as forms: what a schema's references and combinations come to, with all that several schemas say of the same value
 * in one place, and without what no value fulfils. A keyword that cannot be held is refused.
 */
import { schemaPart } from '../../../src/json/schema.ts';
import { type Fields, isFields, type JsonValue } from '../../../src/json/value.ts';
import { bare, Choices, FALSE, listIn, refused, typesOf } from './choices.ts';
import { distinct } from './distinct.ts';
import { type Language, Languages } from './languages.ts';
import { type Bounds, leadsToNumber } from './numbers.ts';
import { patternLanguage } from './patterns.ts';
import { LOOSE_FORMATS, TEXT_FORMATS } from './text-formats.ts';

/** Schemas that a value obeys, all of them. */
export interface Conjunction {
  readonly key: string;
  readonly parts: readonly Fields[];
}

export interface ObjectForm {
  readonly kind: 'object';
  readonly properties: ReadonlyMap<string, Conjunction>;
  readonly due: ReadonlySet<string>;
  /** Values of keys that no schema declares; undefined where there are none. */
  readonly others: Conjunction | undefined;
  readonly least: number;
  readonly most: number;
}

export interface ArrayForm {
  readonly kind: 'array';
  readonly items: Conjunction;
  readonly least: number;
  readonly most: number;
  readonly isUnique: boolean;
}

/** Values of one kind. */
export type Form =
  | { readonly kind: 'value'; readonly value: JsonValue }
  | { readonly kind: 'string'; readonly language: Language; readonly isNamed: boolean }
  | { readonly kind: 'number'; readonly bounds: Bounds }
  | ArrayForm
  | ObjectForm;

/** Schemas that overlaps are looked for in, one inside another. */
const MAX_LOOKS = 4;

const numbersIn = (own: readonly Fields[], key: string): number[] =>
  own.flatMap((schema) => (typeof schema[key] === 'number' ? [schema[key]] : []));
const stringsIn = (own: readonly Fields[], key: string): string[] =>
  own.flatMap((schema) => (typeof schema[key] === 'string' ? [schema[key]] : []));
const atLeast = (own: readonly Fields[], key: string, none = 0): number =>
  Math.max(none, ...numbersIn(own, key));
const atMost = (own: readonly Fields[], key: string): number => Math.min(Infinity, ...numbersIn(own, key));

/** A schema with all that it refers to. */
export class Schemas {
  readonly languages = new Languages();
  readonly root: Conjunction;
  readonly #choices: Choices;
  readonly #obeys: (value: JsonValue, schema: Fields) => boolean;
  /** Texts that can be written, of values and of keys. */
  readonly #texts: Language;
  readonly #ids = new Map<Fields, number>();
  readonly #forms = new Map<string, readonly Form[]>();
  readonly #alive = new Map<string, boolean>();
  readonly #patterns = new Map<string, Language>();

  /** Schemas inside of `root`; texts contain none of `never`. */
  constructor(root: Fields, never: readonly string[] = []) {
    // The validator marks what it reads.
    const own = structuredClone(root);
    this.root = this.#all([own]);
    this.#choices = new Choices(own);
    this.#obeys = schemaPart(own);
    const { languages } = this;
    this.#texts = languages.not(
      languages.or(...never.map((text) => languages.containing(languages.literal(text)))),
    );
  }

  #all(schemas: readonly unknown[]): Conjunction {
    const parts = schemas.flatMap((schema): readonly Fields[] =>
      schema === false ? [FALSE] : isFields(schema) && Object.keys(schema).length > 0 ? [schema] : [],
    );
    const idOf = (part: Fields): number => {
      const id = this.#ids.get(part) ?? this.#ids.size;
      this.#ids.set(part, id);
      return id;
    };
    const unique = [...new Set(parts)].toSorted((a, b) => idOf(a) - idOf(b));
    return { key: unique.map(idOf).join(), parts: unique };
  }

  /** Values of a schema by their kind; none where no value obeys it. Throws a UserError for what cannot be held. */
  forms(of: Conjunction): readonly Form[] {
    const known = this.#forms.get(of.key);
    if (known !== undefined) return known;
    const forms = this.#choices
      .of(of.parts)
      .flatMap(({ own, never }) =>
        never.reduce(
          (left, other) => left.flatMap((form) => this.#without(form, own, other)),
          this.#merged(own),
        ),
      );
    this.#forms.set(of.key, forms);
    return forms;
  }

  /** Values that several schemas allow together, by themselves. */
  #merged(own: readonly Fields[], { types, isInteger } = typesOf(own)): readonly Form[] {
    const lists = own.flatMap((schema) => [
      ...('const' in schema ? [[schema['const']]] : []),
      ...(listIn(schema, 'enum') === undefined ? [] : [listIn(schema, 'enum') ?? []]),
    ]) as readonly (readonly JsonValue[])[];
    const text = (): Language => this.#text(own);
    const [values] = lists;
    if (values !== undefined) {
      const right = values.filter((value) => own.every((schema) => this.#obeys(value, bare(schema))));
      const strings = right.filter((value) => typeof value === 'string');
      const { languages } = this;
      const named = languages.or(...strings.map((value) => languages.literal(value)));
      return [
        ...(strings.length === 0
          ? []
          : [{ kind: 'string', language: languages.and(named, text()), isNamed: true } as const]),
        ...right
          .filter((value) => typeof value !== 'string')
          .map((value) => ({ kind: 'value', value }) as const),
      ];
    }
    return types.flatMap((type): readonly Form[] => {
      switch (type) {
        case 'string':
          return [{ kind: 'string', language: text(), isNamed: false }];
        case 'number':
          return [{ kind: 'number', bounds: boundsOf(own, isInteger) }];
        case 'boolean':
          return [true, false].map((value) => ({ kind: 'value', value }));
        case 'null':
          return [{ kind: 'value', value: null }];
        case 'array':
          return [this.#array(own)];
        default:
          return [this.#object(own)];
      }
    });
  }

  /** Texts that obey all of what schemas say of them. */
  #text(own: readonly Fields[]): Language {
    const { languages } = this;
    const [least, most] = [atLeast(own, 'minLength'), atMost(own, 'maxLength')];
    const patterns = [
      ...stringsIn(own, 'pattern'),
      ...stringsIn(own, 'format').flatMap((format) => TEXT_FORMATS[format] ?? []),
    ].map((pattern) => {
      const known = this.#patterns.get(pattern) ?? patternLanguage(pattern, languages);
      this.#patterns.set(pattern, known);
      return known;
    });
    const lengths = least > most ? languages.none : languages.repeat(languages.anyChar, least, most);
    return languages.and(this.#texts, lengths, ...patterns);
  }

  #array(own: readonly Fields[]): ArrayForm {
    return {
      kind: 'array',
      items: this.#all(own.map(({ items }) => items)),
      least: atLeast(own, 'minItems'),
      most: atMost(own, 'maxItems'),
      isUnique: own.some(({ uniqueItems }) => uniqueItems === true),
    };
  }

  #object(own: readonly Fields[]): ObjectForm {
    const declaredIn = ({ properties }: Fields): Fields => (isFields(properties) ? properties : {});
    const due = own
      .flatMap((schema) => listIn(schema, 'required') ?? [])
      .filter((key) => typeof key === 'string');
    const keys = new Set([...own.flatMap((schema) => Object.keys(declaredIn(schema))), ...due]);
    const others = own.map(({ additionalProperties }) => additionalProperties);
    const least = atLeast(own, 'minProperties');
    // Of a value of any type nothing is declared.
    const isAny = own.every((schema) => !('type' in schema || 'properties' in schema));
    const isSaid = others.some((other) => other !== undefined) || keys.size < least;
    const isOpen = !others.includes(false) && (isSaid || isAny);
    const of = (key: string): Conjunction =>
      this.#all(
        own.map((schema) => {
          const declared = declaredIn(schema);
          return Object.hasOwn(declared, key) ? declared[key] : schema['additionalProperties'];
        }),
      );
    return {
      kind: 'object',
      properties: new Map(Array.from(keys, (key) => [key, of(key)])),
      due: new Set(due),
      others: isOpen ? this.#all(others) : undefined,
      least,
      most: atMost(own, 'maxProperties'),
    };
  }

  /** A form of some schemas without the values that obey others, where these can be told apart. */
  #without(form: Form, own: readonly Fields[], other: readonly Fields[]): readonly Form[] {
    if (form.kind === 'value') return other.every((schema) => this.#obeys(form.value, schema)) ? [] : [form];
    const { types, isInteger } = typesOf(own);
    const both = typesOf([...own, ...other].filter(({ type }) => type !== undefined));
    const shared = {
      types: types.filter((type) => type === form.kind && both.types.includes(type)),
      isInteger: isInteger || both.isInteger,
    };
    const overlaps = this.#merged([...own, ...other.flatMap(loosened)], shared).filter(
      (overlap) => !this.#isDead(overlap),
    );
    return overlaps.reduce<readonly Form[]>(
      (left, overlap) => left.flatMap((one) => this.#apart(one, overlap)),
      [form],
    );
  }

  #apart(form: Form, overlap: Form): readonly Form[] {
    const { languages } = this;
    if (form.kind === 'string' && overlap.kind === 'string')
      return [{ ...form, language: languages.and(form.language, languages.not(overlap.language)) }];
    if (form.kind === 'number' && overlap.kind === 'value' && typeof overlap.value === 'number') {
      const without = [...new Set([...(form.bounds.without ?? []), overlap.value])];
      return [{ ...form, bounds: { ...form.bounds, without } }];
    }
    if (form.kind === 'object' && overlap.kind === 'object') {
      const key = [...overlap.due].find((name) => !form.due.has(name));
      if (key !== undefined)
        return [{ ...form, properties: new Map([...form.properties, [key, this.#all([false])]]) }];
    }
    if (overlap.kind === 'value' && !isOfKind(overlap.value, form)) return [form];
    throw refused('oneOf or not with alternatives that the same value may obey');
  }

  /** Tells whether a form has no value for sure. */
  #isDead(form: Form, looks = MAX_LOOKS): boolean {
    const isNone = (of: Conjunction): boolean =>
      looks > 0 &&
      this.#choices
        .of(of.parts)
        .flatMap(({ own }) => this.#merged(own))
        .every((one) => this.#isDead(one, looks - 1));
    if (form.kind === 'array') return form.least > form.most || (form.least > 0 && isNone(form.items));
    if (form.kind === 'object')
      return (
        form.least > form.most ||
        [...form.due].some((key) => {
          const of = form.properties.get(key);
          return of !== undefined && isNone(of);
        })
      );
    return !this.#hasValue(form, () => true);
  }

  /** Forms of a schema that have a value, which can be written. */
  live(of: Conjunction): readonly Form[] {
    return this.forms(of).filter((form) => this.#hasValue(form, (inner) => this.isAlive(inner)));
  }

  /** Objects of the root whose keys' values obey what `narrow` says, too, with keys that are not declared if it `isOpen`. */
  objects(narrow: (key: string) => Fields | false, isOpen: boolean): readonly ObjectForm[] {
    return this.forms(this.root)
      .filter((form) => form.kind === 'object')
      .map((form) => ({
        ...form,
        properties: new Map(
          [...form.properties].map(([key, of]) => [key, this.#all([...of.parts, narrow(key)])]),
        ),
        others: isOpen ? form.others : undefined,
      }))
      .filter((form) => this.#hasValue(form, (inner) => this.isAlive(inner)));
  }

  /** Tells whether a value obeys a schema: found for all that it leads to at once, as the least that holds. */
  isAlive(of: Conjunction): boolean {
    const known = this.#alive.get(of.key);
    if (known !== undefined) return known;
    const reached = new Map([[of.key, of]]);
    for (const one of reached.values())
      for (const form of this.forms(one))
        for (const inner of partsOf(form)) if (!this.#alive.has(inner.key)) reached.set(inner.key, inner);
    const isAlive = ({ key }: Conjunction): boolean => this.#alive.get(key) ?? false;
    for (let hasChanged = true; hasChanged;) {
      hasChanged = false;
      for (const one of reached.values()) {
        if (isAlive(one) || !this.forms(one).some((form) => this.#hasValue(form, isAlive))) continue;
        this.#alive.set(one.key, true);
        hasChanged = true;
      }
    }
    for (const { key } of reached.values()) if (!this.#alive.has(key)) this.#alive.set(key, false);
    return isAlive(of);
  }

  #hasValue(form: Form, isAlive: (of: Conjunction) => boolean): boolean {
    switch (form.kind) {
      case 'value':
        return this.#canWrite(form.value);
      case 'string':
        return this.languages.isLive(form.language);
      case 'number':
        return leadsToNumber('', form.bounds);
      case 'array': {
        const { items, least, most, isUnique } = form;
        if (least > most) return false;
        if (least === 0) return true;
        if (!isUnique) return isAlive(items);
        return distinct(this.forms(items), this.languages).count(least) >= least;
      }
      default: {
        const { due, least, most, others } = form;
        const keys = this.#keys(form, isAlive);
        const isRoom = keys.size >= least || (others !== undefined && isAlive(others));
        return isRoom && least <= most && due.size <= most && [...due].every((key) => keys.has(key));
      }
    }
  }

  /** Declared keys that can be written with a value, and those values. */
  #keys({ properties }: ObjectForm, isAlive: (of: Conjunction) => boolean): ReadonlyMap<string, Conjunction> {
    return new Map([...properties].filter(([key, of]) => this.#canWrite(key) && isAlive(of)));
  }

  /** An object without what it cannot have. */
  pruned(form: ObjectForm): ObjectForm {
    const properties = this.#keys(form, (of) => this.isAlive(of));
    const others = form.others !== undefined && this.isAlive(form.others) ? form.others : undefined;
    return { ...form, properties, others };
  }

  /** Keys that an object may have beside those that are known. */
  otherKeys(known: Iterable<string>): Language {
    const { languages } = this;
    const taken = Array.from(known, (key) => languages.literal(key));
    return languages.and(this.#texts, languages.not(languages.or(...taken)));
  }

  #canWrite(value: JsonValue): boolean {
    if (typeof value === 'string')
      return this.languages.isLive(this.languages.and(this.#texts, this.languages.literal(value)));
    if (typeof value !== 'object' || value === null) return true;
    return Object.entries(value).every(([key, inner]) => this.#canWrite(key) && this.#canWrite(inner));
  }
}

/** A schema that texts obey which may be of its format. */
function loosened(schema: Fields): readonly Fields[] {
  const { format, ...others } = schema;
  if (typeof format !== 'string') return [schema];
  return [others, { pattern: LOOSE_FORMATS[format] ?? '' }];
}

/** Tells whether a value is of the kind of a form. */
function isOfKind(value: JsonValue, { kind }: Form): boolean {
  if (kind === 'array' || Array.isArray(value)) return kind === 'array' && Array.isArray(value);
  return typeof value === kind && value !== null;
}

/** Schemas of what a form's values have in them. */
function partsOf(form: Form): readonly Conjunction[] {
  if (form.kind === 'array') return [form.items];
  if (form.kind !== 'object') return [];
  return [...form.properties.values(), ...(form.others === undefined ? [] : [form.others])];
}

function boundsOf(own: readonly Fields[], isInteger: boolean): Bounds {
  // Draft 4 says that a bound is exclusive beside it.
  const beside = (key: string, bound: string): number[] =>
    own.flatMap((schema) =>
      schema[key] === true && typeof schema[bound] === 'number' ? [schema[bound]] : [],
    );
  return {
    isInteger,
    least: atLeast(own, 'minimum', -Infinity),
    most: atMost(own, 'maximum'),
    above: Math.max(atLeast(own, 'exclusiveMinimum', -Infinity), ...beside('exclusiveMinimum', 'minimum')),
    below: Math.min(atMost(own, 'exclusiveMaximum'), ...beside('exclusiveMaximum', 'maximum')),
    multiples: numbersIn(own, 'multipleOf').filter((multiple) => multiple > 0),
  };
}
