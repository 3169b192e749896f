/** The shape of the source itself: who imports whom, no cycles, files that can be read in one sitting. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src');

/** The floors, lowest first: each imports from itself and from those before it. A new folder has to find its place here. */
const FLOORS =
  'base json ggml tensor model chat constrain assistant rewards data topk sampling environments losses train eval benchmarks stages recipe run report estimate fit serve handover check web api ai-sdk index.ts cli'.split(
    ' ',
  );

/** Packages are floors as well: what is above one may use it. */
const packages = join(root, 'packages');
const sources = [source, ...readdirSync(packages).map((name) => join(packages, name, 'src'))];

const files = sources.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path)),
);

const IMPORT = /(?:^(?:import|export)\s(?:[^;'"]*?\sfrom\s)?|\bimport\()['"]([^'"]+)['"]/gm;

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, name]) => name ?? '');
}

/** The files of ours that a file imports. */
function neighbours(file: string): string[] {
  return importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => resolve(dirname(file), name));
}

const short = (file: string): string => relative(source, file).replaceAll('\\', '/');
const floorOf = (file: string): string =>
  relative(file.startsWith(packages) ? packages : source, file).split(sep)[0] ?? '';

test('there are files to look at', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap(neighbours).length).toBeGreaterThan(200);
});

test('a floor imports only from the floors below it', () => {
  expect([...new Set(files.map(floorOf))].filter((floor) => !FLOORS.includes(floor))).toEqual([]);
  const height = (file: string): number => FLOORS.indexOf(floorOf(file));
  const wrong = files.flatMap((file) =>
    neighbours(file)
      .filter((other) => height(other) > height(file))
      .map((other) => `${short(file)} imports ${short(other)}`),
  );
  expect(wrong).toEqual([]);
});

test('only src/ggml knows koffi, and only the command line knows its framework', () => {
  const users = (name: string): string[] => [
    ...new Set(files.filter((file) => importsOf(file).includes(name)).map(floorOf)),
  ];
  expect(users('koffi')).toEqual(['ggml']);
  expect(users('@stricli/core')).toEqual(['cli']);
});

test('no file imports itself, however many files lie between', () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].map(short).join(' > '));
    else if (!done.has(file)) {
      for (const next of neighbours(file)) visit(next, [...path, file]);
      done.add(file);
    }
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test('most files are read in one sitting', () => {
  const lengths = files.map((file) => ({
    file: short(file),
    lines: readFileSync(file, 'utf8').split('\n').length,
  }));
  expect(lengths.filter(({ lines }) => lines > 400)).toEqual([]);
  expect(lengths.filter(({ lines }) => lines > 300).length).toBeLessThan(files.length / 20);
});

test('dependencies have exact versions, and the lockfile comes from the npm registry alone', () => {
  const read = (name: string): Record<string, Record<string, string>> =>
    JSON.parse(readFileSync(join(root, name), 'utf8')) as Record<string, Record<string, string>>;
  const manifest = read('package.json');
  for (const kind of ['dependencies', 'optionalDependencies', 'devDependencies']) {
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    }
  }
  const locked = Object.values(read('package-lock.json')['packages'] ?? {}) as unknown as {
    resolved?: string;
    link?: true;
  }[];
  const homes = new Set(
    locked.flatMap(({ resolved, link }) =>
      // The packages of this repository are links.
      resolved === undefined || link === true ? [] : [new URL(resolved).origin],
    ),
  );
  // npm may leave the address out, and then takes the registry's.
  expect([...homes].filter((home) => home !== 'https://registry.npmjs.org')).toEqual([]);
});
