/** Files that a fit leaves behind: judged by Go's own templates, by JavaScript that promptfoo would run, and by whose they are. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ChatTemplate } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { bases } from '../../../src/index.ts';
import { modelfile } from '../src/artefacts/modelfile.ts';
import { Places } from '../src/artefacts/place.ts';
import { promptfooConfig } from '../src/artefacts/promptfoo.ts';
import type { Case } from '../src/types.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-artefacts-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const functions: Tool[] = [
  {
    name: 'lamp',
    description: 'Braces {{ .Tools }}, """quotes""" and "anyOf"',
    parameters: { type: 'object', properties: { room: { anyOf: [{ const: 'hall' }, { type: 'null' }] } } },
  },
];
const tokenizer = Tokenizer.load(bases.student);
const text = modelfile({ gguf: 'student.gguf', functions, tokenizer, contextLength: 2048 });

/** Renders the template of a Modelfile as Ollama does, by Go's text/template. */
const GO = `package main
import ("encoding/json"; "io"; "os"; "text/template")
type Function struct { Name string; Arguments Args }
// Neither prints itself as JSON: versions of Ollama differ in which of its types do.
type Args map[string]any
type Tool struct { Function struct { Name string; Parameters *int } }
type Call struct { Function Function }
type Message struct { Role, Content string; ToolCalls []Call }
type Data struct { System string; Tools []Tool; Messages []Message }
func main() {
	text, _ := os.ReadFile(os.Args[1])
	input, _ := io.ReadAll(os.Stdin)
	var data Data
	if err := json.Unmarshal(input, &data); err != nil { panic(err) }
	funcs := template.FuncMap{"json": func(v any) string { b, _ := json.Marshal(v); return string(b) }}
	if err := template.Must(template.New("").Funcs(funcs).Parse(string(text))).Execute(os.Stdout, data); err != nil { panic(err) }
}
`;
const hasGo = spawnSync('go', ['version']).status === 0;

function rendered(data: object): string {
  const [, template = ''] = /TEMPLATE """([\s\S]*?)"""\n/.exec(text) ?? [];
  const [program, file] = [join(scratch, 'main.go'), join(scratch, 'template.txt')];
  writeFileSync(program, GO);
  writeFileSync(file, template);
  const { stdout, stderr, status } = spawnSync('go', ['run', program, file], {
    input: JSON.stringify(data),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

describe('the Modelfile', () => {
  test('names the model, ends turns, and knows how much it reads', () => {
    expect(text).toContain('FROM ./student.gguf\n');
    expect(text).toContain('PARAMETER num_ctx 2048\n');
    expect(text).toContain('PARAMETER stop "<|im_end|>"\n');
    expect(text.split('"""')).toHaveLength(3);
  });

  test.skipIf(!hasGo)('gives the bytes of the training prompts, whatever Go thinks of the tools', () => {
    const template = ChatTemplate.of(tokenizer).fixed('off');
    const user = { role: 'user', content: 'lamp on, please' } as const;
    expect(rendered({ Messages: [{ Role: 'user', Content: user.content }], Tools: [{ odd: true }] })).toBe(
      template.prompt({ messages: [user], tools: functions }),
    );
    expect(
      rendered({ System: 'Be brief.', Messages: [{ Role: 'user', Content: user.content }], Tools: [] }),
    ).toBe(template.prompt({ messages: [{ role: 'system', content: 'Be brief.' }, user], tools: functions }));
  });

  test('begins what Ollama looks for calls by with the tag alone', () => {
    // Its parser takes the first text in the first {{ if .ToolCalls }}, up to a brace.
    const [, found] = /\{\{-? if [^}]*\.ToolCalls[^}]*\}\}(?:\{\{ range[^}]*\}\})?([^{]*)/.exec(text) ?? [];
    expect(found?.trim()).toBe('<tool_call>');
  });

  test.skipIf(!hasGo)('shows calls and their results as the chat template does', () => {
    const template = ChatTemplate.of(tokenizer).fixed('off');
    const call = { name: 'lamp', arguments: { room: 'hall' } };
    const ours = template.prompt({
      messages: [
        { role: 'user', content: 'lamp on' },
        { role: 'assistant', content: 'Both.', toolCalls: [call, call] },
        { role: 'tool', content: '{"ok": true}' },
      ],
      tools: functions,
    });
    const theirs = rendered({
      Tools: [{}],
      Messages: [
        { Role: 'user', Content: 'lamp on' },
        {
          Role: 'assistant',
          Content: 'Both.',
          ToolCalls: [call, call].map(({ name, arguments: given }) => ({
            Function: { Name: name, Arguments: given },
          })),
        },
        { Role: 'tool', Content: '{"ok": true}' },
      ],
    });
    // Go's JSON has no spaces, and the empty thought of a turn that is over is not shown.
    const plain = (prompt: string): string =>
      prompt.replaceAll('": ', '":').replaceAll('<think>\n\n</think>\n\nBoth', 'Both');
    expect(plain(theirs)).toBe(plain(ours));
  });
});

const caseOf = (request: string, calls: Case['calls']): Case => ({
  id: 'test-1',
  request,
  calls,
  reply: '',
  kind: 'single',
  wording: '',
  made: '',
});

describe('the configuration of promptfoo', () => {
  const call = { name: 'lamp', arguments: { room: 'hall', n: 2 } };
  const config = parse(promptfooConfig(functions, [caseOf('say {{ this }}', [call])])) as {
    tests: { vars: { request: string; calls: string } }[];
    defaultTest: { assert: { value: string }[] };
    providers: { config: { tools: unknown[] } }[];
  };
  const [own] = config.tests;
  const check = (output: unknown): unknown =>
    // oxlint-disable-next-line no-implied-eval -- it is what promptfoo does with it
    new Function('output', 'context', config.defaultTest.assert[0]!.value)(output, { vars: own!.vars });

  test('asks each request, its braces taken as text, and offers the functions', () => {
    expect(own?.vars.request).toBe('{% raw %}say {{ this }}{% endraw %}');
    expect(config.providers[0]?.config.tools).toEqual([{ type: 'function', function: functions[0] }]);
  });

  test('takes calls for right in any order of keys, and nothing else', () => {
    const made = (given: object): object[] => [
      { type: 'function', function: { name: 'lamp', arguments: JSON.stringify(given) } },
    ];
    expect(check(made({ n: 2, room: 'hall ' }))).toBe(true);
    expect(check({ tool_calls: made({ n: 2, room: 'hall' }) })).toBe(true);
    expect(check(made({ n: 3, room: 'hall' }))).toBe(false);
    expect(check('In which room?')).toBe(false);
  });
});

test('files that a person has made or changed are left, and ours put beside them', () => {
  const record = join(scratch, 'written.json');
  const read = (name: string): string => readFileSync(join(scratch, name), 'utf8');
  writeFileSync(join(scratch, 'README.md'), 'mine');
  const first = new Places(scratch, record);
  first.text('README.md', 'ours');
  first.text('Modelfile', 'one');
  expect([read('README.md'), read('README.md.new'), first.beside]).toEqual(['mine', 'ours', ['README.md']]);
  const second = new Places(scratch, record);
  second.text('Modelfile', 'two');
  expect([read('Modelfile'), second.beside]).toEqual(['two', []]);
  writeFileSync(join(scratch, 'Modelfile'), 'two, but better');
  const third = new Places(scratch, record);
  third.text('Modelfile', 'three');
  expect([read('Modelfile'), read('Modelfile.new')]).toEqual(['two, but better', 'three']);
});
