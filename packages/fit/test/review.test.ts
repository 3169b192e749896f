/** Wordings of a teacher, and the review of cases by a person. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../test/helpers/cli.ts';
import { chat, ScriptedServer } from '../../../test/helpers/scripted-server.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { openProject } from '../src/project.ts';
import { review } from '../src/synth/review.ts';
import { readCases } from '../src/synth/store.ts';
import { copyOfHome, emptyProject } from './helpers/home.ts';

const TIMER: Tool = {
  name: 'start_timer',
  description: 'Start a countdown',
  parameters: {
    type: 'object',
    properties: { minutes: { type: 'number', exclusiveMinimum: 0 }, label: { type: 'string' } },
    required: ['minutes'],
  },
};

/** A teacher that rewords every request in four ways, and calls a timer for what speaks of one, of ten minutes at that. */
const teacher = (): Promise<ScriptedServer> =>
  ScriptedServer.start(({ path, body }) => {
    if (path.endsWith('/models')) return { body: { data: [{ id: 'scripted' }] } };
    const messages = body['messages'] as { readonly content: string }[];
    const request = messages.at(-1)!.content;
    if (body['tools'] === undefined)
      return {
        body: chat([
          `1. kindly ${request}\n2. ${request}\n- set one up\n"would you ${request} for us"`,
          'stop',
        ]),
      };
    const args = JSON.stringify({ minutes: 10 });
    const called = {
      content: null,
      tool_calls: [{ type: 'function', id: 'a', function: { name: 'start_timer', arguments: args } }],
    };
    return { body: chat([/10|ten/.test(request) ? called : 'I can only do ten minutes.', 'stop']) };
  });

describe('tinystar synth --teacher', () => {
  const folderOf = (): string => {
    const folder = emptyProject();
    writeFileSync(join(folder, 'functions.json'), JSON.stringify([TIMER]));
    const lines = [
      'a timer for 10 minutes',
      'start a 10 minute timer',
      'count down 10 minutes',
      'time 10 minutes',
    ];
    const examples = lines.map((request) =>
      JSON.stringify({ request, calls: [{ name: 'start_timer', arguments: { minutes: 10 } }] }),
    );
    writeFileSync(join(folder, 'examples.jsonl'), `${examples.join('\n')}\n`);
    return folder;
  };

  it('keeps wordings that the teacher turns back into the same calls, counts the others by reason, and asks once', async () => {
    await using server = await teacher();
    const folder = folderOf();
    const args = ['synth', folder, '--size', '80', '--teacher', server.url, '--json'];
    const first = await runCli(args);
    expect(first.code).toBe(0);
    const { teacher: outcome } = JSON.parse(first.stdout) as {
      teacher: { cases: number; counts: Record<string, number>; left: number };
    };
    expect(outcome.left).toBe(0);
    expect(outcome.cases).toBeGreaterThan(3);
    expect(outcome.counts['kept']).toBe(outcome.cases);
    expect(outcome.counts['the same as another']).toBeGreaterThan(3);
    const kept = readCases(folder).train.filter(({ made: how }) => how === 'teacher');
    expect(kept).toHaveLength(outcome.cases);
    expect(kept.filter(({ calls, request }) => calls.length > 0 && !/10|ten/.test(request))).toEqual([]);
    const asked = server.asked.length;
    const second = await runCli(args);
    expect(second.stdout).toBe(first.stdout);
    expect(server.asked.filter(({ path }) => path.includes('completions')).length).toBeLessThanOrEqual(asked);
    expect(server.asked.length - asked).toBeLessThan(3);
    // Without a teacher, its wordings stay.
    await runCli(['synth', folder, '--size', '80']);
    expect(readCases(folder).train.filter(({ made: how }) => how === 'teacher')).toEqual(kept);
  });

  it('stops at the budget and says how to go on', async () => {
    await using server = await teacher();
    const folder = folderOf();
    const { stdout } = await runCli([
      'synth',
      folder,
      '--size',
      '80',
      '--teacher',
      server.url,
      '--max-tokens',
      '10',
    ]);
    expect(stdout).toContain('re-run with a larger one to go on');
    const { code, stderr } = await runCli(['synth', folder, '--teacher', server.url, '--max-cost', '1']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('--price')]);
  });
});

describe('tinystar review', () => {
  it('keeps, edits and drops cases, refuses calls outside their schema, and goes on where it was left', async () => {
    const folder = copyOfHome();
    await runCli(['synth', folder, '--size', '100']);
    const { functions } = openProject(folder);
    const before = readCases(folder);
    const [first, second, third, fourth] = before.train;
    const given = ['', 'd', 'e', 'another wording', '', 'c', '[{"name":"nothing"}]', 'q'];
    const shown: string[] = [];
    const reviewer = {
      show: (text: string): void => void shown.push(text),
      ask: (): Promise<string | undefined> => Promise.resolve(given.shift()),
    };
    const options = { split: 'train' } as const;
    expect(await review(folder, functions, options, reviewer)).toMatchObject({
      seen: 3,
      edited: 1,
      dropped: 1,
    });
    const after = readCases(folder);
    expect(after.train.slice(0, 3)).toEqual([
      first,
      { ...third, request: 'another wording', made: 'edited' },
      fourth,
    ]);
    expect([after.dev, after.test]).toEqual([before.dev, before.test]);
    expect(readFileSync(join(folder, 'cases', 'dropped.jsonl'), 'utf8')).toContain(
      JSON.stringify(second!.request),
    );
    expect(shown.join('')).toContain('There is no function nothing');
    shown.length = 0;
    await review(folder, functions, options, reviewer);
    expect(shown[0]).toContain(fourth!.request);
  });
});
