/** The modules of a page in a browser, compiled as the package's build does. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Compiles them into a folder below `scratch`, and returns it. */
export function buildPageModules(scratch: string): string {
  const outDir = join(scratch, 'built');
  const project = join(scratch, 'tsconfig.json');
  const options = {
    extends: join(root, 'tsconfig.build.json'),
    compilerOptions: {
      rootDir: root,
      outDir,
      declaration: false,
      noCheck: true,
      typeRoots: [join(root, 'node_modules', '@types')],
    },
    include: [],
    files: [join(root, 'packages/web/src/page/student.ts')],
  };
  writeFileSync(project, JSON.stringify(options));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout);
  return outDir;
}
