/** The converters by name. A new format is one file beside this one and one line here. */
import { UserError } from '../../base/errors.ts';
import type { PyDict } from '../../json/python.ts';
import type { Format } from './format.ts';
import { openai, sharegpt, toolace, toolmind } from './conversations.ts';
import { acebench, bfcl } from './questions.ts';
import { requests } from './requests.ts';
import { hammer, xlam } from './xlam.ts';

/** In the order in which a row is compared with them: the narrower ones first. */
export const formats: readonly Format[] = [
  hammer,
  xlam,
  requests,
  acebench,
  bfcl,
  toolace,
  sharegpt,
  toolmind,
  openai,
];

export const formatNames: readonly string[] = formats.map(({ name }) => name);

/** The format of that name; throws a UserError that lists them all. */
export function formatNamed(name: string): Format {
  const found = formats.find((format) => format.name === name);
  if (found !== undefined) return found;
  throw new UserError(
    'FORMAT',
    `There is no format ${JSON.stringify(name)}; choose one of ${formatNames.join(', ')}.`,
  );
}

export function detectFormat(row: PyDict): Format | undefined {
  return formats.find((format) => format.matches(row));
}
