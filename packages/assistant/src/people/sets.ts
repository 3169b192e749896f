/** Sets of people's requests: a folder each with functions.json and train.jsonl or train.jsonl.gz, and names.yaml beside this file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { UserError } from '../../../../src/base/errors.ts';
import { readPhrases } from '../../../../src/base/phrases.ts';
import { once } from '../once.ts';
import { type Values, valuesOf } from './exchange.ts';
import { type PeopleRequest, requestSchema } from './request.ts';

const functionsSchema = z.array(
  z.object({
    name: z.string(),
    description: z.string(),
    parameters: z.object({ properties: z.record(z.string(), z.unknown()) }),
  }),
);

export interface PeopleFunction {
  readonly name: string;
  readonly description: string;
  readonly parameters: readonly string[];
  readonly requests: readonly PeopleRequest[];
  readonly values: Values;
}

export interface PeopleSet {
  readonly name: string;
  readonly functions: readonly PeopleFunction[];
  /** Requests that no function is due for. */
  readonly idle: readonly PeopleRequest[];
}

const variant = z.strictObject({ names: z.string(), about: z.string() });

/** Other names and descriptions of functions and parameters, alternatives apart by "|". */
export const otherNames = once(() =>
  readPhrases(
    import.meta.url,
    'names',
    z.strictObject({
      functions: z.record(z.string(), variant),
      parameters: z.record(z.string(), variant),
    }),
  ),
);

function textOf(folder: string, name: string): string {
  const path = join(folder, name);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  if (existsSync(`${path}.gz`)) return gunzipSync(readFileSync(`${path}.gz`)).toString('utf8');
  throw new UserError(
    'PEOPLE',
    `${path} is not there; each set of requests needs functions.json and train.jsonl.`,
  );
}

function readSet(folder: string, name: string): PeopleSet {
  const functions = functionsSchema.parse(JSON.parse(textOf(folder, 'functions.json')));
  const requests = textOf(folder, 'train.jsonl')
    .trim()
    .split('\n')
    .map((line) => requestSchema.parse(JSON.parse(line)));
  return {
    name,
    functions: functions.map(({ name: own, description, parameters }) => {
      const asked = requests.filter(({ calls }) => calls[0]?.name === own);
      return {
        name: own,
        description,
        parameters: Object.keys(parameters.properties),
        requests: asked,
        values: valuesOf(asked),
      };
    }),
    idle: requests.filter(({ calls }) => calls.length === 0),
  };
}

/** Reads all sets of a folder, one in each of its folders; throws a UserError where there is none. */
export function readSets(folder: string): readonly PeopleSet[] {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => existsSync(join(folder, entry.name, 'functions.json')))
    .map(({ name }) => name)
    .toSorted();
  const sets = names.map((name) => readSet(join(folder, name), name));
  if (sets.length === 0)
    throw new UserError(
      'PEOPLE',
      `${folder} has no set of requests; put folders with functions.json and train.jsonl there.`,
    );
  return sets;
}
