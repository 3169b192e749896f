/** The calibration that a GGUF file has in its header. */
import { GgufFile } from '../../../../src/ggml/gguf-reader.ts';
import { openLibrary } from '../../../../src/ggml/library.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { isGguf } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { type Calibration, CALIBRATION_KEY, calibrationSchema } from './confidence.ts';

/** Reads a file's calibration; undefined of a folder, or a file that has none. Throws a UserError for a damaged one. */
export function calibrationIn(path: string): Calibration | undefined {
  if (!isGguf(path)) return undefined;
  using file = GgufFile.open(openLibrary(), path);
  const text = file.string(CALIBRATION_KEY);
  if (text === undefined) return undefined;
  try {
    return calibrationSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(
      'CALIBRATION',
      `${path} has a ${CALIBRATION_KEY} in its header that is none; run tinystar fit again.`,
    );
  }
}
