/** Chat templates and tokenizers that would take for ever, or all memory: they come with checkpoints from anywhere. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Template } from '@huggingface/jinja';
import { afterAll, describe, expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { DEFAULT_TEMPLATE } from '../../src/chat/default-template.ts';
import { cutAt, splitWords } from '../../src/chat/pretokenize.ts';
import { renderTemplate } from '../../src/chat/jinja.ts';
import { ChatTemplate } from '../../src/chat/template.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';

/** The message of the error for the user that `work` ends in. */
function refused(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    throw thrown;
  }
  return 'nothing';
}

const messages = Array.from({ length: 1000 }, (_, i) => ({
  role: i % 2 === 0 ? 'user' : 'assistant',
  content: `Message ${i}`,
}));
const names = { messages, tools: null, add_generation_prompt: true };

describe('a chat template', () => {
  test.each([
    ['loops in loops', '{% set a = range(30000) %}{% for i in a %}{% for j in a %}{% endfor %}{% endfor %}'],
    [
      'loops in loops with a condition',
      '{% set a = range(3000) %}{% for i in a %}{% for j in a %}{% for k in a if k %}{% endfor %}{% endfor %}{% endfor %}',
    ],
  ])('that %s is refused', (_, template) => {
    expect(refused(() => renderTemplate(template, names))).toMatch(/takes more than 3000000 steps/);
  });

  test.each([
    [
      'doubles a text over and over',
      "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
      /makes a text of more than 33554432 characters/,
    ],
    ['indents by hundreds of megabytes', "{{ 'a\nb' | indent(400000000) }}", /indents by 400000000/],
    ['indents JSON so', '{{ messages | tojson(indent=100000000) }}', /indents by 100000000/],
    [
      'counts further than anybody waits',
      '{% for i in range(1000000000) %}a{% endfor %}',
      /range\(\) of more than/,
    ],
    [
      'counts so under another name',
      '{% set r = range %}{{ r(0, 1000000000, 1) }}',
      /range\(\) of more than/,
    ],
    ['counts down', '{{ range(1000000000, 0, -1) }}', /range\(\) of more than/],
    ['counts in steps of nothing', '{{ range(0, 5, 0) }}', /range\(\) of more than/],
    ['is nested too deep', `{{ ${'('.repeat(50_000)} }}`, /cannot be parsed \(it is nested too deep\)/],
    ['is broken', '{% for %}', /^The chat template cannot be parsed(?!.*undefined)/],
    ['raises an exception', "{{ raise_exception('Roles must alternate.') }}", /\(Roles must alternate\.\)/],
  ])('that %s is refused', (_, template, message) => {
    expect(refused(() => renderTemplate(template, names))).toMatch(message);
  });

  test('that gives no text is refused where an answer is to follow', () => {
    const input = { messages: [{ role: 'user', content: 'Hello' }] } as const;
    const template = new ChatTemplate('{# nothing #}');
    expect(refused(() => template.render(input, { addGenerationPrompt: true }))).toMatch(/gives no text/);
    expect(template.render(input)).toBe('');
  });

  test('of a conversation of a thousand messages is rendered as the library renders it', () => {
    expect(renderTemplate(DEFAULT_TEMPLATE, names)).toBe(new Template(DEFAULT_TEMPLATE).render(names));
  });

  test('finds what the library gives it', () => {
    const template =
      "{{ range(3) }}{{ range(2, 8, 3) }}{{ range(3, 0, -2) }}{{ range(5, 1) }}{{ True and none is none }}{{ strftime_now('%Y') | length }}";
    expect(renderTemplate(template, {})).toBe(new Template(template).render());
  });
});

describe('a tokenizer', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tinystar-hostile-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test.each(['(a+)+$', '(?:a|aa)+$', '(a*)*b'])(
    'whose pattern %s never comes to an end is refused',
    (pattern) => {
      const text = `${'a'.repeat(60)}!`;
      expect(refused(() => splitWords(text, cutAt(pattern)))).toMatch(
        /^The tokenizer's split pattern .* cannot be used \(.*timed out after 3000ms\); use another tokenizer\.$/,
      );
    },
  );

  test('with a harmless pattern of its own cuts words by it', () => {
    expect(splitWords('ab12 c', cutAt('\\p{L}+|\\p{N}'))).toEqual(['ab', '1', '2', ' ', 'c']);
  });

  const student = fileURLToPath(new URL('../../bases/student', import.meta.url));
  test.each([4_294_967_294, 2_147_483_647, 1e10, -1, 0.5])('with the id %d is refused at once', (id) => {
    for (const place of ['vocab', 'added_tokens'] as const) {
      const folder = join(scratch, `${place}-${id}`);
      cpSync(student, folder, { recursive: true });
      const path = join(folder, 'tokenizer.json');
      const json = JSON.parse(readFileSync(path, 'utf8')) as {
        model: { vocab: Record<string, number> };
        added_tokens: { id: number }[];
      };
      if (place === 'vocab') json.model.vocab[Object.keys(json.model.vocab).at(-1) ?? ''] = id;
      else json.added_tokens[0] = { ...json.added_tokens[0], id };
      writeFileSync(path, JSON.stringify(json));
      expect(refused(() => Tokenizer.load(folder))).toMatch(/has an (id that is no whole|unreadable entry)/);
    }
  });

  test('whose pattern is of no known form is refused in words', () => {
    const folder = join(scratch, 'form');
    cpSync(student, folder, { recursive: true });
    const path = join(folder, 'tokenizer.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...json, pre_tokenizer: { type: {} } }));
    expect(refused(() => Tokenizer.load(folder))).toMatch(
      /has a pre_tokenizer of type \{\}, which tinystar does not compute/,
    );
  });
});
