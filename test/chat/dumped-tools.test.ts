/** Tools as templates dump them: exactly, whatever else the template does with them. */
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/json/parse.ts';
import { readRecord } from '../../src/data/record.ts';
import { ChatTemplate } from '../../src/chat/template.ts';

const loop = (body: string): string => `{% for tool in tools %}${body}{% endfor %}`;

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
