/**
 * Ollama by its HTTP API (docs/api.md of ollama/ollama): /api/chat gives calls and the words that are left of an answer. The
 * rendered prompt comes by `_debug_render_only` of its api/types.go, where a version has it. Not tried: it cannot be had where
 * this was written.
 */
import { z } from 'zod';
import { errorText } from '../../../../src/base/errors.ts';
import { askJson, ServerFault } from '../http.ts';
import { openaiTool, type Runtime } from '../runtime.ts';

const versionSchema = z.object({ version: z.string() });
const renderedSchema = z.object({
  _debug_info: z.object({ rendered_template: z.string() }).optional(),
});
const chatSchema = z.object({
  message: z.object({
    content: z.string().optional(),
    tool_calls: z
      .array(
        z.object({ function: z.object({ name: z.string(), arguments: z.record(z.string(), z.json()) }) }),
      )
      .optional(),
  }),
});

/** Address of OLLAMA_HOST, which may lack the beginning and the port. */
function addressOf(host = '127.0.0.1'): string {
  const whole = /^https?:\/\//.test(host) ? host : `http://${host}`;
  return /:\d+\/?$/.test(whole) ? whole.replace(/\/$/, '') : `${whole.replace(/\/$/, '')}:11434`;
}

export const ollama: Runtime = {
  name: 'Ollama',
  async find({ ollama: model, env, maxTokens, contextTokens, signal }) {
    const url = addressOf(env['OLLAMA_HOST']);
    let version: string;
    try {
      ({ version } = await askJson(`${url}/api/version`, undefined, versionSchema, signal, 2000));
    } catch (thrown) {
      signal.throwIfAborted();
      return `nobody answers at ${url} (${errorText(thrown)})`;
    }
    if (model === undefined)
      return 'it runs and does not know the model; give --ollama NAME after "ollama create NAME -f Modelfile"';
    return {
      about: `${model}, version ${version}`,
      async answer({ request, tools }) {
        const body = {
          model,
          messages: [{ role: 'user', content: request }],
          tools: tools.map(openaiTool),
          stream: false,
          options: { temperature: 0, num_predict: maxTokens, num_ctx: contextTokens },
        };
        const rendered = await askJson(
          `${url}/api/chat`,
          { ...body, _debug_render_only: true },
          renderedSchema,
          signal,
        );
        const prompt = rendered._debug_info?.rendered_template;
        const shown = prompt === undefined ? {} : { prompt };
        try {
          const { message } = await askJson(`${url}/api/chat`, body, chatSchema, signal);
          const calls = (message.tool_calls ?? []).map(({ function: call }) => call);
          return { ...shown, parsed: { calls, words: message.content ?? '' } };
        } catch (thrown) {
          if (!(thrown instanceof ServerFault)) throw thrown;
          return { ...shown, parsed: { calls: [], words: '' }, fault: thrown.message };
        }
      },
      async [Symbol.asyncDispose]() {
        // The server is a person's own.
      },
    };
  },
};
