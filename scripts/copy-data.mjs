// Copies what the sources read beside themselves and the compiler leaves out: generators' phrases, pages, the report's style,
// Python files of job folders.
import { cpSync } from 'node:fs';

const PATHS = [
  'packages/assistant/src/phrases',
  'packages/assistant/src/people/phrases',
  'packages/environments/src/arithmetic/phrases',
  'packages/fit/src/synth/lexicons',
  'packages/environments/src/logic/phrases',
  'packages/handover/python',
  'packages/serve/src/playground.html',
  'packages/web/src/page/index.html',
  'packages/report/src/page.css',
];

for (const path of PATHS) cpSync(path, `dist/${path}`, { recursive: true });
