/** Identity of a benchmark's data, by contents: the same answers may be expected where these are the same. */
import { type Contents, contentsOf, filesIn } from '../../../src/base/identity.ts';
import { longContextFile } from './bfcl/long-context.ts';

/** The digests of a benchmark's folder, and of BFCL's constants, which may lie elsewhere in a checkout. */
export function benchmarkContents(folder: string): Contents {
  const constants = longContextFile(folder);
  return contentsOf(folder, [
    ...new Set([...filesIn(folder), ...(constants === undefined ? [] : [constants])]),
  ]);
}
