/** Why a row is left out. */
import { UserError } from '../base/errors.ts';

/** A row that is left out, and why: `code` is what is counted. */
export class Rejection extends UserError {
  constructor(code: string, message: string) {
    super(code, message);
    this.name = 'Rejection';
  }
}
