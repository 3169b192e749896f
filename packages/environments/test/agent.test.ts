/** The step-by-step agent with a scripted model: what it keeps, what it shows again, where it ends. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { required, UserError } from '../../../src/base/errors.ts';
import { asTokenIds, type TokenIds } from '../../../src/base/token-ids.ts';
import { OWN_TEMPLATE } from '../../../src/chat/template.ts';
import { trainVocabulary } from '../../assistant/src/vocabulary.ts';
import { agentPrompt, type AgentOptions, runAgent } from '../src/agent.ts';
import { defineEnvironment } from '../src/environment.ts';
import { hostInProcess } from '../src/host.ts';
import { environments } from '../src/index.ts';
import { openEnvironment } from '../../../src/run/environments.ts';
import { Speech } from '../src/speech.ts';
import { type Conversation } from '../src/conversation.ts';
import { agentMode } from '../src/rollout-mode.ts';
import type { Sample } from '../../../src/model/generate/generation.ts';
import type { Sampler } from '../../../src/sampling/sampler.ts';
import { scriptedSampler } from '../../../test/helpers/scripted-sampler.ts';
import { lastBoxed } from '../../../src/rewards/math-answer.ts';
import { answersRightly } from '../../../src/rewards/mentor.ts';

const tokenizer = trainVocabulary({ seed: 7, size: 400, groups: 6 });
const speech = new Speech(tokenizer, OWN_TEMPLATE);
const arithmetic = hostInProcess(environments.arithmetic);

const call = (name: string, given: object): string =>
  `<think>\nthought\n</think>\n\n<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`;
const pythonDict = (given: Record<string, bigint | string>): Map<string, bigint | string> =>
  new Map(Object.entries(given));
const stop = (answer: string): string => call('stop', { answer });

const sampleOf = (text: string, finish: Sample['finish'] = 'stop'): Sample => {
  const tokens = tokenizer.encode(finish === 'stop' ? `${text}<|im_end|>` : text);
  return {
    tokens,
    logprobs: new Float32Array(tokens.length),
    drawn: new Uint8Array(tokens.length).fill(1),
    finish,
  };
};

interface Asked {
  readonly contexts: string[][];
  readonly samples: number[];
}

/** A model that writes what `write` says for a context and a sample's number; what it was asked is kept. */
function scripted(write: (context: string, sample: number) => Sample | string): {
  sampler: Pick<Sampler, 'sample'>;
  asked: Asked;
} {
  const asked: Asked = { contexts: [], samples: [] };
  return {
    asked,
    sampler: scriptedSampler(async (prompts, { samples }) => {
      const contexts = prompts.map((ids) => tokenizer.decode(ids));
      asked.contexts.push(contexts);
      asked.samples.push(samples);
      return contexts.map((context) =>
        Array.from({ length: samples }, (_, i) => {
          const written = write(context, i);
          return typeof written === 'string' ? sampleOf(written) : written;
        }),
      );
    }),
  };
}

/** As `scripted`, one text after the other. */
function sequence(texts: readonly (Sample | string)[]) {
  let at = 0;
  return scripted(() => required(texts[at++], 'a text'));
}

const OPTIONS: AgentOptions = {
  n_samples_per_prompt: 1,
  temperature: 1,
  seed: 1,
  max_turns: 10,
  max_tries: 3,
  generate_max_len: 4000,
};

const { ids: PROMPT } = agentPrompt(speech, 'What is it?', arithmetic);

async function walk(
  sampler: Pick<Sampler, 'sample'>,
  options: Partial<AgentOptions> = {},
  host = arithmetic,
): Promise<Conversation> {
  const chains = await runAgent(
    [{ ids: PROMPT, setting: {} }],
    { sampler, speech, host },
    { ...OPTIONS, ...options },
  );
  return required(chains[0]?.[0], 'a chain');
}

const joined = ({ tokens }: Conversation): TokenIds => asTokenIds([...PROMPT, ...tokens]);
const answerOf = ({ response }: Conversation): string | undefined => lastBoxed(response.text);

