/** `report.html`: what a run did, in one file that needs nothing but itself. */
import { join } from 'node:path';
import { writeAtomic } from '../base/files.ts';
import { reportPage } from './page.ts';
import { readRun } from './read.ts';

/** Writes the report of the run in `folder` and returns its path. */
export async function writeReport(folder: string): Promise<string> {
  const path = join(folder, 'report.html');
  writeAtomic(path, await reportPage(await readRun(folder)));
  return path;
}
