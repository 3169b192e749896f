/** Front door of the package: everything that `import { … } from 'tinystar'` gives. */
export { UserError } from './base/errors.ts';
