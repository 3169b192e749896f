/** A benchmark of our own in BFCL's layout: a few entries, with what a good model answers to them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const lines = (rows: readonly unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const asks = (content: string) => [{ role: 'user', content }];

export const call = (name: string, args: unknown): string =>
  `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;

function document(name: string, description: string, parameters: Record<string, string>): unknown {
  const properties = Object.fromEntries(
    Object.entries(parameters).map(([key, type]) => [key, { type, description: key }]),
  );
  return { name, description, parameters: { type: 'dict', properties, required: Object.keys(parameters) } };
}

const timer = document('set_timer', 'Sets a timer.', { minutes: 'integer' });

const SIMPLE = [5, 10, 15, 20].map((minutes, i) => ({
  id: `simple_${i}`,
  question: [asks(`Set a timer for ${minutes} minutes.`)],
  function: [timer],
}));
const IRRELEVANCE = [0, 1].map((i) => ({
  id: `irrelevance_${i}`,
  question: [asks(`Tell me joke number ${i}.`)],
  function: [timer],
}));
const MULTI_TURN = [
  {
    id: 'multi_turn_base_0',
    question: [asks('Make a folder called notes.'), asks('Now put an empty file todo.txt beside it.')],
    initial_config: { GorillaFileSystem: { root: { home: { type: 'directory', contents: {} } } } },
    involved_classes: ['GorillaFileSystem'],
    path: [],
  },
];

/** Writes the benchmark. */
export function makeBfcl(folder: string): void {
  mkdirSync(join(folder, 'possible_answer'), { recursive: true });
  mkdirSync(join(folder, 'multi_turn_func_doc'));
  const write = (name: string, rows: readonly unknown[]): void => {
    writeFileSync(join(folder, name), lines(rows));
  };
  write('BFCL_v3_simple.json', SIMPLE);
  write(
    'possible_answer/BFCL_v3_simple.json',
    SIMPLE.map(({ id }, i) => ({ id, ground_truth: [{ set_timer: { minutes: [5 * (i + 1)] } }] })),
  );
  write('BFCL_v3_irrelevance.json', IRRELEVANCE);
  write('BFCL_v3_multi_turn_base.json', MULTI_TURN);
  write('possible_answer/BFCL_v3_multi_turn_base.json', [
    { id: 'multi_turn_base_0', ground_truth: [["mkdir(dir_name='notes')"], ["touch(file_name='todo.txt')"]] },
  ]);
  write('multi_turn_func_doc/gorilla_file_system.json', [
    document('mkdir', 'Makes a folder.', { dir_name: 'string' }),
    document('touch', 'Makes an empty file.', { file_name: 'string' }),
  ]);
}

/** The answer of a model that is always right. */
export function rightAnswer(prompt: string): string {
  const minutes = /Set a timer for (\d+) minutes/.exec(prompt)?.[1];
  if (minutes !== undefined)
    return `<think>\nA timer.\n</think>\n\n${call('set_timer', { minutes: Number(minutes) })}`;
  if (prompt.includes('Tell me joke')) return 'I can only set timers.';
  if (prompt.endsWith('</tool_response><|im_end|>\n<|im_start|>assistant\n')) return 'Done.';
  return prompt.includes('todo.txt')
    ? call('touch', { file_name: 'todo.txt' })
    : call('mkdir', { dir_name: 'notes' });
}
