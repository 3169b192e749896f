/** All that is wrong with a person's files, told at once, each fault with its place. */
import { UserError } from '../../../src/base/errors.ts';

/** Faults that are shown; of more, their number. */
const SHOWN = 20;

/** Throws a UserError with all faults, if there are any; `what` is the file or folder that has them. */
export function throwFaults(code: string, what: string, faults: readonly string[]): void {
  const [only] = faults;
  if (only === undefined) return;
  if (faults.length === 1) throw new UserError(code, only);
  const rest = faults.length > SHOWN ? [`and ${faults.length - SHOWN} more`] : [];
  const lines = [...faults.slice(0, SHOWN), ...rest].map((line) => `  ${line}`);
  throw new UserError(code, `${what} has ${faults.length} faults:\n${lines.join('\n')}`);
}
