/**
 * Options of a recipe's stage, one by one, and what becomes of each in an engine. The engine's configuration is made of
 * this mapping and of nothing else, so that the table that people read cannot say something that is not so.
 */
import { z } from 'zod';
import { InternalError } from '../../../src/base/errors.ts';
import { stageKinds, type StageOf } from '../../../src/stages/index.ts';
import { commonOptions } from '../../../src/stages/stage.ts';

/** Kinds of stages that engines train. */
export const HANDED_KINDS = ['distill', 'simrl', 'sft'] as const;
export type HandedKind = (typeof HANDED_KINDS)[number];
export type HandedStage = StageOf<HandedKind>;

type LoraPath = 'lora.rank' | 'lora.alpha' | 'lora.target_modules';

/** Path of an option of a kind of stage, those of nested options with a dot. */
export type OptionPath<K extends HandedKind> = Exclude<keyof StageOf<K>, 'kind' | 'lora'> | LoraPath;

/** Values that engines' options take. */
export type EngineValue = string | number | boolean | null | readonly (string | number)[] | EngineValues;
export interface EngineValues {
  readonly [name: string]: EngineValue;
}

/** Becoming of an option of the recipe. */
export type Mapping =
  /** It is these options of the engine. */
  | { readonly is: 'options'; readonly options: EngineValues; readonly note?: string }
  /** It was applied when the job folder was written. */
  | { readonly is: 'done'; readonly note: string }
  /** The engine lacks it; where that changes results in earnest, it is refused. */
  | { readonly is: 'lacking'; readonly note: string; readonly matters: boolean };

export type Mapped<K extends HandedKind> = Readonly<Record<OptionPath<K>, Mapping>>;

/** The engine's own options that an option becomes. */
export const to = (options: EngineValues, note?: string): Mapping => ({
  is: 'options',
  options,
  ...(note === undefined ? {} : { note }),
});

/** An option that is applied in the job folder itself. */
export const done = (note: string): Mapping => ({ is: 'done', note });

/** An option that the engine lacks. */
export const lacking = (note: string, matters = false): Mapping => ({ is: 'lacking', note, matters });

/** Schema behind defaults and optional wrappers. */
function inner(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable
  )
    return inner(schema.unwrap());
  return schema;
}

function pathsIn(shape: z.core.$ZodLooseShape, before: string): string[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const own = inner(schema as z.core.$ZodType);
    return own instanceof z.ZodObject ? pathsIn(own.shape, `${before}${name}.`) : [`${before}${name}`];
  });
}

/** Paths of all options of a kind of stage, from its zod schema. */
export const optionPaths = (kind: HandedKind): string[] =>
  pathsIn({ ...commonOptions, ...stageKinds[kind].options }, '');

/** Value of an option; undefined where it is not set. */
const valueAt = (stage: object, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null
          ? (value as Readonly<Record<string, unknown>>)[name]
          : undefined,
      stage,
    );

/** An option with its value and what became of it. */
export interface OptionRow {
  readonly path: string;
  /** Undefined where the recipe does not set it. */
  readonly value: unknown;
  readonly mapping: Mapping;
}

/** Every option of a stage with its mapping; throws where one has none, which is a bug of the engine's file. */
export function optionRows(stage: HandedStage, mapped: Readonly<Record<string, Mapping>>): OptionRow[] {
  return optionPaths(stage.kind).map((path) => {
    const mapping = mapped[path];
    if (mapping === undefined)
      throw new InternalError(`handover: the option ${path} of ${stage.kind} is not mapped`);
    return { path, value: valueAt(stage, path), mapping };
  });
}

/** Options of the engine that come of the recipe's; those that the recipe does not set are left out. */
export function engineOptions(rows: readonly OptionRow[]): EngineValues {
  return Object.fromEntries(
    rows.flatMap(({ value, mapping }) =>
      mapping.is === 'options' && value !== undefined ? Object.entries(mapping.options) : [],
    ),
  );
}

/** Options that are set, that the engine lacks, and whose absence changes results in earnest. */
export const refused = (rows: readonly OptionRow[]): readonly { path: string; note: string }[] =>
  rows.flatMap(({ path, value, mapping }) =>
    value !== undefined && mapping.is === 'lacking' && mapping.matters ? [{ path, note: mapping.note }] : [],
  );

/** Object with a nested one for each part of the names before a dot. */
export function nested(flat: EngineValues): EngineValues {
  const all: Record<string, EngineValue> = {};
  for (const [name, value] of Object.entries(flat)) {
    const parts = name.split('.');
    const last = parts.pop() ?? name;
    let place = all;
    for (const part of parts) {
      const inside = place[part];
      const next: Record<string, EngineValue> =
        typeof inside === 'object' && inside !== null && !Array.isArray(inside)
          ? { ...(inside as EngineValues) }
          : {};
      place[part] = next;
      place = next;
    }
    place[last] = value;
  }
  return all;
}

const cell = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'not set');
  return `\`${text.replaceAll('|', '\\|')}\``;
};

const becomes = ({ value, mapping }: OptionRow): readonly [option: string, note: string] => {
  if (value === undefined && mapping.is !== 'done') {
    const names = mapping.is === 'options' ? Object.keys(mapping.options).map(cell).join(', ') : 'lacking';
    return [names, 'not set in the recipe'];
  }
  if (mapping.is === 'done') return ['the job folder', mapping.note];
  if (mapping.is === 'lacking') return ['**lacking**', mapping.note];
  const options = Object.entries(mapping.options).map(([name, own]) =>
    cell(`${name} = ${JSON.stringify(own)}`),
  );
  return [options.join('<br>'), mapping.note ?? ''];
};

/** Table of every option of the stage, and of what the engine is told beside them, as Markdown. */
export function optionsTable(
  title: string,
  stage: HandedStage,
  rows: readonly OptionRow[],
  fixed: EngineValues,
): string {
  const lines = rows.map((row) => {
    const [option, note] = becomes(row);
    const value = row.value === undefined ? '' : cell(row.value);
    return `| \`${row.path}\` | ${value} | ${option} | ${note.replaceAll('|', '\\|')} |`;
  });
  const others = Object.entries(fixed).map(([name, value]) => `| \`${name}\` | ${cell(value)} |`);
  return [
    `# Options of stage ${stage.name} (${stage.kind}) in ${title}`,
    '',
    'Every option of the stage, with the value that the recipe gives it or its default, and what became of it. None is dropped: what the engine lacks says so.',
    '',
    '| option | value | in the engine | note |',
    '|---|---|---|---|',
    ...lines,
    '',
    'What the engine is told beside them:',
    '',
    '| option | value |',
    '|---|---|',
    ...others,
    '',
  ].join('\n');
}
