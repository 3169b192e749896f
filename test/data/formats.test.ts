/** Rows as people have them: what is a call and what is words, whose words are kept, and which result is whose. */
import { describe, expect, it } from 'vitest';
import { convertRow } from '../../src/data/convert.ts';
import type { DataRecord } from '../../src/data/record.ts';
import { dumps } from '../../src/json/dumps.ts';
import { isDict } from '../../src/json/python.ts';
import { parseJson } from '../../src/json/parse.ts';

const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const toolNamed = (name: string, parameters: object = SCHEMA) => ({ name, description: 'd', parameters });
const WEATHER = toolNamed('weather');
const CALL = '{"name": "weather", "arguments": {"city": "Oslo"}}';

/** The records of a row, or the reason why there is none. */
function recordsOf(row: object | string): DataRecord[] | string {
  const value = parseJson(typeof row === 'string' ? row : JSON.stringify(row));
  const results = convertRow({ where: 'x:1', value }, {});
  const [rejected] = results.flatMap((one) => ('rejected' in one ? [one.rejected] : []));
  return rejected?.message ?? results.flatMap((one) => ('record' in one ? [one.record] : []));
}

/** Each message of the last record as its role's letter, its words and its calls. */
function told(row: object | string): string[] | string {
  const records = recordsOf(row);
  if (typeof records === 'string') return records;
  return (records.at(-1)?.messages ?? []).map(({ role, content, toolCalls = [] }) =>
    [`${role[0]}:`, content, ...toolCalls.map((call) => call.name + dumps(call.arguments))]
      .filter(Boolean)
      .join(' '),
  );
}

const shareGpt = (value: string, tools: readonly object[] = [], more: object = {}) => ({
  conversations: [
    { from: 'human', value: 'q' },
    { from: 'gpt', value },
  ],
  tools,
  ...more,
});
/** Words of a ShareGPT row's assistant. */
const answer = (value: string, tools: readonly object[] = []) => {
  const messages = told(shareGpt(value, tools));
  return typeof messages === 'string' ? messages : messages.at(-1);
};

describe('an answer in JSON', () => {
  it('is words unless it has the form of a call or names a tool of the row', () => {
    for (const words of [
      '{"name": "Nora", "age": 30}',
      '[{"name": "a"}, {"name": "b"}]',
      '{"name": "Llama", "parameters": "8B"}',
      '{"name": "Llama", "arguments": 8}',
      `[${CALL}, 5]`,
      '{"city": "Oslo"}',
    ])
      for (const tools of [[], [WEATHER]]) expect(answer(words, tools)).toBe(`a: ${words}`);
  });

  it('is calls where it has their form, in each of its spellings', () => {
    for (const calls of [
      CALL,
      `[${CALL}]`,
      CALL.replace('arguments', 'parameters'),
      '{"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}',
      `{"type": "function", "function": ${CALL}}`,
      `{"tool_calls": [${CALL}]}`,
      `<tool_call>${CALL}</tool_call>`,
      `<tool_call>\n<tool_call>\n${CALL}\n</tool_call>\n</tool_call>`,
      // As the Hermes function-calling sets have it.
      "<tool_call>\n{'arguments': {'city': 'Oslo'}, 'name': 'weather'}\n</tool_call>",
      `<tool_call>{"name": "weather", "arguments": '{"city": "Oslo"}'}</tool_call>`,
    ])
      expect(answer(calls, [WEATHER]), calls).toBe('a: weather{"city": "Oslo"}');
    expect(answer('{"name": "now"}', [toolNamed('now', {})])).toBe('a: now{}');
  });

  it('is not called twice where its calls stand in a field and in the text', () => {
    const row = (content: string) => ({
      messages: [
        { role: 'user', content: 'q' },
        {
          role: 'assistant',
          content,
          tool_calls: [{ function: { name: 'weather', arguments: '{"city": "Oslo"}' } }],
        },
      ],
      tools: [WEATHER],
    });
    expect(told(row(`Ok. <tool_call>${CALL}</tool_call>`))).toEqual([
      'u: q',
      'a: Ok. weather{"city": "Oslo"}',
    ]);
    expect(told(row(`<tool_call>${CALL.replace('Oslo', 'Rome')}</tool_call>`))).toContain(
      'not those of its field',
    );
  });
});