describe('a chain', () => {
  test('has one call a step with its result, and ends with stop', async () => {
    const written = [
      call('add', { a: 2, b: 3 }),
      call('reasoning', { reasoning: 'Now doubled.' }),
      call('multiply', { a: 5, b: 2 }),
      stop('10'),
    ];
    const { sampler, asked } = sequence(written);
    const chain = await walk(sampler);
    expect(chain.turns).toEqual(written.map((turn) => `${turn}<|im_end|>`));
    expect(asked.contexts).toHaveLength(4);
    // The agent's own functions are no calls of the conversation.
    expect(chain.calls).toEqual([
      {
        call: { name: 'add', arguments: pythonDict({ a: 2n, b: 3n }) },
        result: { text: '5', ok: true },
      },
      {
        call: { name: 'multiply', arguments: pythonDict({ a: 5n, b: 2n }) },
        result: { text: '10', ok: true },
      },
    ]);
    expect(asked.contexts[2]?.[0]).toContain('The reasoning has been recorded');
    expect(chain).toMatchObject({ end: 'answer', finish: 'stop' });
    expect(answerOf(chain)).toBe('10');
    // All that was written stands in the chain token by token, and each step was written after the ones before it.
    expect(tokenizer.decode(joined(chain))).toBe(
      `${required(asked.contexts[3]?.[0], 'the last context')}${stop('10')}<|im_end|>`,
    );
    expect(asked.contexts[1]?.[0]).toContain('<tool_response>\n5\n</tool_response>');
  });

  test('a step that fails is written again with the error in sight, and leaves no trace in the chain', async () => {
    const { sampler, asked } = sequence([
      call('add', { a: 2, b: 3 }),
      call('divide', { a: 5, b: 0 }),
      call('divide', { a: 5, b: 1, c: 1 }),
      call('subtract', { a: 5, b: 1 }),
      stop('4'),
    ]);
    const chain = await walk(sampler);
    expect(asked.contexts[2]?.[0]).toContain('Error: division by zero');
    expect(asked.contexts[3]?.[0]).toMatch(/Error: division by zero[^]+Error: divide has no argument c/);
    expect(asked.contexts[4]?.[0]).not.toContain('Error');
    expect(asked.contexts[4]?.[0]?.startsWith(required(asked.contexts[1]?.[0], 'a context'))).toBe(true);
    expect(chain.calls.map((made) => made.call?.name)).toEqual(['add', 'subtract']);
    expect(chain.turns).toHaveLength(3);
    expect(asked.contexts).toHaveLength(5);
    expect(chain.end).toBe('answer');
    expect(tokenizer.decode(joined(chain).subarray(PROMPT.length))).not.toContain('divide');
  });

  test.each([
    ['no call', '<think>\nthought\n</think>\n\nIt is 5.', 'there is no call'],
    [
      'two calls',
      `${call('add', { a: 1, b: 1 })}\n${call('add', { a: 2, b: 2 }).slice('<think>\nthought\n</think>\n\n'.length)}`,
      'there are 2 calls; make one at a time',
    ],
    ['broken JSON', '<think></think><tool_call>{"name": "add", </tool_call>', 'Error: '],
    ['an unknown function', call('cube', { x: 1 }), 'there is no function cube'],
    ['stop without its answer', call('stop', {}), 'stop has one argument, the text answer'],
    ['stop with more', call('stop', { answer: '1', sure: true }), 'stop has one argument'],
    ['reasoning without a text', call('reasoning', { reasoning: [] }), 'reasoning has one argument'],
    ['a turn that never ends', sampleOf('\nand on and on', 'length'), 'the turn is too long'],
  ])('%s is an error that it is told', async (_, wrong, told) => {
    const { sampler, asked } = sequence([wrong, stop('5')]);
    const chain = await walk(sampler);
    expect(asked.contexts[1]?.[0]).toContain(told);
    expect(asked.contexts[1]?.[0]?.endsWith('<|im_start|>assistant\n')).toBe(true);
    expect(asked.contexts).toHaveLength(2);
    expect(chain).toMatchObject({ end: 'answer', turns: [`${stop('5')}<|im_end|>`] });
    expect(answerOf(chain)).toBe('5');
  });

  test('an answer that is a number is as good as its text', async () => {
    expect(answerOf(await walk(sequence([call('stop', { answer: 12 })]).sampler))).toBe('12');
  });
});

