/** Words of a schema beside its type that are kept, and those that are left out and told. */
import { isArray, isObject, type JsonObject, type JsonValue, textOf, withoutGaps } from './json.ts';

const NUMBER = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];
/** Words that are kept, by type. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  string: ['format', 'pattern', 'minLength', 'maxLength'],
  integer: NUMBER,
  number: NUMBER,
  array: ['minItems', 'maxItems', 'uniqueItems'],
  object: ['minProperties', 'maxProperties', 'dependentRequired'],
};
/** Words that say when a value is right by other values: they are not kept. */
const CONDITIONS = [
  'if',
  'not',
  'dependentSchemas',
  'dependencies',
  'propertyNames',
  'patternProperties',
  'unevaluatedProperties',
  'contains',
];
/** Formats that say how a value is stored, or nothing. */
const STORAGE = ['int32', 'int64', 'float', 'double', 'decimal', 'string', 'text', 'password', ''];
const CONTENTS = ['binary', 'byte', 'base64'];
/** Formats whose meaning says all that a pattern beside them, often a line long, would say again. */
const KNOWN = ['date', 'date-time', 'email', 'uuid', 'uri', 'url', 'hostname', 'ipv4', 'ipv6'];

type Tell = (text: string) => void;

/** Tells the conditions of a schema, which are left out. */
export function tellConditions(schema: JsonObject, tell: Tell): void {
  for (const word of CONDITIONS) {
    if (schema[word] !== undefined && schema[word] !== false)
      tell(`has the condition "${word}", which is left out; say it in the description`);
  }
}

function keptPattern(pattern: string, tell: Tell): string | undefined {
  try {
    void new RegExp(pattern, 'u');
    return pattern;
  } catch {
    tell(
      `has the pattern ${JSON.stringify(pattern)}, which JavaScript cannot read and is left out; rewrite it`,
    );
    return undefined;
  }
}

function keptFormat(format: string, tell: Tell): string | undefined {
  if (CONTENTS.includes(format))
    tell(`wants the contents of a file (${format}), which no request says; take a path or a name instead`);
  if (format === 'uuid')
    tell('wants a uuid, which nobody says aloud; take a name, and look the uuid up in the function');
  return STORAGE.includes(format) ? undefined : format;
}

/** A word of a schema as it is kept; undefined where it is not. */
function keptWord(word: string, schema: JsonObject, tell: Tell): JsonValue | undefined {
  const value = schema[word];
  // Draft 4 and OpenAPI 3.0 say beside a limit that it is outside itself.
  const limit = word === 'exclusiveMinimum' ? schema['minimum'] : schema['maximum'];
  if (word.startsWith('exclusive') && typeof value === 'boolean')
    return value && typeof limit === 'number' ? limit : undefined;
  if (word === 'minimum' && schema['exclusiveMinimum'] === true) return undefined;
  if (word === 'maximum' && schema['exclusiveMaximum'] === true) return undefined;
  const isKnown = typeof schema['format'] === 'string' && KNOWN.includes(schema['format']);
  if (word === 'pattern') return typeof value === 'string' && !isKnown ? keptPattern(value, tell) : undefined;
  if (word === 'format') return typeof value === 'string' ? keptFormat(value, tell) : undefined;
  if (word === 'uniqueItems') return value === true ? true : undefined;
  if (word === 'dependentRequired') return isObject(value) ? value : undefined;
  // Bounds of what a number can hold say nothing.
  return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** The words of a schema of `type` that are kept. */
export const keptWords = (type: string, schema: JsonObject, tell: Tell): JsonObject =>
  withoutGaps(Object.fromEntries((KEPT[type] ?? []).map((word) => [word, keptWord(word, schema, tell)])));

/** Examples of a value that are kept: so many, and so long. */
const MOST_EXAMPLES = 3;
const LONGEST_EXAMPLE = 60;

/** A few short values that a schema has as examples; OpenAPI says `example`. */
export function keptExamples({ examples, example }: JsonObject): readonly JsonValue[] | undefined {
  const given = isArray(examples) ? examples : example === undefined ? [] : [example];
  const short = given.filter(
    (value) => value !== null && typeof value !== 'object' && textOf(value).length <= LONGEST_EXAMPLE,
  );
  return short.length === 0 ? undefined : short.slice(0, MOST_EXAMPLES);
}