describe('calls in Python', () => {
  it.each([
    "Get Today's Matches",
    'Stock, Daily',
    'Rates (v2)',
    'get.weather/v2',
    'f=g [x]',
    '天气 查询',
    'погода (бета)',
    'طقس',
    '🌦️ weather',
  ])('have the name of a tool, such as %s', (name) => {
    const text = `[${name}(city="Oslo"), ${name}(city='Bergen')]`;
    const calls = `${name}{"city": "Oslo"} ${name}{"city": "Bergen"}`;
    const other = toolNamed(name.slice(0, 5).trim());
    expect(answer(text, [other, toolNamed(name)])).toBe(`a: ${calls}`);
    const listed = `Use lists like [{"x": 1}].\n${JSON.stringify([toolNamed(name)])}. Be brief.`;
    const row = { ...shareGpt(text), system: listed };
    expect(told(row)).toEqual(['s: Use lists like [{"x": 1}].\n. Be brief.', 'u: q', `a: ${calls}`]);
  });

  it('have the arguments of their tool, in any script and with spaces', () => {
    const tool = toolNamed('查询', {
      城市: { type: 'str' },
      'from date': { type: 'str' },
      from: { type: 'str' },
    });
    expect(answer('[查询(城市="北京", from date="2024", from="x")]', [tool])).toBe(
      'a: 查询{"城市": "北京", "from date": "2024", "from": "x"}',
    );
  });

  it('are rejected where they begin as a call and cannot be read, and never become words', () => {
    for (const broken of ['weather(city=Oslo)', '[weather(Oslo)]', '[weather(city="Oslo"', '[other(x=y)]'])
      expect(answer(broken, [WEATHER]), broken).toContain('The calls cannot be read');
    expect(answer('weather(city="Oslo")', [WEATHER])).toBe('a: weather{"city": "Oslo"}');
  });

  it('are no calls where words only look a little like them', () => {
    for (const words of ['[laughs (softly)]', 'weather is nice (today)', '[1, 2]', '[see (1) and (2)]'])
      expect(answer(words, [WEATHER])).toBe(`a: ${words}`);
  });
});

describe("the system's words", () => {
  const chat = {
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'Hi' },
    ],
  };

  it('are kept in every format, also where they stand beside the messages', () => {
    const xlam = {
      query: 'q',
      tools: [WEATHER],
      answers: [{ name: 'weather', arguments: { city: 'Oslo' } }],
    };
    const text = 'Never lend [{"book": 1}].';
    for (const row of [chat, shareGpt('Hi'), shareGpt('Hi', [WEATHER]), xlam]) {
      expect(told({ ...row, system: text })[0]).toBe(`s: ${text}`);
      expect(told({ ...row, system_prompt: [{ type: 'text', text }] })[0]).toBe(`s: ${text}`);
    }
  });

  it('are all kept where there are several, and once where they stand twice', () => {
    const inner = (value: string) => ({
      conversations: [{ from: 'system', value }, ...shareGpt('Hi').conversations],
      system: 'Outer.',
    });
    expect(told(inner('Inner.'))).toEqual(['s: Outer.', 's: Inner.', 'u: q', 'a: Hi']);
    expect(told(inner('Outer.'))).toEqual(['s: Outer.', 'u: q', 'a: Hi']);
  });

  it('lose no more than a list of tools, and that only where the row has no tools elsewhere', () => {
    const system = `Rules.\n${JSON.stringify([WEATHER])}\nEnd.`;
    const inside = {
      conversations: [{ from: 'system', value: system }, ...shareGpt('[weather(city="Oslo")]').conversations],
    };
    expect(told(inside)).toEqual(['s: Rules.\n\nEnd.', 'u: q', 'a: weather{"city": "Oslo"}']);
    expect(told(shareGpt('Hi', [WEATHER], { system }))[0]).toBe(`s: ${system}`);
    const example = 'Answer like [{"name": "f", "arguments": {"x": 1}}].';
    expect(told(shareGpt('Hi', [], { system: example }))[0]).toBe(`s: ${example}`);
  });

  it('give the tools that stand in <tools>, as a list and one a line', () => {
    for (const tools of [
      JSON.stringify([WEATHER]),
      JSON.stringify({ type: 'function', function: WEATHER }),
    ]) {
      const row = {
        ...chat,
        messages: [
          { role: 'system', content: `A\n<tools>\n${tools}\n</tools>\nB` },
          ...chat.messages.slice(0, 1),
          { role: 'assistant', content: `<tool_call>${CALL}</tool_call>` },
        ],
      };
      expect(told(row)).toEqual(['s: A\n\nB', 'u: q', 'a: weather{"city": "Oslo"}']);
    }
  });
});

describe('tools of a row', () => {
  it.each(['tools', 'functions', 'available_tools', 'function', 'tool_list', 'api_list'])(
    'stand under %s',
    (key) => {
      const row = { ...shareGpt(CALL), tools: undefined, [key]: [WEATHER] };
      expect(told(row)).toEqual(['u: q', 'a: weather{"city": "Oslo"}']);
    },
  );

  it('are checked though their words have tags in them', () => {
    const tool = { ...WEATHER, description: 'Use <tools> and </tools>' };
    expect(told(shareGpt(CALL, [tool]))).toEqual(['u: q', 'a: weather{"city": "Oslo"}']);
  });

  it('and arguments that not every reader of JSON takes are rejected with the reason', () => {
    const row = JSON.stringify(shareGpt(CALL, [WEATHER]));
    expect(recordsOf(row.replace('"d"', '"d","x":NaN'))).toContain('the number NaN');
    expect(recordsOf(row.replace('\\"Oslo\\"', '1e999'))).toContain('the number Infinity');
    const deep = '['.repeat(300) + ']'.repeat(300);
    expect(recordsOf(row.replace('\\"Oslo\\"', deep))).toContain('nested more than 100 levels deep');
  });
});

