/** Flags of commands: each says once what it is called, what it takes, and what help says of it; its type comes of that. */
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import { ENGINES } from '../../../src/sampling/gguf.ts';
import { rulesText, type Rule } from '../../../src/recipe/rules.ts';
import { recipeSchema } from '../../../src/recipe/schema.ts';

/** A flag as stricli takes it, with the type of what it gives. */
export interface Flag<T> {
  readonly spec: Readonly<Record<string, unknown>>;
  /** For its type alone. */
  readonly gives?: (value: T) => void;
}

export type FlagSet = Readonly<Record<string, Flag<never>>>;

type Given<F> = F extends Flag<infer T> ? T : never;

/** Values of a command's flags; one that may be left out is then not there. */
export type FlagsOf<S extends FlagSet> = {
  readonly [K in keyof S as undefined extends Given<S[K]> ? never : K]: Given<S[K]>;
} & {
  readonly [K in keyof S as undefined extends Given<S[K]> ? K : never]?: Exclude<Given<S[K]>, undefined>;
};

/** A flag whose text is read by `parse`. */
export const parsed = <T>(
  parse: (text: string) => T,
  brief: string,
  placeholder: string,
  byDefault?: string,
): Flag<T> => ({ spec: { kind: 'parsed', parse, brief, placeholder, default: byDefault } });

export const text = (brief: string, placeholder: string, byDefault?: string): Flag<string> =>
  parsed(String, brief, placeholder, byDefault);

const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

/** A parser of numbers that `schema` accepts; `words` say which. */
export function numberBy(
  schema: z.ZodType<number>,
  words = rulesText([z.toJSONSchema(schema) as Rule]),
): (text: string) => number {
  return (given) => {
    const { data } = schema.safeParse(NUMBER.test(given.trim()) ? Number(given) : undefined);
    if (data === undefined) throw new UserError('FLAG', `must be ${words}`);
    return data;
  };
}

/** A whole number of at least `least`. */
export const whole = (least: number, brief: string, byDefault?: number): Flag<number> =>
  parsed(
    numberBy(z.int().min(least), `a whole number of at least ${least}`),
    brief,
    'N',
    byDefault?.toString(),
  );

/** One of several words. */
export const choice = <const V extends string>(
  values: readonly V[],
  brief: string,
  byDefault?: NoInfer<V>,
): Flag<V> => ({ spec: { kind: 'enum', values, brief, default: byDefault } });

/** A switch that is off. */
export const toggle = (brief: string): Flag<boolean> => ({
  spec: { kind: 'boolean', brief, default: false, withNegated: false },
});

/** A switch that is on, and off with `--no-`. */
export const onUnless = (brief: string): Flag<boolean> => ({
  spec: { kind: 'boolean', brief, default: true },
});

export const optional = <T>({ spec }: Flag<T>): Flag<T | undefined> => ({
  spec: { ...spec, optional: true },
});

/** A flag that may be given several times, or not at all. */
export const repeated = <T>({ spec }: Flag<T>): Flag<readonly T[] | undefined> => ({
  spec: { ...spec, optional: true, variadic: true },
});

/** An option of recipes as a flag: what it takes, its default and what help says of it are the option's own, unless told. */
export function option<S extends z.ZodType>(
  schema: S,
  { brief: own, byDefault }: { readonly brief?: string; readonly byDefault?: number } = {},
): Flag<z.output<S> | (S extends z.ZodExactOptional ? undefined : never)> {
  const isOptional = schema instanceof z.ZodExactOptional;
  const fallback = byDefault ?? (schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined);
  const inner = schema instanceof z.ZodDefault || isOptional ? schema.unwrap() : schema;
  const words = own ?? schema.description ?? (inner as z.ZodType).description ?? '';
  const brief = words.charAt(0).toUpperCase() + words.slice(1);
  if (inner instanceof z.ZodBoolean) return { spec: (fallback === true ? onUnless : toggle)(brief).spec };
  const shared = {
    brief,
    ...(isOptional && { optional: true }),
    ...((typeof fallback === 'string' || typeof fallback === 'number') && { default: String(fallback) }),
  };
  if (inner instanceof z.ZodEnum) return { spec: { ...shared, kind: 'enum', values: inner.options } };
  const text = { ...shared, kind: 'parsed', parse: String, placeholder: 'NAME' };
  if (inner instanceof z.ZodString) return { spec: text };
  if (inner instanceof z.ZodArray) return { spec: { ...text, placeholder: 'NAMES', variadic: ',' } };
  const isWhole = inner instanceof z.ZodNumber && inner.isInt;
  const parse = numberBy(inner as z.ZodType<number>);
  return { spec: { ...text, parse, placeholder: isWhole ? 'N' : 'X' } };
}

const { shape } = recipeSchema;

/** Of commands that make runs. */
export const runFlags = {
  runs: text('Folder that run folders are made in', 'DIR', 'runs'),
  json: toggle('Print events as JSON lines'),
};

/** Overrides of a recipe. */
export const recipeFlags = {
  set: repeated(text('Override a value of the recipe; may be repeated', 'path=value')),
  device: optional(text('Compute on cpu, gpu or a device that tinystar doctor names', 'NAME')),
  runs: runFlags.runs,
};

/** Options of recipes for commands that have a model answer. */
export const answeringFlags = {
  device: option(shape.device, { brief: 'Compute on cpu, gpu, or the name of a device' }),
  thinking: option(shape.thinking, {
    brief: "Thoughts on or off in all prompts; without it, the chat template's default",
  }),
};

export const engineFlag = optional(choice(ENGINES, 'Engine that runs a GGUF file; without it, tinystar'));

/** Overrides of a recipe that `recipeFlags` stand for. */
export const overrides = ({ set = [], device }: { set?: readonly string[]; device?: string }): string[] => [
  ...set,
  ...(device === undefined ? [] : [`device=${JSON.stringify(device)}`]),
];
