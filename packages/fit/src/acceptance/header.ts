/** Facts of a fit that a GGUF file has in its header. */
import type { z } from 'zod';
import { UserError } from '../../../../src/base/errors.ts';
import type { Verbatim } from '../../../constrain/src/calls.ts';
import { GgufFile } from '../../../../src/ggml/gguf-reader.ts';
import { openLibrary } from '../../../../src/ggml/library.ts';
import { isGguf } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { type Calibration, CALIBRATION_KEY, calibrationSchema } from './confidence.ts';
import { VERBATIM_KEY, verbatimSchema } from './verbatim.ts';

/** Reads a fact of a file; undefined of a folder, or a file that has none. Throws a UserError for a damaged one. */
function factIn<T>(path: string, key: string, schema: z.ZodType<T>): T | undefined {
  if (!isGguf(path)) return undefined;
  using file = GgufFile.open(openLibrary(), path);
  const text = file.string(key);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new UserError('HEADER', `${path} has a ${key} in its header that is none; run tinystar fit again.`);
  }
}

/** Reads a file's calibration; see factIn. */
export const calibrationIn = (path: string): Calibration | undefined =>
  factIn(path, CALIBRATION_KEY, calibrationSchema);

/** Reads the parameters of a file's functions whose values are words of the request; see factIn. */
export const verbatimIn = (path: string): Verbatim | undefined => factIn(path, VERBATIM_KEY, verbatimSchema);
