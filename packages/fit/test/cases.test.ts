/** Cases that a fit makes of its project, and when it makes them anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectCases } from '../src/fit/cases.ts';
import { writeDialogues } from '../src/fit/dialogues.ts';
import { openProject } from '../src/project.ts';
import type { Cases } from '../src/synth/store.ts';
import type { Case } from '../src/types.ts';
import { copyOfHome, emptyProject } from './helpers/home.ts';

test("a server's wordings join the training cases once, and again when another server is named", async () => {
  const folder = copyOfHome();
  const path = join(folder, 'fit.yaml');
  const name = (model: string): void =>
    writeFileSync(path, `cases: 60\nparaphrase: { endpoint: http://localhost:1, model: ${model} }\n`);
  name('one');
  let asked = 0;
  const reword = ({ train }: Cases): Promise<readonly Case[]> => {
    asked += 1;
    return Promise.resolve(
      train.slice(0, 3).map((one) => ({ ...one, id: `other-${one.id}`, made: 'teacher' })),
    );
  };
  const first = await projectCases(openProject(folder), reword);
  expect(first.cases.train.filter(({ made }) => made === 'teacher')).toHaveLength(3);
  expect(first.cases.train.length).toBeGreaterThan(60);
  const second = await projectCases(openProject(folder), reword);
  expect(second.cases).toEqual(first.cases);
  expect(asked).toBe(1);
  name('other');
  await projectCases(openProject(folder), reword);
  expect(asked).toBe(2);
});

test('cases that a person has changed are left as they are', async () => {
  const folder = copyOfHome();
  writeFileSync(join(folder, 'fit.yaml'), 'cases: 60\n');
  const none = (): Promise<readonly Case[]> => Promise.resolve([]);
  const { cases } = await projectCases(openProject(folder), none);
  const path = join(folder, 'cases', 'train.jsonl');
  const [first = '', ...others] = readFileSync(path, 'utf8').trim().split('\n');
  writeFileSync(path, `${others.join('\n')}\n`);
  writeFileSync(join(folder, 'fit.yaml'), 'cases: 80\n');
  const again = await projectCases(openProject(folder), none);
  expect(again.cases.train).toEqual(cases.train.slice(1));
  expect(again.from).toContain('which you have changed');
  expect(first).not.toBe('');
});

test('arguments are learned in the order of their function, in whichever order an example has them', () => {
  const path = join(emptyProject(), 'train.jsonl');
  const parameters = { type: 'object', properties: { room: {}, level: {}, state: {} } };
  const tools = [{ name: 'light', description: '', parameters }];
  const call = { name: 'light', arguments: { state: 'on', extra: 1, room: 'hall' } };
  const one = {
    id: 'a',
    request: 'on',
    calls: [call],
    reply: '',
    kind: 'single',
    wording: 'on',
    made: 'example',
  } as const;
  writeDialogues(path, [one], tools, 1);
  expect(readFileSync(path, 'utf8')).toContain('{"room":"hall","state":"on","extra":1}');
});
