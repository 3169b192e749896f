/**
 * Any OpenAI-compatible /chat/completions: the server renders messages and tools itself, and the answer comes as text,
 * thoughts and calls, without log-probabilities: rollouts for SFT and DPO. The answer is written as the student shall
 * write it.
 */
import type { Message, Tool } from '../../chat/messages.ts';
import { closesThought, turnAfter } from '../../chat/template.ts';
import { dumps } from '../../json/dumps.ts';
import { fromJson, isDict, type PyValue } from '../../json/python.ts';
import { tryParseJson } from '../../json/parse.ts';
import type { Ask, Protocol, RawSample } from './protocol.ts';
import type { Reply } from './reply.ts';

const THINK = '<think>';
const THINK_CLOSE = '</think>';

function toolOf({ name, description, parameters }: Tool): object {
  return { type: 'function', function: { name, description, parameters } };
}

/** Messages as the API takes them; calls get ids, which their results refer to in order. */
function messagesOf(messages: readonly Message[]): object[] {
  const open: string[] = [];
  let calls = 0;
  return messages.map(({ role, content, toolCalls = [] }) => {
    if (role === 'tool') return { role, content, tool_call_id: open.shift() ?? 'call_0' };
    if (toolCalls.length === 0) return { role, content };
    const written = toolCalls.map(({ name, arguments: given }) => {
      const id = `call_${(calls += 1)}`;
      open.push(id);
      return { id, type: 'function', function: { name, arguments: dumps(fromJson(given)) } };
    });
    return { role, content: content === '' ? null : content, tool_calls: written };
  });
}

/** A call's text; arguments that are no JSON stay as they are, and the validity filter finds them. */
function callText(call: Reply): string {
  const inner = call.at('function');
  const name = dumps(inner.at('name').text());
  const given = inner.at('arguments');
  const text = typeof given.value === 'string' ? given.value : JSON.stringify(given.value ?? {});
  const parsed = tryParseJson(text === '' ? '{}' : text);
  const value: PyValue | undefined = parsed.ok ? parsed.value : undefined;
  const written = value !== undefined && isDict(value) ? dumps(value) : text;
  return `<tool_call>\n{"name": ${name}, "arguments": ${written}}\n</tool_call>`;
}

/** Thought and content, wherever the server puts the thought. */
function splitThought(message: Reply): { readonly thought: string; readonly said: string } {
  const content = message.at('content');
  const said = content.isThere ? content.text() : '';
  for (const key of ['reasoning_content', 'reasoning']) {
    const own = message.at(key);
    if (typeof own.value === 'string') return { thought: own.value, said };
  }
  const end = said.lastIndexOf(THINK_CLOSE);
  if (end < 0) return { thought: '', said };
  const start = said.startsWith(THINK) ? THINK.length : 0;
  return { thought: said.slice(start, end), said: said.slice(end + THINK_CLOSE.length) };
}

/** A choice as the student shall write it after `prompt`, which may leave no room for a thought. */
function readChoice(choice: Reply, prompt: string): RawSample {
  const message = choice.at('message');
  const { thought, said } = splitThought(message);
  const calls = message.at('tool_calls');
  const parts = [said.trim(), ...(calls.isThere ? calls.list().map(callText) : [])];
  const answer = parts.filter((part) => part !== '').join('\n');
  const finish = choice.at('finish_reason').value === 'length' ? 'length' : 'stop';
  return { finish, text: turnAfter(prompt, closesThought(prompt) ? '' : thought.trim(), answer) };
}

export const openai: Protocol = {
  name: 'the OpenAI-compatible server',
  distributions: false,
  namesModel: true,
  base: (url) => (/^https?:\/\/[^/]+\/*$/.test(url) ? `${url.replace(/\/+$/, '')}/v1` : url),
  path: '/chat/completions',
  body({ question, samples, seed, sampling, model }: Ask) {
    const { messages, tools } = question.dialogue;
    return {
      model,
      messages: messagesOf(messages.slice(0, -1)),
      ...(tools.length > 0 ? { tools: tools.map(toolOf) } : {}),
      ...(samples > 1 ? { n: samples } : {}),
      seed,
      max_tokens: sampling.maxTokens,
      temperature: sampling.temperature,
      top_p: sampling.topP,
    };
  },
  read: (reply, { question }) =>
    reply
      .at('choices')
      .list()
      .map((choice) => readChoice(choice, question.text)),
  tokenize: () => Promise.resolve(undefined),
  scaledHint: '',
};
