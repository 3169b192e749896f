/** The safetensors files of a Hugging Face folder: which there are, whether they hold what the configuration needs, and which holds what. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { errorText, UserError } from '../../base/errors.ts';
import { readText } from '../../base/files.ts';
import type { Shape } from '../../tensor/tensor.ts';
import { EMBEDDING, HEAD, type ModelConfig, parameterSpecs } from '../arch/config.ts';
import { isFloat, SafetensorsFile } from './safetensors.ts';

const fault = (message: string): UserError => new UserError('CHECKPOINT', message);

const shardIndex = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** Texts, which stay, and what Python's json writes of numbers that are none. */
const NO_NUMBER = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/** Reads a file that Python's json wrote; numbers that are none become texts, so that they are told by their keys. */
export function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text.replace(NO_NUMBER, (word) => (word.startsWith('"') ? word : `"${word}"`)));
  } catch (thrown) {
    throw fault(`${path} is not JSON (${errorText(thrown)}); copy or download it again.`);
  }
}

/** The safetensors files of a folder; throws a UserError where one is missing. */
function weightFiles(dir: string): string[] {
  const single = join(dir, 'model.safetensors');
  if (existsSync(single)) return [single];
  const indexPath = `${single}.index.json`;
  if (!existsSync(indexPath)) {
    throw fault(
      `${dir} has neither model.safetensors nor model.safetensors.index.json; give the folder of a Hugging Face checkpoint in safetensors format.`,
    );
  }
  const index = shardIndex.safeParse(readJson(indexPath));
  const names = index.success ? [...new Set(Object.values(index.data.weight_map))] : [];
  // A name with folders in it would read outside of the checkpoint.
  if (names.length === 0 || names.some((name) => name !== basename(name))) {
    throw fault(`${indexPath} does not map weights to files beside it; copy or download it again.`);
  }
  const missing = names.filter((name) => !existsSync(join(dir, name)));
  if (missing.length > 0) {
    throw fault(
      `${dir} lacks ${some(missing.toSorted())} of the ${names.length} files that its model.safetensors.index.json names; copy or download what is missing.`,
    );
  }
  return names.toSorted().map((name) => join(dir, name));
}

/** Up to three names, and how many more there are. */
function some(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return names.slice(0, 3).join(', ') + more;
}

/** Safetensors and Python write the outermost dimension first; tinystar and ggml the contiguous one. */
export const outermostFirst = (shape: Shape): number[] => shape.toReversed();
const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`;

/** The types of weights in a folder's files, without those that are plain numbers; none where files cannot be read. */
function packedTypes(dir: string): Set<string> {
  const types = new Set<string>();
  try {
    for (const path of weightFiles(dir)) {
      using file = SafetensorsFile.open(path);
      for (const { dtype } of file.tensors.values()) if (!isFloat(dtype)) types.add(dtype);
    }
  } catch {
    // That they cannot be read is told where they are needed.
  }
  return types;
}

/** Throws a UserError for a folder whose weights are quantised; `said` is how its configuration says so, if it does. */
export function refuseQuantised(dir: string, said: string | undefined): void {
  if (said === undefined) return;
  throw quantised(dir, packedTypes(dir), said);
}

function quantised(dir: string, types: ReadonlySet<string>, said: string | undefined): UserError {
  const stored = types.size === 0 ? '' : `are ${[...types].toSorted().join(' and ')}, `;
  const origin = said === undefined ? '' : ` (${said} in its config.json)`;
  const verb = stored === '' ? 'are ' : '';
  const advice =
    types.size === 0 && said !== undefined
      ? `, or remove ${said.split(' ', 1).join('')} if they are not`
      : '';
  return new UserError(
    'QUANTISED',
    `The weights in ${dir} ${stored}${verb}quantised${origin}, which tinystar reads from GGUF files alone; give the checkpoint in bf16, f16 or f32, or a GGUF file of the model${advice}.`,
  );
}

/** Tells whether the output projection that a tied model stores a second time is its embedding table. */
function isSameTable(files: ReadonlyMap<string, string>, vocabSize: number): boolean {
  const [headPath = '', tablePath = ''] = [files.get(HEAD), files.get(EMBEDDING)];
  using head = SafetensorsFile.open(headPath);
  using table = SafetensorsFile.open(tablePath);
  const [one, other] = [head.tensors.get(HEAD), table.tensors.get(EMBEDDING)];
  if (one === undefined || other === undefined || shapeText(one.shape) !== shapeText(other.shape))
    return false;
  const most = 4096;
  for (let start = 0; start < vocabSize; start += most) {
    const part = { start, rows: Math.min(most, vocabSize - start) };
    const [a, b] = [head.readF32(HEAD, part), table.readF32(EMBEDDING, part)];
    if (!a.every((value, i) => value === b[i])) return false;
  }
  return true;
}

/** Everything that does not fit of tensors that were found, by their names and shapes in words; that of `spare` may be among them. */
export function tensorFaults(
  wanted: ReadonlyMap<string, string>,
  found: readonly (readonly [name: string, shape: string])[],
  spare?: string,
): string[] {
  const names = found.map(([name]) => name);
  const there = new Set(names);
  const missing = [...wanted.keys()].filter((name) => !there.has(name));
  const misshapen = found.flatMap(([name, shape]) => {
    const needed = wanted.get(name) ?? shape;
    return shape === needed ? [] : [`${name} is ${shape} where ${needed} is needed`];
  });
  const unknown = names.filter((name) => !wanted.has(name) && name !== spare);
  const twice = names.filter((name) => !there.delete(name));
  return [
    ...(missing.length > 0 ? [`it lacks ${some(missing)}`] : []),
    ...(misshapen.length > 0 ? [some(misshapen)] : []),
    ...(unknown.length > 0 ? [`it has the unknown ${some(unknown)}`] : []),
    ...(twice.length > 0 ? [`it has ${some(twice)} in two files`] : []),
  ];
}

/** Names of the weights that each file holds; throws a UserError that says everything that does not fit the configuration. */
export function weightPlan(dir: string, config: ModelConfig): ReadonlyMap<string, readonly string[]> {
  const wanted = new Map(
    parameterSpecs(config).map(({ name, shape }) => [name, shapeText(outermostFirst(shape))]),
  );
  const found: [name: string, shape: string][] = [];
  const packed = new Set<string>();
  /** File in which each weight was found. */
  const homes = new Map<string, string>();
  const plan = new Map<string, readonly string[]>();
  for (const path of weightFiles(dir)) {
    using file = SafetensorsFile.open(path);
    for (const [name, { shape, dtype }] of file.tensors) {
      if (!isFloat(dtype)) packed.add(dtype);
      found.push([name, shapeText(shape)]);
      homes.set(name, path);
    }
    plan.set(
      path,
      [...file.tensors.keys()].filter((name) => wanted.has(name)),
    );
  }
  if (packed.size > 0) throw quantised(dir, packed, undefined);
  // Some writers store the tied output projection a second time.
  const isSecond = config.tiedEmbeddings && homes.has(HEAD);
  const faults = tensorFaults(wanted, found, isSecond ? HEAD : undefined);
  if (faults.length === 0 && isSecond && !isSameTable(homes, config.vocabSize)) {
    faults.push(
      `tie_word_embeddings is true, and its ${HEAD} is another than its ${EMBEDDING}, so that one of both is wrong`,
    );
  }
  if (faults.length > 0) {
    throw new UserError(
      'CHECKPOINT_TENSORS',
      `The weights in ${dir} do not fit its config.json: ${faults.join('; ')}; check that both are of one model and complete.`,
    );
  }
  return plan;
}
