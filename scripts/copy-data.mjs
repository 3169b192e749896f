// Copies what the sources read beside themselves and the compiler leaves out: the phrases of the generators.
import { cpSync } from 'node:fs';

const FOLDERS = ['src/data/assistant/phrases'];

for (const folder of FOLDERS) cpSync(folder, `dist/${folder}`, { recursive: true });
