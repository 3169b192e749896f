/** Records as prompts and targets, against Jinja2 itself (test/fixtures/rendering/oracle.py). */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readText } from '../../src/base/files.ts';
import { templateValues } from '../../src/chat/exact-json.ts';
import { renderTemplate } from '../../src/chat/jinja.ts';
import { ChatTemplate, OWN_TEMPLATE } from '../../src/chat/template.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { readRecord } from '../../src/data/record.ts';
import { type RenderMode, renderRecord, type Rendered } from '../../src/data/rendering.ts';
import { type RenderedRow, renderRows } from '../../src/data/rendering.ts';
import { fileRows } from '../../src/data/streams/rows.ts';
import { parseJson } from '../../src/json/parse.ts';
import { simrl } from '../../src/rewards/simrl.ts';
import { goldenFile, goldenFolder } from '../helpers/golden-folder.ts';

const fixtures = fileURLToPath(new URL('../fixtures/rendering/', import.meta.url));
const real = goldenFile('xlam-1024.jsonl');
/** SHA-256 of what the oracle wrote for the real rows, as JSON. */
const JINJA_ROWS = '9bdb9499c27c2063985b6ba3dedacd76e5890f516fae2d724b20f3193e11d82c';
const hasJinja = spawnSync('python3', ['-c', 'import jinja2']).status === 0;
const scratch = mkdtempSync(join(tmpdir(), 'rendering-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Expected extends Rendered {
  readonly mode: RenderMode;
  readonly reasoning: boolean;
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Texts that this project makes of the same records, in the oracle's order. */
function ours(template: ChatTemplate, records: string): Expected[] {
  return linesOf(records).flatMap((line, index) => {
    const record = readRecord(parseJson(line), `line-${index + 1}`);
    return (['star', 'native'] as const).flatMap((mode) =>
      [true, false].map((reasoning) => ({
        mode,
        reasoning,
        ...renderRecord(record, { template, mode, reasoning }),
      })),
    );
  });
}

function oracle(template: string, path: string): Expected[] {
  const file = join(scratch, 'template.jinja');
  writeFileSync(file, template);
  const run = spawnSync('python3', [`${fixtures}oracle.py`, file, path], {
    encoding: 'utf8',
    maxBuffer: 1 << 27,
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return linesOf(run.stdout).map((line) => JSON.parse(line) as Expected);
}

describe('renderRecord', () => {
  const records = readText(`${fixtures}records.jsonl`);

  it('writes what Jinja2 and Python write: thoughts, tools, 1.0, 1e-07, integers beyond 2^53, keys in their order', () => {
    const expected = linesOf(readText(`${fixtures}expected.jsonl`)).map(
      (line) => JSON.parse(line) as Expected,
    );
    expect(ours(OWN_TEMPLATE, records)).toEqual(expected);
    expect(expected[0]!.inputs).toContain('"10": {"type": "int", "default": 1.0}, "2": {');
  });

  it('refuses a record without an answer, and a template that rewrites the history', () => {
    const ask = '{"messages": [{"role": "user", "content": "Go"}';
    const reply = ', {"role": "assistant", "content": "Gone"}]}';
    const options = { template: OWN_TEMPLATE, mode: 'native', reasoning: true } as const;
    expect(() => renderRecord(readRecord(parseJson(`${ask}]}`), 'x'), options)).toThrow('does not end with');
    const rewriting = '{{ messages|length }}{{ messages[0].content }}';
    const whole = readRecord(parseJson(ask + reply), 'x');
    expect(() => renderRecord(whole, { ...options, template: new ChatTemplate(rewriting) })).toThrow(
      'no boundary',
    );
  });

  it('cuts where the answer begins with a template that knows no thoughts', () => {
    const template =
      "{%- for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{ 'assistant: ' }}{%- endif %}";
    const record = readRecord(
      parseJson(
        '{"id": "a", "messages": [{"role": "user", "content": "Go"}, {"role": "assistant", "content": "Gone"}]}',
      ),
      'x',
    );
    expect(
      renderRecord(record, { template: new ChatTemplate(template), mode: 'native', reasoning: true }),
    ).toEqual({
      id: 'a',
      inputs: 'user: Go\nassistant: ',
      targets: 'Gone\n',
    });
  });
});

describe('a template that writes less than the answer', () => {
  const plain = (calls: string): ChatTemplate =>
    new ChatTemplate(
      `{%- for m in messages %}{{ '<' + m.role + '>' + m.content }}${calls}{%- endfor %}{%- if add_generation_prompt %}{{ '<assistant>' }}{%- endif %}`,
    );
  const writesCalls = plain('{%- for c in m.tool_calls or [] %}{{ c.function | tojson }}{%- endfor %}');
  const record = readRecord(
    parseJson(
      '{"messages": [{"role": "user", "content": "Go"}, {"role": "assistant", "content": "", "reasoning_content": "A walk.", "tool_calls": [{"name": "走る\\"", "arguments": {}}]}]}',
    ),
    'x',
  );
  const render = (template: ChatTemplate, reasoning: boolean): string =>
    renderRecord(record, { template, mode: 'native', reasoning }).targets;

  it('is refused for the record, for its thought or its calls', () => {
    expect(() => render(writesCalls, true)).toThrow(/leaves the answer's thought out; .*--no-reasoning/);
    expect(() => render(plain(''), false)).toThrow('leaves the answer\'s call of 走る" out');
    expect(render(writesCalls, false)).toBe('{"name": "走る\\"", "arguments": {}}');
  });
});

describe('templateValues', () => {
  it('keeps marks that a text already has', () => {
    const values = templateValues();
    const text = '\u{F0000}0\u{F0001}';
    const given = new Map([
      ['a', text],
      ['1', 'x'],
    ]);
    const rendered = renderTemplate('{{ v | tojson }} {{ v.a }}', { v: values.of(given) });
    expect(values.restore(rendered)).toBe(`{"a": "${text}", "1": "x"} ${text}`);
  });
});

describe('with the real Qwen3 vocabulary and template', () => {
  const tokenizer = Tokenizer.load(goldenFolder('qwen3-tokenizer'));
  const template = ChatTemplate.of(tokenizer);

  async function rendered(options: {
    mode: RenderMode;
    maxPromptTokens: number;
    maxTargetTokens?: number;
  }): Promise<RenderedRow[]> {
    const rows: RenderedRow[] = [];
    const all = { tokenizer, template, reasoning: true, maxTargetTokens: Infinity, ...options };
    for await (const row of renderRows(fileRows(real), all)) rows.push(row);
    return rows;
  }

  it('renders all 1,024 real rows, and each target earns full marks against its own prompt', async () => {
    const rows = await rendered({ mode: 'star', maxPromptTokens: 5120 });
    const scores = rows.map((row) => {
      if (!('rendered' in row)) return row.rejected.message;
      const { inputs, targets } = row.rendered;
      expect(row.promptTokens).toBeGreaterThan(100);
      return simrl.prepare({ prompt: inputs, label: targets }).score(targets).reward > 0.99;
    });
    expect(scores.filter((score) => score === true)).toHaveLength(1024);
  });

  it('counts tokens as encoding the whole prompt does, and leaves out what is too long', async () => {
    const rows = await rendered({ mode: 'native', maxPromptTokens: 400, maxTargetTokens: 80 });
    const counts: Record<string, number> = {};
    for (const row of rows) {
      const kind = 'rendered' in row ? 'rendered' : row.rejected.code;
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (!('rendered' in row)) continue;
      expect(row.promptTokens).toBe(tokenizer.encode(row.rendered.inputs).length);
      expect(row.promptTokens).toBeLessThanOrEqual(400);
      expect(row.targetTokens).toBeLessThanOrEqual(80);
    }
    expect(counts['prompt_too_long']).toBeGreaterThan(100);
    expect(counts['target_too_long']).toBeGreaterThan(10);
    expect(rows).toHaveLength(1024);
  });

  it('writes every real row as Jinja2 3.1.6 did, in both modes, with and without thoughts', () => {
    const hash = createHash('sha256').update(JSON.stringify(ours(template, readText(real))));
    expect(hash.digest('hex')).toBe(JINJA_ROWS);
  });

  it.skipIf(!hasJinja)('writes every real row as the Jinja2 at hand does', () => {
    const expected = oracle(template.source, real);
    expect(ours(template, readText(real))).toEqual(expected);
    const hash = createHash('sha256').update(JSON.stringify(expected));
    expect(hash.digest('hex')).toBe(JINJA_ROWS);
    const own = `${fixtures}records.jsonl`;
    expect(ours(template, readText(own))).toEqual(oracle(template.source, own));
  });
});
