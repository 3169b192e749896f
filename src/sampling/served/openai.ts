/**
 * Any OpenAI-compatible server, which answers with text and no log-probabilities. A conversation goes to
 * /chat/completions, where the server renders messages and tools itself; where the prompt's text is known, too, the
 * thoughts and calls that come are written as a student shall write them behind it. A text alone goes to /completions.
 */
import type { CallToWrite, ToolFormat } from '../../chat/formats/format.ts';
import { closesThought, shownParts } from '../../chat/generation.ts';
import { turnAfter } from '../../chat/template.ts';
import { isDict, type PyValue } from '../../json/python.ts';
import { tryParseJson } from '../../json/parse.ts';
import { routeOf } from './address.ts';
import { errorIn, Transient } from './faults.ts';
import { finishOf, type IsEnd, samplesOf } from './finish.ts';
import { historyOf } from './history.ts';
import { CHAT_PARAMETERS } from './parameters.ts';
import type { Ask, Protocol, RawSample } from './protocol.ts';
import type { Reply } from './reply.ts';

function valueOf(text: string): PyValue | undefined {
  const parsed = tryParseJson(text);
  return parsed.ok ? parsed.value : undefined;
}

/** A call as it is to be written; arguments that are no JSON stay as they are, and the validity filter finds them. */
function readCall(call: Reply): CallToWrite {
  const outer = call.at('function');
  const inner = outer.isThere ? outer : call;
  const name = inner.at('name').text();
  const given = inner.at('arguments');
  const text = typeof given.value === 'string' ? given.value : JSON.stringify(given.value ?? {});
  const outermost = valueOf(text === '' ? '{}' : text);
  // Some servers write as JSON what was JSON already.
  const value = typeof outermost === 'string' ? valueOf(outermost) : outermost;
  return { name, arguments: value !== undefined && isDict(value) ? value : text };
}

/** A content: a text, or a list of parts of which some are texts, or nothing. */
function textOf(content: Reply): string {
  if (!content.isThere) return '';
  if (!Array.isArray(content.value)) return content.text();
  return content
    .list()
    .flatMap((part) => (part.at('text').isThere ? part.at('text').text() : []))
    .join('');
}

function splitThought(message: Reply, format: ToolFormat): readonly [thought: string, said: string] {
  const own = ['reasoning_content', 'reasoning']
    .map((key) => message.at(key).value)
    .find((value) => typeof value === 'string' && value.trim() !== '');
  const [inside, said] = shownParts(textOf(message.at('content')), format);
  // Some servers give the thought in both places.
  return [typeof own === 'string' ? own : inside, said];
}

function callsOf(message: Reply): Reply[] {
  const calls = message.at('tool_calls');
  if (calls.isThere) return calls.list();
  const call = message.at('function_call');
  return call.isThere ? [call] : [];
}

/** End of a choice; throws a Transient where the server gave up on it. */
function finishOfChoice(choice: Reply, isEnd: IsEnd, isChat: boolean): 'stop' | 'length' {
  const told = errorIn({ error: choice.at('error').value });
  if (told !== undefined) throw new Transient(`gave up on an answer (${told.said})`);
  // A token is one of the teacher's vocabulary, and that it stopped at it is the end; a text may be any.
  const stoppedAt = [choice.at('stop_reason').value, choice.at('matched_stop').value].find(
    (stop) => typeof stop === 'string',
  );
  const finish = finishOf(choice.at('finish_reason').value, stoppedAt, isEnd);
  if (!isChat) return finish;
  const refusal = choice.at('message').at('refusal');
  return refusal.isThere && refusal.value !== '' ? 'length' : finish;
}

/** A choice: as it is, or as the student shall write it after the prompt's text, which may leave no room for a thought. */
function readChoice(choice: Reply, { isEnd, format, prompt: { text: prompt, messages } }: Ask): RawSample {
  const finish = finishOfChoice(choice, isEnd, messages !== undefined);
  if (messages === undefined) return { finish, text: choice.at('text').text() };
  const message = choice.at('message');
  if (prompt === undefined) return { finish, text: textOf(message.at('content')) };
  const [thought, said] = splitThought(message, format);
  const answer = format.render(said.trim(), callsOf(message).map(readCall));
  // A model that says nothing after a thought, or at all, has not come to an end.
  return {
    finish: answer === '' ? 'length' : finish,
    text: turnAfter(prompt, closesThought(prompt, format) ? '' : thought.trim(), answer, format),
  };
}

export const openai: Protocol = {
  name: 'the OpenAI-compatible server',
  distributions: false,
  base: (url) => (new URL(url).pathname === '/' ? routeOf(url, '/v1') : url),
  path: ({ prompt }) => (prompt.messages === undefined ? '/completions' : '/chat/completions'),
  models: '/models',
  // Undefined parameters are not sent.
  body({ prompt: { text, messages, tools = [] }, samples, seed, sampling, model }: Ask) {
    const { enable_thinking } = sampling;
    const functions = tools.map(({ name, description, parameters }) => ({
      type: 'function',
      function: { name, description, parameters },
    }));
    const conversation = {
      messages: historyOf(messages ?? []),
      tools: functions.length > 0 ? functions : undefined,
      chat_template_kwargs: enable_thinking === undefined ? undefined : { enable_thinking },
    };
    return {
      model,
      ...(messages === undefined ? { prompt: text } : conversation),
      n: samples > 1 ? samples : undefined,
      seed,
      max_tokens: sampling.generate_max_len,
      temperature: sampling.temperature,
      top_p: sampling.top_p,
    };
  },
  adjustable: CHAT_PARAMETERS,
  read: (reply, ask) => {
    const samples = samplesOf(reply.at('choices'), (choice) => readChoice(choice, ask));
    const usage = reply.at('usage');
    const length = usage.isThere ? usage.at('completion_tokens').value : undefined;
    return samples.length === 1 && typeof length === 'number'
      ? samples.map((one) => one && { ...one, length })
      : samples;
  },
  // Words with which models that think tell of an answer whose tokens all went into the thought.
  cut: /(?:max_tokens|output|token) limit was reached/i,
  scaledHint: '',
};
