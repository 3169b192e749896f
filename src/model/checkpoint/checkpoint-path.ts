/** A user's path to a checkpoint: a folder, or a GGUF file. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { type Contents, contentsOf } from '../../base/identity.ts';
import { readAt, withFile } from '../../base/open-file.ts';

/** Bytes that every GGUF file begins with. */
const MAGIC = 'GGUF';

/** Tells whether a path means a GGUF file and no folder: by its name, or by what the file begins with. */
export function isGguf(path: string): boolean {
  if (path.toLowerCase().endsWith('.gguf')) return true;
  if (!existsSync(path)) return false;
  const status = statSync(path);
  if (!status.isFile() || status.size < MAGIC.length) return false;
  return withFile(path, 'r', (file) => readAt(path, file, 0, MAGIC.length).toString('latin1') === MAGIC);
}

/** The folder of the checkpoint: the path itself, or the model in the folder of a run's stage. */
export function checkpointAt(path: string): string {
  if (isGguf(path)) return path;
  const ofStage = join(path, 'model');
  const isStage = !existsSync(join(path, 'config.json')) && existsSync(join(ofStage, 'config.json'));
  return isStage ? ofStage : path;
}

/** Name of an adapter's configuration in PEFT. */
const ADAPTER = 'adapter_config.json';

/** Throws a UserError for a folder with an adapter, by itself or beside the weights that it would change. */
export function refuseAdapter(path: string): void {
  if (isGguf(path) || !existsSync(join(path, ADAPTER))) return;
  const what = existsSync(join(path, 'config.json'))
    ? 'has an adapter (adapter_config.json) beside its weights, which changes them when transformers loads them'
    : 'is an adapter (adapter_config.json) and no whole checkpoint';
  throw new UserError(
    'ADAPTER',
    `${path} ${what}, and tinystar applies none that others trained; merge it into its base model (merge_and_unload of PEFT) and give the folder with the result.`,
  );
}

/** Throws a UserError unless there is something at a path that may be read as a checkpoint; `others` is what could stand there instead. */
export function requireCheckpoint(path: string, others = ''): void {
  if (isGguf(path)) {
    if (existsSync(path)) return;
    throw new UserError('CHECKPOINT', `${path} does not exist; check the path.`);
  }
  const folder = checkpointAt(path);
  refuseAdapter(folder);
  if (existsSync(join(folder, 'config.json'))) return;
  const rest = others === '' ? ', or a .gguf file' : `, a .gguf file, or ${others}`;
  throw new UserError(
    'CHECKPOINT',
    `${path} is no checkpoint: it has no config.json; give the folder of a Hugging Face checkpoint or of a run's stage${rest}.`,
  );
}

/** Files that are read of a checkpoint's folder: weights, configurations, tokenizer, chat template. */
const OWN_FILE = /\.(safetensors|json|jinja)$|^merges\.txt$/;
/** Those that are not read where only tokens and template matter. */
const WEIGHT_FILE = /\.safetensors(\.index\.json)?$/;

/** The digests of the files that a checkpoint, or its tokenizer alone, is read from; none where there is nothing. */
export function checkpointContents(source: string, part: 'whole' | 'tokenizer' = 'whole'): Contents {
  if (!existsSync(source)) return {};
  if (isGguf(source)) return contentsOf(source, [source]);
  const names = readdirSync(source).filter(
    (name) => OWN_FILE.test(name) && (part === 'whole' || !WEIGHT_FILE.test(name)),
  );
  return contentsOf(
    source,
    names.map((name) => join(source, name)),
  );
}

/** Name of a checkpoint in tables: its folder, or the stage that it is the model of. */
export function checkpointName(path: string): string {
  const whole = resolve(path);
  return basename(basename(whole) === 'model' ? dirname(whole) : whole);
}
