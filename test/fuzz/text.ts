/** Pieces of the languages that files are written in, and whole texts that are meant to harm whoever reads them. */
import { parse, stringify } from 'yaml';
import { mutateBytes, mutateEncoding, type Mutator, mutateWith, oneOf } from './bytes.ts';
import { mutateJson, mutateJsonText, mutateLines } from './json.ts';

const JSON_PIECES = [
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"',
  '\\',
  '\\u',
  '\\ud800',
  '\n',
  '\r',
  '\t',
  '\0',
  '//',
  "'",
  '-',
  'e9',
  '.',
  'NaN',
  'null',
  '[[[[',
  '{"a":',
  '\uFEFF',
  '\u2028',
  '\ud800',
];

const blind: readonly (readonly [number, Mutator])[] = [
  [2, mutateBytes],
  [1, mutateWith(JSON_PIECES)],
  [0.5, mutateEncoding],
];
export const json = oneOf([7, mutateJson], ...blind);
export const lines = oneOf([7, mutateLines], ...blind);

const YAML_PIECES = [
  '&a ',
  '*a',
  '*b',
  '<<: *a\n',
  '<<: {seed: 1}\n',
  '? ',
  ': ',
  '- ',
  '\n',
  '\n\n',
  '\t',
  '  ',
  '#',
  '---\n',
  '...\n',
  '%YAML 1.1\n',
  '!!set ',
  '!!binary ',
  '!!js/function ',
  '!!python/object:os.system ',
  '!x ',
  '|\n',
  '>-\n',
  '"',
  "'",
  '`',
  '@',
  '[',
  '{',
  ']',
  '}',
  '[[[[',
  '{a: {a: ',
  'null',
  '~',
  '.nan',
  '.inf',
  '-.inf',
  '1e999',
  '0x1F',
  '0o17',
  '1_000',
  'yes',
  'no',
  '2020-01-01',
  'name: x\n',
  'seed: 1\n',
  '\uFEFF',
  '\0',
  '\x85',
  '\u2028',
];

