/** One case: a folder with one damaged file in it, and the command lines that read it. The same for the same seed and index. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Rng } from '../../src/base/rng.ts';
import { type Kind, KIND_NAMES, KINDS } from './kinds.ts';

export interface CaseId {
  readonly seed: number;
  readonly kind: string;
  readonly index: number;
}

export interface Case extends CaseId {
  /** The damaged file, from the case's folder. */
  readonly file: string;
  readonly command: readonly string[];
  /** Reader of the output of a command that was done. */
  readonly next: readonly (readonly string[])[];
  readonly owned: string | undefined;
}

/** Kinds in turn; what trains takes ten times as long as what reads, and has its turn half as often. */
const TURNS = [...KIND_NAMES, ...KIND_NAMES.filter((kind) => !kind.startsWith('stopped-'))];

/** The case at a place of the sequence of all kinds, or of some. */
export function caseAt(seed: number, place: number, kinds: readonly string[] = TURNS): CaseId {
  const kind = kinds[place % kinds.length] ?? '';
  const round = Math.floor(place / kinds.length);
  const times = kinds.filter((other) => other === kind).length;
  return { seed, kind, index: round * times + (kinds.indexOf(kind) < place % kinds.length ? 1 : 0) };
}

const words = (command: string): string[] => command.split(' ');

/** Makes a case in `folder`, which is emptied. */
export function makeCase(id: CaseId, seeds: string, folder: string): Case {
  const kind: Kind | undefined = KINDS[id.kind];
  if (kind === undefined)
    throw new Error(`There is no kind ${id.kind}; the kinds are ${KIND_NAMES.join(', ')}.`);
  const rng = Rng.seeded(id.seed, `${id.kind}:${id.index}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'out'), { recursive: true });
  for (const file of kind.files) cpSync(join(seeds, file), join(folder, 'in', file), { recursive: true });
  const [path, mutate] = rng.pick(kind.targets.filter(([file]) => existsSync(join(seeds, file))));
  const target = join(folder, 'in', path);
  const original = readFileSync(target);
  let bytes = mutate(rng, original);
  // A second change of what is still a whole file reaches deeper; of what is none it may fail.
  if (rng.chance(0.3)) {
    try {
      bytes = mutate(rng, bytes);
    } catch {
      // Then one has to do.
    }
  }
  writeFileSync(target, bytes);
  return {
    ...id,
    file: `in/${path}`,
    command: words(rng.pick(kind.commands)),
    next: (kind.next ?? []).map(words),
    owned: kind.owned,
  };
}

/** The contents of every file in the case's folder that its command must leave alone. */
export function inputsOf(folder: string, owned: string | undefined): Map<string, string> {
  const contents = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(folder, join(entry.parentPath, entry.name));
    if (!entry.isFile() || path.startsWith('out/') || (owned !== undefined && path.includes(owned))) continue;
    contents.set(
      path,
      createHash('sha1')
        .update(readFileSync(join(folder, path)))
        .digest('hex'),
    );
  }
  return contents;
}
