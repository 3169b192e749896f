/** YAML as PyYAML reads it. */
import { stringify } from 'yaml';

/** Text of a value; PyYAML takes 1e-8 for a text, and 1.0e-8 for a number. */
export const yamlText = (value: unknown): string =>
  stringify(value, { lineWidth: 0, version: '1.1' }).replace(/(?<=^.*[:-] )(-?\d+)e(?=[+-]?\d+$)/gm, '$1.0e');
