/** `tinystar serve`: models behind OpenAI's API. */
import { inspect } from 'node:util';
import { appOf } from '../../../serve/src/app.ts';
import { ServedModel } from '../../../serve/src/model.ts';
import { listen } from '../../../serve/src/server.ts';
import { recordIn } from '../../../serve/src/shadow.ts';
import { settingsSchema } from '../../../fit/src/settings.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { withoutSecrets } from '../../../../src/base/secrets.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import { refuseAdapter } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { functionsFor } from '../beside.ts';
import { command } from '../command.ts';
import { answeringFlags, numberBy, optional, parsed, text, whole } from '../flags.ts';

/** Functions that the page begins with: those that a fit left beside the model, where they can be read. */
async function suggested(model: string, tell: (line: string) => void): Promise<readonly Tool[]> {
  try {
    return await functionsFor(model);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    tell(`the page shows no functions of ${model}: ${thrown.message}\n`);
    return [];
  }
}

export const serveCommand = command({
  brief: "Serve models behind OpenAI's API",
  about:
    "Answers /v1/chat/completions, /v1/completions, /v1/responses and /v1/models, as OpenAI's clients ask them, and shows a page to try it at /. Calls obey the tools' schemas. The first model answers for names that are not known.",
  examples: [
    'tinystar serve home/student.gguf',
    'tinystar serve home/student.gguf --abstain 0.9 --upstream https://api.example.com/v1 --shadow traces/shadow.jsonl',
  ],
  flags: {
    host: text('Address to listen at; 0.0.0.0 lets other machines ask', 'ADDRESS', '127.0.0.1'),
    port: whole(0, 'Port; 0 takes any that is free', 8321),
    api_key: optional(text('Key that clients have to know; TINYSTAR_API_KEY without it', 'KEY')),
    cors: optional(text('Origin of web pages that may ask, or *', 'ORIGIN')),
    rows: whole(1, 'Answers that are written at a time', 32),
    queue: whole(1, 'Requests that are answered or wait; more are refused with 429', 256),
    max_tokens: whole(1, 'Tokens of an answer at most', 1024),
    timeout: whole(1, 'Seconds that an answer may take', 120),
    abstain: optional(
      parsed(
        numberBy(settingsSchema.shape.abstain),
        'Of students of tinystar fit: probability of being right below which an answer is withheld',
        'X',
      ),
    ),
    upstream: optional(text("Address of a larger model's API, up to /v1, that answers in its place", 'URL')),
    upstream_model: optional(text('Name of its model', 'NAME')),
    shadow: optional(text('File that records its answers to all requests, as traces for fit', 'FILE')),
    ...answeringFlags,
  },
  list: { brief: 'Checkpoint folders or GGUF files', placeholder: 'MODEL' },
  async run(context, given, first = '', ...others) {
    const { stderr, env } = context.process;
    const paths = [first, ...others];
    for (const path of paths) refuseAdapter(path);
    if (given.upstream === undefined && (given.shadow ?? given.upstream_model) !== undefined)
      throw new UserError('UPSTREAM', 'A model to ask is named, and no server; add --upstream URL.');
    const key = given.api_key ?? env?.['TINYSTAR_API_KEY'];
    const open = async (path: string): Promise<ServedModel> =>
      new ServedModel(path, {
        device: given.device,
        rows: given.rows,
        tools: await suggested(path, (why) => stderr.write(why)),
        ...(given.thinking === undefined ? {} : { thinking: given.thinking }),
      });
    const models: [ServedModel, ...ServedModel[]] = [
      await open(first),
      ...(await Promise.all(others.map(open))),
    ];
    const upstreamKey = env?.['TINYSTAR_UPSTREAM_API_KEY'];
    const app = appOf(models, {
      onFailure: (thrown) => stderr.write(`${withoutSecrets(inspect(thrown))}\n`),
      queue: given.queue,
      maxTokens: given.max_tokens,
      timeout: given.timeout,
      ...(key === undefined ? {} : { apiKey: key }),
      ...(given.cors === undefined ? {} : { cors: given.cors }),
      ...(given.abstain === undefined ? {} : { abstain: given.abstain }),
      ...(given.upstream === undefined
        ? {}
        : {
            upstream: {
              url: given.upstream,
              ...(given.upstream_model === undefined ? {} : { model: given.upstream_model }),
              ...(given.shadow === undefined
                ? {}
                : { record: recordIn(given.shadow, (why) => stderr.write(`${why}\n`)) }),
              ...(upstreamKey === undefined ? {} : { apiKey: upstreamKey }),
            },
          }),
    });
    const listening = await listen(app, { host: given.host, port: given.port });
    stderr.write(
      `${models.map(({ name }) => name).join(', ')} at ${listening.url}/v1, a page to try it at ${listening.url}\n`,
    );
    await new Promise<void>((resolve) => context.services.onInterrupt(() => resolve()));
    stderr.write('no more requests are taken; answers that are being written are finished\n');
    await listening.close();
    await Promise.all(models.map((model) => model.close()));
  },
});