describe('an end comes', () => {
  test('at the cap of steps', async () => {
    const { sampler, asked } = scripted(() => call('add', { a: 1, b: 1 }));
    const chain = await walk(sampler, { max_turns: 4 });
    expect(chain).toMatchObject({ end: 'turns', finish: 'length' });
    expect(answerOf(chain)).toBeUndefined();
    expect(chain.turns).toHaveLength(4);
    expect(asked.contexts).toHaveLength(4);
    expect(chain.drawn.at(-1)).toBe(1);
  });

  test('when a step has had its tries; those of an earlier step do not count', async () => {
    const { sampler, asked } = scripted((context) =>
      context.includes('<tool_response>\n2\n') ? 'nonsense' : call('add', { a: 1, b: 1 }),
    );
    const chain = await walk(sampler, { max_tries: 2 });
    expect(chain.end).toBe('turns');
    expect(chain.turns).toHaveLength(1);
    expect(asked.contexts).toHaveLength(3);
    // Output after the last step is no part of the conversation.
    expect(chain.drawn.every((own) => own === 1)).toBe(true);
  });

  test('when there is no room for another step', async () => {
    const { sampler, asked } = scripted(() => call('add', { a: 1, b: 1 }));
    const chain = await walk(sampler, { generate_max_len: 200 });
    expect(chain.end).toBe('length');
    expect(chain.turns.length).toBeGreaterThan(0);
    // The last step was written where there was room, and fills it.
    const before = tokenizer.encode(required(asked.contexts.at(-1)?.[0], 'a context'));
    expect(before.length - PROMPT.length).toBeLessThanOrEqual(200);
    expect(chain.tokens.length).toBeGreaterThan(180);
    const nonsense = scripted(() => 'nonsense'.repeat(20));
    expect((await walk(nonsense.sampler, { generate_max_len: 100, max_tries: 50 })).end).toBe('length');
  });

  test('when a function never comes back', async () => {
    const endless = hostInProcess(
      defineEnvironment({
        name: 'endless',
        description: '',
        tools: [
          { name: 'wait', description: '', parameters: { type: 'object' }, run: () => new Promise(() => {}) },
        ],
        problems: () => [],
      }),
      { time_limit: 0.02, memory_limit: 64, result_limit: 100 },
    );
    const { sampler, asked } = scripted(() => call('wait', {}));
    expect(await walk(sampler, { max_tries: 2 }, endless)).toMatchObject({ end: 'turns', turns: [] });
    expect(asked.contexts).toHaveLength(2);
    expect(asked.contexts[1]?.[0]).toContain('wait took longer than 0.02 s');
  });
});

test('in an environment in which everything goes wrong the model is told, and chains end', async () => {
  const path = fileURLToPath(new URL('modules/bad.mjs', import.meta.url));
  const limits = { time_limit: 0.5, memory_limit: 32, result_limit: 100 };
  using host = await openEnvironment({ source: 'module', path, ...limits });
  for (const [name, told] of [
    ['throws', 'no such luck'],
    ['gives_function', 'which cannot be shown'],
    ['never', 'took longer than 0.5 s'],
  ] as const) {
    const { sampler, asked } = scripted(() => call(name, {}));
    const chain = await walk(sampler, { max_tries: 2 }, host);
    expect(chain, name).toMatchObject({ end: 'turns', turns: [] });
    expect(asked.contexts).toHaveLength(2);
    expect(asked.contexts[1]?.[0]).toContain(told);
  }
  // Ten megabytes are cut before the model reads them.
  const chain = await walk(sequence([call('huge', {}), stop('x')]).sampler, {}, host);
  expect(chain.end).toBe('answer');
  expect(chain.calls[0]!.result.text.length).toBeLessThan(200);
}, 120_000);

test('the chains of a problem share the prompt of their first step, and go their own ways after it', async () => {
  const { sampler, asked } = scripted((context, sample) => {
    const results = [...context.matchAll(/<tool_response>\n(\d+)\n/g)].map(([, text]) => text);
    if (results.length === 0) return call('add', { a: sample, b: 1 });
    return stop(required(results.at(-1), 'a result'));
  });
  const chains = await runAgent(
    [
      { ids: PROMPT, setting: {} },
      { ids: PROMPT, setting: {} },
    ],
    { sampler, speech, host: arithmetic },
    { ...OPTIONS, n_samples_per_prompt: 3 },
  );
  expect(chains.map((own) => own.map(answerOf))).toEqual([
    ['1', '2', '3'],
    ['1', '2', '3'],
  ]);
  expect(asked.samples).toEqual([3, 1]);
  expect(asked.contexts.map(({ length }) => length)).toEqual([2, 6]);
});

