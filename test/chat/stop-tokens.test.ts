/** Ends of answers: every token that any of a checkpoint's files names as an end, that of the targets first. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import { ChatTemplate } from '../../src/chat/template.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { runCli } from '../helpers/cli.ts';
import { scratchFolder } from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
afterAll(remove);

const STUDENT = fileURLToPath(new URL('../../bases/student', import.meta.url));
const shipped = Tokenizer.load(STUDENT);
const [END, TEXT_END] = [shipped.idOf('<|im_end|>'), shipped.idOf('<|endoftext|>')];

/** A copy of the student in which a JSON file has other values; a value of undefined removes the file. */
function variant(name: string, changes: Record<string, object | undefined>): string {
  const folder = join(scratch, name);
  cpSync(STUDENT, folder, { recursive: true });
  for (const [file, fields] of Object.entries(changes)) {
    const path = join(folder, file);
    if (fields === undefined) rmSync(path);
    else {
      const before =
        file === 'special_tokens_map.json' ? {} : (JSON.parse(readFileSync(path, 'utf8')) as object);
      writeFileSync(path, JSON.stringify({ ...before, ...fields }));
    }
  }
  return folder;
}

const base = variant('base', {
  'tokenizer_config.json': { eos_token: '<|endoftext|>' },
  'generation_config.json': { eos_token_id: TEXT_END },
  'config.json': { eos_token_id: TEXT_END },
});

describe('stop tokens are', () => {
  test("the end of turn alone where all of a checkpoint's files agree", () => {
    expect(shipped.stopIds).toEqual([END]);
    expect(shipped.turnEndId).toBe(END);
  });

  test("the targets' end of turn and the end of text of a base checkpoint", () => {
    const tokenizer = Tokenizer.load(base);
    expect(tokenizer.stopIds).toEqual([END, TEXT_END]);
    expect(tokenizer.turnEndId).toBe(END);
  });

  test.each<[string, Record<string, object | undefined>]>([
    ['generation_config.json, a number', { 'generation_config.json': { eos_token_id: TEXT_END } }],
    ['generation_config.json, a list', { 'generation_config.json': { eos_token_id: [END, TEXT_END] } }],
    [
      'generation_config.json, a stop string',
      { 'generation_config.json': { stop_strings: ['<|endoftext|>'] } },
    ],
    ['config.json', { 'config.json': { eos_token_id: [TEXT_END] } }],
    [
      'tokenizer_config.json, an object',
      { 'tokenizer_config.json': { eos_token: { content: '<|endoftext|>' } } },
    ],
    ['tokenizer_config.json, the end of turn', { 'tokenizer_config.json': { eot_token: '<|endoftext|>' } }],
    [
      'special_tokens_map.json alone',
      {
        'tokenizer_config.json': { eos_token: null },
        'special_tokens_map.json': { eos_token: '<|endoftext|>' },
      },
    ],
  ])('what is named by %s', (name, changes) => {
    expect(Tokenizer.load(variant(name.replaceAll(/\W+/g, '-'), changes)).stopIds).toEqual([END, TEXT_END]);
  });

  test('those that there are: files that are missing name none, ids that no token has are left out', () => {
    const folder = variant('few', {
      'generation_config.json': undefined,
      'config.json': { eos_token_id: [END, 999_999] },
    });
    expect(Tokenizer.load(folder).stopIds).toEqual([END]);
  });

  test('what the chat template writes behind an answer, before all others', () => {
    const template = '{# tools #}{% for m in messages %}{{ m.content }}<|endoftext|>{% endfor %}';
    expect(shipped.withChatTemplate(template).stopIds).toEqual([TEXT_END, END]);
    expect(new ChatTemplate('{{ raise_exception("tools!") }}').afterAnswer()).toBe('');
  });
});

test('a base checkpoint stops at the end of turn that it was trained to write', async () => {
  const tools = join(scratch, 'tools.json');
  const parameters = { type: 'object', properties: { minutes: { type: 'integer' } } };
  writeFileSync(tools, JSON.stringify([{ name: 'set_timer', description: 'Set a timer', parameters }]));
  const ask = async (model: string): Promise<string> => {
    const args = [
      'generate',
      model,
      'Set a timer for 5 minutes',
      '--tools',
      tools,
      '--generate-max-len',
      '120',
    ];
    return (await runCli(args)).stdout;
  };
  expect(await ask(base)).toBe(await ask(STUDENT));
});

describe('an export of a base checkpoint says where turns end', () => {
  test('as a GGUF file', () => {
    expect(ggufTokenizer(base).eosId).toBe(END);
  });

  test('as a folder, and a GGUF file is read with all of its ends', async () => {
    const [gguf, folder] = [join(scratch, 'base.gguf'), join(scratch, 'exported')];
    const { code, stderr } = await runCli([
      'export',
      base,
      '--gguf',
      gguf,
      '--folder',
      folder,
      '--check',
      '0',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const generation = JSON.parse(readFileSync(join(folder, 'generation_config.json'), 'utf8')) as object;
    expect(generation).toMatchObject({ eos_token_id: [END, TEXT_END] });
    expect(Tokenizer.load(gguf).stopIds).toEqual([END]);
  });
});

test('no code draws with stop tokens of its own', () => {
  const source = fileURLToPath(new URL('../../src', import.meta.url));
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const own = files.filter((name) => /stopIds: \[[^\]]/.test(readFileSync(join(source, name), 'utf8')));
  expect(files.length).toBeGreaterThan(100);
  expect(own).toEqual([]);
});
