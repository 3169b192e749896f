/** llama.cpp's HTTP server: its Jinja, its tokenizer, and its reader of calls, behind OpenAI's API. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { errorText } from '../../../../src/base/errors.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { isDict, toJsonObject } from '../../../../src/json/python.ts';
import { isGguf } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { wordsOf } from '../../../fit/src/tools/mcp.ts';
import { lastWords } from '../child.ts';
import { askJson, ServerFault } from '../http.ts';
import { openaiTool, type FindOptions, type Found, type Runtime, type Told } from '../runtime.ts';

const promptSchema = z.object({ prompt: z.string() });
const tokensSchema = z.object({ tokens: z.array(z.int()) });
const completionSchema = z.object({ content: z.string() });
const chatSchema = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z.string().nullish(),
          tool_calls: z
            .array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) }))
            .nullish(),
        }),
      }),
    )
    .min(1),
});

/** Milliseconds in which a server must have loaded its model. */
const START_MS = 60_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A server at an address, with what ends it. */
interface Listening {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Starts a server; answers with its last words where it does not come up. */
async function start(
  command: readonly string[],
  { model, contextTokens, threads, signal }: FindOptions,
): Promise<Listening | string> {
  const port = await freePort();
  const [program = '', ...args] = command;
  const child: ChildProcess = spawn(
    program,
    [
      ...args,
      '-m',
      model,
      '--host',
      '127.0.0.1',
      '--port',
      `${port}`,
      '-c',
      `${contextTokens}`,
      '-np',
      '1',
      '-t',
      `${threads}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], signal },
  );
  const said = lastWords(child);
  let failed = '';
  child.on('error', (thrown) => (failed = errorText(thrown)));
  const url = `http://127.0.0.1:${port}`;
  const ended = (): boolean => failed !== '' || child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    if (ended()) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill();
    await Promise.race([gone, sleep(5000).then(() => child.kill('SIGKILL'))]);
  };
  for (const until = Date.now() + START_MS; Date.now() < until && !ended(); await sleep(100)) {
    signal.throwIfAborted();
    try {
      await askJson(`${url}/health`, undefined, z.unknown(), signal, 1000);
      return { url, stop };
    } catch (thrown) {
      if (!(thrown instanceof ServerFault)) throw thrown;
    }
  }
  await stop();
  const late = `it does not answer within ${START_MS / 1000} s`;
  return failed || said() || (child.exitCode === null ? late : `it ends with status ${child.exitCode}`);
}

/** Calls and words of an answer; throws a ServerFault for arguments that are no object. */
function parsedOf({ choices }: z.output<typeof chatSchema>): NonNullable<Told['parsed']> {
  const message = choices[0]?.message;
  const calls = (message?.tool_calls ?? []).map(({ function: { name, arguments: given } }) => {
    const read = tryParseJson(given);
    if (!read.ok || !isDict(read.value))
      throw new ServerFault(`the arguments of ${name} are no object: ${given}`);
    return { name, arguments: toJsonObject(read.value) };
  });
  return { calls, words: message?.content ?? '' };
}

function foundAt({ url, stop }: Listening, about: string, maxTokens: number): Found {
  return {
    about,
    async answer({ request, tools }, signal) {
      const body = { messages: [{ role: 'user', content: request }], tools: tools.map(openaiTool) };
      const ask = <T>(path: string, of: object, schema: z.ZodType<T>): Promise<T> =>
        askJson(`${url}${path}`, of, schema, signal);
      const { prompt } = await ask('/apply-template', body, promptSchema);
      const { tokens } = await ask(
        '/tokenize',
        { content: prompt, add_special: true, parse_special: true },
        tokensSchema,
      );
      // The chat endpoint shows what its reader leaves; the same prompt as a text shows what the model writes.
      const { content: written } = await ask(
        '/completion',
        { prompt, temperature: 0, n_predict: maxTokens },
        completionSchema,
      );
      const shown = { prompt, tokens, written };
      try {
        const chat = { ...body, temperature: 0, max_tokens: maxTokens };
        return { ...shown, parsed: parsedOf(await ask('/v1/chat/completions', chat, chatSchema)) };
      } catch (thrown) {
        if (!(thrown instanceof ServerFault)) throw thrown;
        return { ...shown, parsed: { calls: [], words: '' }, fault: thrown.message };
      }
    },
    [Symbol.asyncDispose]: stop,
  };
}

export const llamaServer: Runtime = {
  name: "llama.cpp's server",
  async find(options) {
    const { model, llamaServer: given, env, maxTokens, signal } = options;
    const asked = given ?? env['LLAMA_SERVER'];
    if (asked !== undefined && /^https?:/.test(asked)) {
      const listening = { url: asked.replace(/(?:\/v1)?\/*$/, ''), stop: async () => undefined };
      try {
        await askJson(`${listening.url}/health`, undefined, z.unknown(), signal, 5000);
      } catch (thrown) {
        return errorText(thrown);
      }
      return foundAt(listening, listening.url, maxTokens);
    }
    if (!isGguf(model)) return 'it runs GGUF files; export the checkpoint with tinystar export';
    const command = wordsOf(asked ?? 'llama-server');
    const wanted = `${command[0] ?? ''} does not start; name it with --llama-server`;
    // Templates are rendered by Jinja unless told in newer versions; older ones have to be told, and other programs know no such flag.
    const first = await start([...command, '--jinja'], options);
    const listening = typeof first === 'string' ? await start(command, options) : first;
    if (typeof listening === 'string') return `${wanted} (${listening})`;
    return foundAt(listening, command.join(' '), maxTokens);
  },
};
