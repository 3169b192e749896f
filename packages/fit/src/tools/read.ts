/** Functions of any source: one door, which sees by looking what it is given. */
import { existsSync, statSync } from 'node:fs';
import { UserError } from '../../../../src/base/errors.ts';
import { readText } from '../../../../src/base/files.ts';
import { functionsOfText } from './documents.ts';
import type { FromSource, SourceOptions } from './source.ts';

/**
 * Reads functions of a file of tools (OpenAI's, Anthropic's, MCP's and other forms). Throws one UserError with all that is wrong.
 */
export async function readFunctions(source: string, _options: SourceOptions = {}): Promise<FromSource> {
  if (!existsSync(source) || !statSync(source).isFile())
    throw new UserError('TOOLS', `There is no file ${source}; check the path.`);
  return { ...functionsOfText(readText(source), source), examples: [] };
}