/** Ten lists of ten of the one before: ten thousand million values when written out. */
const BOMB = `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from(
  { length: 9 },
  (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]\n`,
).join('')}`;
const WHOLE_YAML = [
  BOMB,
  `${BOMB}name: x\nmodels: *a9\nstages: *a9\n`,
  'a: &a [*a]\n',
  'name: &n [*n]\nmodels: *n\nstages: *n\n',
  `${'- '.repeat(5000)}x\n`,
  `${'['.repeat(5000)}\n`,
  `${'{a: '.repeat(2000)}\n`,
  `? ${'? '.repeat(2000)}x\n`,
  `name: ${'a'.repeat(200_000)}\n`,
  '',
  '\n',
  '# nothing\n',
  'null\n',
  '[]\n',
  '--- a\n--- b\n',
];

/** A recipe whose values change as those of JSON do, and which is YAML again. */
const mutateYaml: Mutator = (rng, bytes) => {
  const value: unknown = parse(bytes.toString('utf8'));
  const changed = mutateJsonText(rng, JSON.stringify(value));
  if (rng.chance(0.5)) return Buffer.from(changed);
  try {
    return Buffer.from(stringify(JSON.parse(changed)));
  } catch {
    return Buffer.from(changed);
  }
};

export const yaml = oneOf(
  [6, mutateYaml],
  [4, mutateWith(YAML_PIECES)],
  [2, mutateBytes],
  [0.5, mutateEncoding],
  [0.7, (rng) => Buffer.from(rng.pick(WHOLE_YAML))],
);

const JINJA_PIECES = [
  '{{',
  '}}',
  '{%',
  '%}',
  '{#',
  '#}',
  '{%-',
  '-%}',
  '{{ x }}',
  '{{ x.y.z }}',
  '{{ x() }}',
  '{{ messages }}',
  '{{ messages[99].content }}',
  '{{ messages | nothing }}',
  '{{ messages | tojson }}',
  "{{ 'a' * 1000000000 }}",
  '{{ range(1000000000) }}',
  '{{ range(10, 0, 0) }}',
  '{{ range(0, 10, 0) | list }}',
  '{% for i in range(1000000000) %}a{% endfor %}',
  '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
  '{% set a = range(3000) %}{% for i in a %}{% for j in a %}{% for k in a %}x{% endfor %}{% endfor %}{% endfor %}',
  "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
  "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(28) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s | upper }}",
  '{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}',
  '{% macro f(x) %}{{ f(x + 1) }}{{ f(x + 1) }}{% endmacro %}{{ f(1) }}',
  "{{ raise_exception('no') }}",
  '{{ raise_exception(messages) }}',
  "{{ strftime_now('%Y') }}",
  '{{ strftime_now() }}',
  "{{ 'x' | indent(1000000000) }}",
  "{{ 'x' | indent(-1) }}",
  "{{ 'x' | center(1000000000) }}",
  "{{ ['a'] * 1000000000 }}",
  "{{ 'a'.replace('', 'b' * 100000) }}",
  '{{ 1 / 0 }}',
  '{{ 1 % 0 }}',
  '{{ 2 ** 10000 }}',
  '{{ [] | first }}',
  '{{ none | length }}',
  '{{ tools[0].x.y }}',
  '{{ messages | sort }}',
  '{{ messages | groupby("role") }}',
  '{{ messages | selectattr("x", "nope") | list }}',
  '{{ messages | map(attribute="x") | join }}',
  '{{ messages.__proto__ }}',
  '{{ messages.constructor }}',
  '{{ "".__class__.__mro__ }}',
  '{{ tools.constructor.constructor("x")() }}',
  '{% set messages = 1 %}',
  '{% set tools = messages %}',
  '{% include "x" %}',
  '{% import "x" as y %}',
  '{% extends "x" %}',
  '{% block a %}',
  '{% break %}',
  '{% continue %}',
  '{% generation %}',
  '{% endgeneration %}',
  '{% call f() %}',
  '{% if %}',
  '{% else %}',
  '{% endif %}',
  '{% endfor %}',
  '{% for %}',
  '{% for a, b in messages %}{% endfor %}',
  '{% for a in 5 %}{% endfor %}',
  '{% for a in none %}{% endfor %}',
  '{% filter upper %}',
  '{{ a if }}',
  '{{ not }}',
  '{{ -"a" }}',
  '{{ {}[[]] }}',
  '{{ {messages: 1} }}',
  '{{ messages[:99999999999] }}',
  '{{ messages[::0] }}',
  '{{ messages[::-1] }}',
  '{{ loop }}',
  '{{ loop.index0 }}',
  '{{ caller() }}',
  '{{ "%s" % 1 }}',
  '{{ "\\ud800" }}',
  '\0',
  '<think>',
  '</think>',
  '<|im_end|>',
  '<|im_start|>',
];

export const jinja = oneOf(
  [6, mutateWith(JINJA_PIECES)],
  [2, mutateBytes],
  [0.5, mutateEncoding],
  [
    0.7,
    (rng) =>
      Buffer.from(
        rng.pick([
          ...JINJA_PIECES,
          `${'{{ '.repeat(5000)}`,
          `${'('.repeat(5000)}`,
          `{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}`,
          `{{ ${'[1,'.repeat(2000)}1${']'.repeat(2000)} }}`,
          `${'{% if 1 %}'.repeat(2000)}x${'{% endif %}'.repeat(2000)}`,
          `{{ ${'not '.repeat(5000)}1 }}`,
          `{{ 1${' + 1'.repeat(20_000)} }}`,
          'x',
          '',
        ]),
      ),
  ],
);

const PATTERNS = [
  '(a+)+$',
  '(a|aa)+$',
  '(.*a){25}x',
  '(\\p{L}+)*!x',
  '(?:\\p{L}+\\s?)+$x',
  '(\\s|\\S)*x',
  '(a*)*b',
  '',
  '(?=)',
  'x*',
  '|',
  '(',
  '[',
  ')',
  '\\',
  '*',
  '(?<=a)b',
  '(?<!a)',
  '(?>a)',
  '\\X',
  '(?R)',
  '(?i)a',
  '(?i:a)',
  '(?i:a|(b))',
  '(?x) a',
  '\\p{Foo}',
  '\\p{L',
  '[^\\s',
  'a{2,1}',
  'a{0,99999999999}',
  '(a{1000}){1000}',
  '(?:(?:a{50}){50}){50}',
  '\\Z',
  '\\h',
  '[[:alpha:]]',
  '\\1',
  '(?<n>a)\\k<m>',
  '^',
  '$',
  '\\b',
  '.',
];

/** A tokenizer whose pattern for cutting words is another one. */
const mutatePattern: Mutator = (rng, bytes) => {
  const pattern = JSON.stringify(rng.pick(PATTERNS));
  return Buffer.from(
    bytes.toString('utf8').replace(/"Regex": ?"(?:[^"\\]|\\.)*"/, () => `"Regex": ${pattern}`),
  );
};

export const tokenizerJson = oneOf([6, json], [1, mutatePattern]);

/** A template inside of a JSON file, as tokenizer_config.json has it. */
const mutateTemplateInside: Mutator = (rng, bytes) => {
  const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  const template = typeof value.chat_template === 'string' ? value.chat_template : '{{ messages }}';
  const changed = jinja(rng, Buffer.from(template)).toString('utf8');
  const named = [{ name: rng.pick(['default', 'tool_use', 'x']), template: changed }];
  return Buffer.from(JSON.stringify({ ...value, chat_template: rng.chance(0.8) ? changed : named }));
};

export const tokenizerConfig = oneOf([4, json], [2, mutateTemplateInside]);
