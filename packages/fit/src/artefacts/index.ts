/** Files that a fit leaves in the project's folder: the student as a GGUF file, and what it takes to run, check and know it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ggufTokenizer } from '../../../../src/chat/gguf-tokenizer.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { Device } from '../../../../src/ggml/device.ts';
import { loadConfig, loadModel } from '../../../../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../../../../src/model/checkpoint/gguf.ts';
import { CALIBRATION_KEY } from '../acceptance/confidence.ts';
import { VERBATIM_KEY } from '../acceptance/verbatim.ts';
import type { Fitted } from '../fit/fit.ts';
import type { Case, Project } from '../types.ts';
import { type Card, modelCard } from './card.ts';
import { modelfile } from './modelfile.ts';
import { Places } from './place.ts';
import { promptfooConfig } from './promptfoo.ts';

export const STUDENT_FILE = 'student.gguf';

/** Record of what was written into a project's folder. */
const recordOf = (project: Project): string => join(project.folder, 'runs', 'written.json');

export interface Exported {
  readonly path: string;
  readonly bytes: number;
  readonly weights: number;
  /** Files that are a person's own, so that ours stand beside them. */
  readonly beside: readonly string[];
}

/** Writes the student, with its functions' calibration in the header, and the parameters whose values are words of requests. */
export function exportStudent(
  project: Project,
  { round, verbatim, calibration }: Pick<Fitted, 'round' | 'verbatim' | 'calibration'>,
): Exported {
  const { dtype } = project.settings;
  using device = Device.open('cpu');
  const { config, parameters } = loadModel(device, round.student.model, { trainable: false });
  using weights = parameters;
  const places = new Places(project.folder, recordOf(project));
  const path = places.put(STUDENT_FILE, (file) => {
    const notes = {
      [VERBATIM_KEY]: JSON.stringify(verbatim),
      ...(calibration === undefined ? {} : { [CALIBRATION_KEY]: JSON.stringify(calibration) }),
    };
    exportGguf(file, config, weights, ggufTokenizer(round.student.model), {
      dtype,
      name: 'tinystar student',
      notes,
    });
  });
  return { path, bytes: statSync(path).size, weights: weights.count, beside: places.beside };
}

/** Writes the files of text; returns the names of those that stand beside a person's own. */
export function writeTexts(
  project: Project,
  gguf: string,
  test: readonly Case[],
  card: Card,
): readonly string[] {
  const { functions } = project;
  const places = new Places(project.folder, recordOf(project));
  const { contextLength } = loadConfig(gguf);
  places.text(
    'Modelfile',
    modelfile({ gguf: STUDENT_FILE, functions, tokenizer: Tokenizer.load(gguf), contextLength }),
  );
  places.text('promptfooconfig.yaml', promptfooConfig(functions, test));
  const lines = test.map(({ id, kind, request, calls, reply }) =>
    JSON.stringify({ id, kind, request, ...(calls.length > 0 ? { calls } : { calls, reply }) }),
  );
  places.text('acceptance.jsonl', lines.map((line) => `${line}\n`).join(''));
  places.text('README.md', modelCard(card));
  return places.beside;
}
