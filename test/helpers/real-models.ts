/** Folder of the real models that test/real-models/fetch.py fetches; what needs them is skipped where they are not. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT =
  process.env['TINYSTAR_REAL_MODELS'] ?? fileURLToPath(new URL('../../.real-models/', import.meta.url));

export const realModels = (path: string): string => join(ROOT, path);