test("each chain has its own state of the environment, and a problem's setting", async () => {
  const counter = defineEnvironment<{ at: number }>({
    name: 'counter',
    description: '',
    tools: [
      {
        name: 'up',
        description: '',
        parameters: { type: 'object' },
        run: (_, state) => (state.at += 1),
      },
    ],
    start: (setting) => ({ at: setting['from'] as number }),
    problems: () => [],
  });
  const { sampler } = scripted((context) =>
    context.includes('<tool_response>') ? stop('done') : call('up', {}),
  );
  const chains = await runAgent(
    [
      { ids: PROMPT, setting: { from: 1 } },
      { ids: PROMPT, setting: { from: 41 } },
    ],
    { sampler, speech, host: hostInProcess(counter) },
    { ...OPTIONS, n_samples_per_prompt: 2 },
  );
  expect(chains.map((own) => own.map(({ calls }) => calls[0]?.result.text))).toEqual([
    ['2', '2'],
    ['42', '42'],
  ]);
});

test('a function of an environment may not have the name of one of the agent', () => {
  const tool = { name: 'stop', description: '', parameters: { type: 'object' } };
  expect(() => agentPrompt(speech, '?', { name: 'bus', tools: [tool] })).toThrow(UserError);
  expect(agentPrompt(speech, '?', arithmetic).tools.map(({ name }) => name)).toEqual([
    ...arithmetic.tools.map(({ name }) => name),
    'reasoning',
    'stop',
  ]);
});

describe.each(['arithmetic', 'logic'] as const)('worked solutions of %s', (name) => {
  test('are chains that the agent itself would have walked, and right', async () => {
    const agent = agentMode(3);
    const host = hostInProcess(environments[name]);
    const problems = await host.problems({ split: 'train', seed: 3, count: 6 });
    for (const problem of problems) {
      const { tokens, drawn } = await agent.worked(problem, host, speech);
      const turns = tokenizer.decode(tokens.filter((_, i) => drawn[i] === 1)).split('<|im_end|>');
      let step = 0;
      const { sampler } = scripted(() => required(turns[step++], 'a turn'));
      const { ids } = agent.prompt(speech, problem.question, host);
      const walked = await agent.converse(
        [{ ids, setting: problem.setting }],
        { sampler, speech, host },
        { max_turns: 10, temperature: 1, generate_max_len: 4000 },
      );
      const again: Conversation = required(walked[0]?.[0], 'a chain');
      expect(again.tokens).toEqual(tokens);
      expect(again.drawn).toEqual(drawn);
      expect(again).toMatchObject({ end: 'answer', finish: 'stop' });
      expect(answersRightly(problem.answer, again.response)).toBe(true);
      expect(answersRightly(`${problem.answer}1`, again.response)).toBe(false);
      expect(again.calls.map(({ call }) => call?.name)).toEqual(
        problem.solution?.flatMap(({ calls }) => calls.map((one) => one.name)),
      );
    }
  });
});

test('as a conversation, a chain that was cut has no answer, and what it read is not its own', async () => {
  const { sampler } = scripted(() => call('add', { a: 1, b: 1 }));
  const [[cut] = []] = await agentMode(3).converse(
    [{ ids: PROMPT, setting: {} }],
    { sampler, speech, host: arithmetic },
    { max_turns: 2, temperature: 1, generate_max_len: 4000 },
  );
  expect(cut).toMatchObject({ end: 'turns', finish: 'length', response: { ended: false } });
  expect(answersRightly('2', required(cut, 'a chain').response)).toBe(false);
  const read = cut!.tokens.filter((_, i) => cut!.drawn[i] === 0);
  expect(tokenizer.decode(read)).toContain('<tool_response>\n2\n</tool_response>');
  expect(cut!.logprobs).toHaveLength(cut!.tokens.length);
});
