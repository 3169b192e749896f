/** Files of dialogues: what is read, and what is said about a line that is broken. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { OWN_TEMPLATE } from '../../src/chat/template.ts';
import { renderDialogue } from '../../src/data/render.ts';
import { readDialogues } from '../../src/data/reading.ts';
import { loadDialogues } from '../../src/run/dialogues.ts';

const scratch = mkdtempSync(join(tmpdir(), 'source-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const tokenizer = trainTokenizer(['set the timer to ten minutes, please'], { size: 290 });
const tool = { name: 'set_timer', parameters: { type: 'object', properties: {} } };
const call = { name: 'set_timer', arguments: { minutes: 5 } };
const messages = [
  { role: 'user', content: 'five minutes' },
  { role: 'assistant', toolCalls: [call] },
];
const line = (change: object = {}): string => JSON.stringify({ tools: [tool], messages, ...change });

function file(text: string): string {
  const path = join(scratch, 'data.jsonl');
  writeFileSync(path, text);
  return path;
}

/** Words of a file's reader on it, without the folder. */
function fault(text: string): string {
  try {
    readDialogues(file(text));
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message.replace(`${scratch}/`, '');
    throw thrown;
  }
  return 'nothing';
}

describe('readDialogues', () => {
  it('reads lines with a byte order mark, carriage returns and blank lines, and gives equal tools one array', () => {
    const [first, second] = readDialogues(
      file(`\uFEFF${line()}\r\n\r\n${line({ id: 'own', category: 'c' })}\r\n`),
    );
    expect(first).toMatchObject({ id: 'line-1', category: 'all', mustMention: [] });
    expect(first?.messages[1]?.toolCalls).toEqual([call]);
    expect(second).toMatchObject({ id: 'own', category: 'c' });
    expect(second?.tools).toBe(first?.tools);
  });

  it('gives shared tools to dialogues that name none, and to no others', () => {
    const shared = [new Map([['name', 'beep']])];
    const bare = line({ tools: undefined });
    const [own, given, none] = readDialogues(
      file(`${line()}\n${bare}\n${line({ tools: [] })}\n`),
      undefined,
      shared,
    );
    expect(own?.tools).not.toEqual([]);
    expect(given?.tools).toEqual([
      { name: 'beep', description: '', parameters: { type: 'object', properties: {} } },
    ]);
    expect(none?.tools).toEqual([]);
  });

  it('keeps values as the file has them, down to the texts that a model is trained on', () => {
    const values = '{"level": 5.0, "10": 1e-07, "n": 12345678901234567890}';
    const text = line()
      .replaceAll('{"minutes":5}', values)
      .replace('"properties":{}', `"properties":${values}`);
    const [dialogue] = readDialogues(file(text));
    const { prompt, target } = renderDialogue(dialogue!, tokenizer, OWN_TEMPLATE);
    expect(JSON.parse(JSON.stringify(dialogue))).toMatchObject({ id: 'line-1', messages: [{}, {}] });
    expect(prompt).toContain(`"properties": ${values}}`);
    expect(target).toContain(`{"name": "set_timer", "arguments": ${values}}\n</tool_call><|im_end|>`);
  });

  it('names the line that is cut short', () => {
    expect(fault(`${line()}\n${line().slice(0, 60)}`)).toBe(
      'data.jsonl:2 is not whole JSON; the file may be cut short: repair or remove that line.',
    );
  });

  it('names what is missing or wrong in a line, and where', () => {
    const { name: _, ...nameless } = tool;
    expect(fault(line({ tools: [tool, nameless] }))).toBe(
      'data.jsonl:1: Tool 2 has no name; correct or remove that line.',
    );
    expect(fault(line({ messages: messages.slice(1) }))).toContain(
      'data.jsonl:1: There is no message before the answer',
    );
    expect(fault(line({ messages: messages.toReversed() }))).toContain(
      "The last message must be the assistant's answer",
    );
    expect(fault('[1, 2]')).toContain('data.jsonl:1: It is no record with messages');
  });

  it('says so when a file is empty or not there', () => {
    expect(fault('\n\n')).toContain('holds no dialogue');
    expect(() => readDialogues(join(scratch, 'nothing.jsonl'))).toThrow('does not exist');
  });
});

describe('a mixture of files', () => {
  const write = (name: string, count: number): string => {
    const path = join(scratch, `${name}.jsonl`);
    writeFileSync(path, Array.from({ length: count }, (_, i) => line({ id: `${name}${i}` })).join('\n'));
    return path;
  };
  const [a, b, test] = [write('a', 40), write('b', 40), write('t', 2)];
  const mixed = (seed: number): string[] => {
    const parts = [
      { path: a, weight: 3 },
      { path: b, weight: 1 },
    ];
    const source = { source: 'mix', seed, parts, train: 20, test } as const;
    expect(loadDialogues(source, 'test')).toHaveLength(2);
    return Array.from(loadDialogues(source, 'train'), ({ id }) => id);
  };

  it('takes of each as much as its weight says, seeded, none twice', () => {
    const ids = mixed(7);
    expect(ids.filter((id) => id.startsWith('a'))).toHaveLength(15);
    expect(new Set(ids).size).toBe(20);
    expect(mixed(7)).toEqual(ids);
    expect(mixed(8)).not.toEqual(ids);
  });
});
