/**
 * Writes groups of requests for functions of common jobs, on which the bases of `tinystar fit` are pre-trained
 * (source `groups` of a pretrain stage). The phrases that every project holds out are not among them.
 *
 *   npx tsx scripts/make-groups.ts data/jobs.jsonl 6500
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { jobGroup } from '../packages/fit/src/synth/jobs.ts';

/** Requests of a group. */
const SIZE = 32;

const [path = '', groups = '1000', seed = '1'] = process.argv.slice(2);
const file = openSync(path, 'w');
for (let i = 0; i < Number(groups); i++) {
  const { functions, cases } = jobGroup(Number(seed), i, SIZE);
  const requests = cases.map(({ request, calls, reply }) => ({ request, calls, reply }));
  writeSync(file, `${JSON.stringify({ functions, requests })}\n`);
}
closeSync(file);
process.stdout.write(`${path}: ${groups} groups\n`);