describe('results of tools', () => {
  const [OPEN, CLOSE] = ['<tool_response>', '</tool_response>'];
  const results = (value: unknown, from = 'tool') => {
    const messages = told({
      conversations: [
        { from: 'human', value: 'q' },
        { from: 'gpt', value: `<tool_call>${CALL}</tool_call>` },
        { from, value },
        { from: 'gpt', value: 'Done.' },
      ],
      tools: [WEATHER],
    });
    return messages.slice(2, -1);
  };

  it('lose the tags around them, however often these are written', () => {
    expect(results(`${OPEN}\n{"a": 1}\n${CLOSE}`)).toEqual(['t: {"a": 1}']);
    expect(results(`${OPEN}\n${OPEN}\n{"a": 1}\n${CLOSE}\n${CLOSE}`)).toEqual(['t: {"a": 1}']);
    expect(results(`${OPEN}\n{"a": 1}`)).toEqual(['t: {"a": 1}']);
    expect(results(`${OPEN}1${CLOSE}\n${OPEN}2${CLOSE}`)).toEqual(['t: 1', 't: 2']);
    expect(results(`${OPEN}1${CLOSE}${OPEN}2${CLOSE}`, 'human')).toEqual(['t: 1', 't: 2']);
    expect(results({ a: [1] })).toEqual(['t: {"a": [1]}']);
  });

  it('keep tags that are part of their words, and so do users', () => {
    expect(results(`The tag ${OPEN} opens.`)).toEqual([`t: The tag ${OPEN} opens.`]);
    const words = `What are <tool_call>, <think> and ${CLOSE}?`;
    expect(
      told({
        messages: [
          { role: 'user', content: words },
          { role: 'assistant', content: 'Tags.' },
        ],
      }),
    ).toEqual([`u: ${words}`, 'a: Tags.']);
  });

  it('come in the order of their calls, and one for several calls stays one', () => {
    const call = (id: string, city: string) => ({
      id,
      function: { name: 'weather', arguments: `{"city": "${city}"}` },
    });
    const after = (...tools: object[]) => {
      const messages = told({
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: null, tool_calls: [call('a', 'Oslo'), call('b', 'Rome')] },
          ...tools.map((tool) => ({ role: 'tool', ...tool })),
          { role: 'assistant', content: 'Done.' },
        ],
        tools: [WEATHER],
      });
      return messages.slice(2, -1);
    };
    const [oslo, rome] = [
      { tool_call_id: 'a', content: 'oslo' },
      { tool_call_id: 'b', content: 'rome' },
    ];
    expect(after(rome, oslo)).toEqual(['t: oslo', 't: rome']);
    expect(after(rome)).toEqual(['t:', 't: rome']);
    expect(after({ content: 'both' })).toEqual(['t: both']);
    expect(after({ content: 'first' }, { content: 'second' })).toEqual(['t: first', 't: second']);
  });
});

describe('content in parts', () => {
  it('is told by the kind of the part that is no text', () => {
    const content = [{ type: 'tool_use', id: 't', name: 'weather', input: {} }];
    const messages = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content },
    ];
    expect(told({ messages, tools: [WEATHER] })).toContain('a part of the kind "tool_use" that is no text');
  });
});

describe("a project's example lines", () => {
  const tools = [toolNamed('weather', { ...SCHEMA, properties: { city: {}, day: {} } })];
  const call = { name: 'weather', arguments: { day: 'today', city: 'Oslo' } };

  it('have their calls in the order of the schema, and their replies', () => {
    expect(told({ request: 'q', calls: [call], tools, kind: 'single' })).toEqual([
      'u: q',
      'a: weather{"city": "Oslo", "day": "today"}',
    ]);
    expect(told({ request: 'q', reply: 'For which city?', tools })).toEqual(['u: q', 'a: For which city?']);
  });

  it('are told apart from rows that have no answer, whose words --refusal gives', () => {
    const value = parseJson(JSON.stringify({ request: 'q', calls: [] }));
    const row = { where: 'x:1', value };
    expect(recordsOf({ request: 'q', calls: [] })).toContain('neither calls nor a reply');
    expect(convertRow(row, { refusal: 'No.' })).toMatchObject([
      { record: { messages: [{}, { content: 'No.' }] } },
    ]);
  });

  it('are checked against the functions that are given beside them', () => {
    const value = parseJson(JSON.stringify({ request: 'q', calls: [call] }));
    const offered = tools.map((tool) => parseJson(JSON.stringify(tool))).filter(isDict);
    expect(recordsOf({ request: 'q', calls: [call] })).toContain('--tools FILE');
    expect(convertRow({ where: 'x:1', value }, { tools: offered })).toMatchObject([
      { record: { tools: offered } },
    ]);
  });
});
