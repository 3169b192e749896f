/** Files of tools, as users write them. */
import { UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import { readTools as readDocuments } from '../chat/tool-documents.ts';
import { tryParseJson } from '../json/parse.ts';
import { isList, type PyDict } from '../json/python.ts';

/** Reads a tools file, its numbers as they were written; throws a UserError that names the tool that is wrong. */
export function readTools(path: string): readonly PyDict[] {
  const parsed = tryParseJson(readText(path));
  if (!parsed.ok) {
    const why = parsed.error.message.replace(/^Not JSON: |\.$/g, '');
    throw new UserError('TOOLS', `${path} is not JSON (${why}); it must hold a list of tools.`);
  }
  try {
    const tools = readDocuments(parsed.value);
    if (tools.length > 0 || isList(parsed.value)) return tools;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError('TOOLS', `${path}: ${thrown.message.replace(/\.$/, '')}; correct it.`);
  }
  throw new UserError('TOOLS', `${path} must hold a JSON list of tools.`);
}
