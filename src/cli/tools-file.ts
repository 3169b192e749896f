/** Tools as users keep them: a file of JSON in any of the forms that chat/tool-documents.ts reads. */
import { UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import type { Tool } from '../chat/messages.ts';
import { readTools as readDocuments, toTool } from '../chat/tool-documents.ts';
import { tryParseJson } from '../json/parse.ts';

/** Reads a tools file; throws a UserError that names the tool that is wrong. */
export function readTools(path: string): Tool[] {
  const parsed = tryParseJson(readText(path));
  if (!parsed.ok)
    throw new UserError('TOOLS', `${path} must hold a JSON list of tools. ${parsed.error.message}`);
  try {
    return readDocuments(parsed.value).map(toTool);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError('TOOLS', `${path}: ${thrown.message.replace(/\.$/, '')}; correct it.`);
  }
}
