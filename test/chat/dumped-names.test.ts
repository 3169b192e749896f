/** Templates that do nothing with tools but dump them. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_TEMPLATE } from '../../src/chat/default-template.ts';
import { onlyDumps } from '../../src/chat/dumped-names.ts';
import { parseJson } from '../../src/json/parse.ts';
import { readRecord } from '../../src/data/record.ts';
import { ChatTemplate } from '../../src/chat/template.ts';

const loop = (body: string): string => `{% for tool in tools %}${body}{% endfor %}`;

describe('onlyDumps', () => {
  it.each([
    ["the project's own template", DEFAULT_TEMPLATE],
    ['a loop that dumps', `{% if tools %}${loop('{{- "x" }}{{ tool | tojson }}')}{% else %}none{% endif %}`],
    [
      'a loop that dumps the function where there is one',
      loop('{% if tool.function %}{{ tool.function | tojson }}{% else %}{{ tool | tojson }}{% endif %}'),
    ],
    ['a template without tools', '{% for m in messages %}{{ m.tools }}{% endfor %}'],
  ])('is true of %s', (_, template) => {
    expect(onlyDumps(template, 'tools')).toBe(true);
  });

  it.each([
    ['looks inside', loop('{{ tool.name }}')],
    ['looks inside by key', loop('{{ tool["name"] }}')],
    ['compares', loop('{% if tool is mapping %}x{% endif %}')],
    ['looks inside the function', loop('{{ tool.function.name }}')],
    ['tests an element', loop('{% if tool %}x{% endif %}')],
    ['dumps with indents', loop('{{ tool | tojson(indent=4) }}')],
    ['dumps the whole list', '{{ tools | tojson }}'],
    ['counts', '{{ tools | length }}'],
    ['gives it another name', '{% set list = tools %}{{ list[0].name }}'],
    ['gives an element another name', loop('{% set t = tool %}{{ t.name }}')],
    ['selects', '{% for tool in tools if tool.name %}{{ tool | tojson }}{% endfor %}'],
    ['cannot be parsed', '{% for %}'],
  ])('is false of a template that %s', (_, template) => {
    expect(onlyDumps(template, 'tools')).toBe(false);
  });
});

describe('rendering tools', () => {
  const row =
    '{"messages": [{"role": "user", "content": "Go"}], "tools": [{"name": "f", "2": 1.0, "1": [1e-7, "\\u00e9\\""]}, {"name": "g"}]}';
  const conversation = readRecord(parseJson(row), 'x');

  it('writes tools the same whether the template looks inside or not', () => {
    const dumped = '{"name": "f", "2": 1.0, "1": [1e-07, "é\\""]}{"name": "g"}';
    const render = (template: string): string =>
      new ChatTemplate(template).render(conversation, { bareTools: true });
    expect(render(loop('{{ tool | tojson }}'))).toBe(dumped);
    expect(render(loop('{% if tool.name %}{{ tool | tojson }}{% endif %}'))).toBe(dumped);
  });

  it('shows them as servers do: name, description and parameters, around them the type', () => {
    const row =
      '{"messages": [{"role": "user", "content": "Go"}], "tools": [{"strict": true, "parameters": {"b": 5.0, "a": 1}, "name": "f"}]}';
    const conversation = readRecord(parseJson(row), 'x');
    const inner = '{"name": "f", "description": "", "parameters": {"b": 5.0, "a": 1}}';
    const whole = `{"type": "function", "function": ${inner}}`;
    const render = (template: string): string => new ChatTemplate(template).render(conversation);
    expect(render(loop('{{ tool | tojson }}'))).toBe(whole);
    expect(render(loop('{{ tool.function | tojson }}'))).toBe(inner);
    expect(render(loop('{% if tool.type == "function" %}{{ tool | tojson }}{% endif %}'))).toBe(whole);
  });
});
