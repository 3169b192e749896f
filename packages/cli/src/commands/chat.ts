/** `tinystar chat`: a playground in a terminal. */
import { createInterface, type Interface } from 'node:readline';
import { type Conversation, type Reply, ServedModel } from '../../../serve/src/model.ts';
import { isAbort, UserError } from '../../../../src/base/errors.ts';
import type { Message, Tool } from '../../../../src/chat/messages.ts';
import { refuseAdapter } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { functionsFor } from '../beside.ts';
import { command } from '../command.ts';
import { type CliContext, outStyle } from '../context.ts';
import { answeringFlags, onUnless, optional, text, toggle, whole } from '../flags.ts';
import { Stop } from '../stop.ts';
import type { Style } from '../terminal.ts';

const COMMANDS = '/tools lists the functions, /reset forgets the conversation, /quit ends (or Ctrl-D)';

/** Lines of a stream of input, behind a prompt where that is a terminal; undefined at its end. */
class Lines implements Disposable {
  readonly #lines: AsyncIterator<string>;
  readonly #input: Interface;
  readonly #show: (prompt: string) => void;

  constructor(input: NodeJS.ReadableStream, show: (prompt: string) => void) {
    this.#input = createInterface({ input });
    this.#lines = this.#input[Symbol.asyncIterator]();
    this.#show = show;
  }

  async next(prompt: string): Promise<string | undefined> {
    this.#show(prompt);
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  [Symbol.dispose](): void {
    this.#input.close();
  }
}

function replyText(reply: Reply, ms: number, style: Style): string {
  const { content, reasoning, calls, faults, repairs, confidence, promptTokens, cachedTokens, tokens } =
    reply;
  const sure = confidence === undefined ? '' : `right with a probability of ${confidence.toFixed(2)}, `;
  const costs = `${sure}${tokens} tokens, ${promptTokens - cachedTokens} of ${promptTokens} of the prompt read, ${Math.round(ms)} ms`;
  const lines = [
    ...(reasoning === '' ? [] : [style.dim(reasoning)]),
    ...(content === '' ? [] : [content]),
    ...calls.map((call) => `${style.bold(call.name)} ${JSON.stringify(call.arguments, undefined, 2)}`),
    ...[...faults, ...repairs].map((sentence) => style.bad(sentence)),
    ...(reply.finish === 'length' ? [style.bad('cut; raise --max-tokens')] : []),
    style.dim(`(${costs})`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const toolsText = (tools: readonly Tool[], style: Style): string =>
  tools.map(({ name, description }) => `${style.bold(name)} ${style.dim(description)}\n`).join('') ||
  'There are no functions; give --tools.\n';

/** A conversation until its input ends. */
async function converse(
  context: CliContext,
  model: ServedModel,
  tools: readonly Tool[],
  options: { readonly constrained: boolean; readonly max_tokens: number; readonly results: boolean },
  lines: Lines,
  signal: AbortSignal,
): Promise<void> {
  const { stdout } = context.process;
  const style = outStyle(context);
  let messages: Message[] = [];
  const answer = async (): Promise<void> => {
    const conversation: Conversation = { messages, tools };
    const started = context.services.now();
    const reply = await model.ask(conversation, { ...options, signal });
    stdout.write(replyText(reply, context.services.now() - started, style));
    const { content, calls } = reply;
    messages.push({ role: 'assistant', content, ...(calls.length > 0 ? { toolCalls: calls } : {}) });
    if (!options.results || calls.length === 0) return;
    const results: Message[] = [];
    for (const { name } of calls) {
      const result = await lines.next(`result of ${name} (an empty line skips): `);
      if (result === undefined || result.trim() === '') return;
      results.push({ role: 'tool', content: result });
    }
    messages.push(...results);
    await answer();
  };
  for (;;) {
    const line = (await lines.next('> '))?.trim();
    if (line === undefined || line === '/quit') return;
    if (line === '') continue;
    if (line === '/tools') stdout.write(toolsText(tools, style));
    else if (line === '/reset') messages = [];
    else if (/^\/\w+$/.test(line)) stdout.write(`${COMMANDS}\n`);
    else {
      const before = [...messages];
      messages.push({ role: 'user', content: line });
      try {
        await answer();
      } catch (thrown) {
        if (!(thrown instanceof UserError)) throw thrown;
        messages = before;
        stdout.write(`${style.bad(thrown.message)}\n`);
      }
    }
  }
}

export const chatCommand = command({
  brief: 'Talk to a model in the terminal',
  about:
    'Reads a request a line and prints the calls, how sure the model is of them where its file knows, and what they cost.\n' +
    'Results of calls may be typed in, for the model to go on with. Reads from a pipe as well.',
  examples: [
    'tinystar chat home/student.gguf',
    'echo "lamp off in the hall" | tinystar chat bases/fit-student --tools home/functions.json',
  ],
  flags: {
    tools: optional(
      text('Functions, of any source that init takes; functions.json beside the model', 'SOURCE'),
    ),
    constrained: onUnless('Let calls name functions alone, with arguments that obey their schemas'),
    results: toggle('Ask for the results of calls; always on a terminal'),
    max_tokens: whole(1, 'Tokens of an answer at most', 512),
    ...answeringFlags,
  },
  args: [{ brief: 'Checkpoint folder (Hugging Face format) or GGUF file', placeholder: 'MODEL' }],
  async run(context, given, path) {
    refuseAdapter(path);
    const { stdin = process.stdin } = context.process;
    const isTerminal = 'isTTY' in stdin && stdin.isTTY === true;
    const tools = await functionsFor(path, given.tools);
    const { device, thinking } = given;
    const model = new ServedModel(path, { device, rows: 1, ...(thinking === undefined ? {} : { thinking }) });
    using stop = new Stop(context.services);
    const { stderr } = context.process;
    if (isTerminal) stderr.write(`${model.name}, ${tools.length} functions; ${COMMANDS}\n`);
    using lines = new Lines(stdin, (prompt) => {
      if (isTerminal) stderr.write(prompt);
    });
    stop.signal.addEventListener('abort', () => lines[Symbol.dispose]());
    try {
      const options = { ...given, results: given.results || isTerminal };
      await converse(context, model, tools, options, lines, stop.signal);
    } catch (thrown) {
      if (!isAbort(thrown, stop.signal)) throw thrown;
    } finally {
      await model.close();
    }
    if (isTerminal) stderr.write('\n');
    if (stop.signal.aborted) throw stop.interrupted('Stopped.');
  },
});
