/** Servers as stages and commands open them. */
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { OpenOptions } from '../open.ts';
import { headerKey } from './address.ts';
import { apiKeyOf, type TeacherOptions } from './options.ts';
import { Served } from './served.ts';

/** The teacher of a stage, whose student has this tokenizer; throws a UserError for a key or an address that is none. */
export function openTeacher(options: TeacherOptions, tokenizer: Tokenizer): Served {
  return new Served({
    ...options,
    apiKey: apiKeyOf(options),
    tokenizer,
    keyBy: 'the variable of the environment that api_key_env names (--api-key-env)',
    modelBy: 'served (--served)',
  });
}

/** An OpenAI-compatible server that a command names by its address, with its model found; throws a UserError if it cannot be asked. */
export async function openServer(
  url: string,
  { parallel, served, apiKey, tell }: OpenOptions,
): Promise<Served> {
  const server = new Served({
    kind: 'openai',
    endpoints: [url],
    ...(served === undefined ? {} : { served }),
    apiKey: headerKey(apiKey, 'OPENAI_API_KEY'),
    concurrency: parallel,
    timeout: 600,
    retries: 4,
    firstPause: 500,
    tell: tell ?? (() => undefined),
    keyBy: 'the environment variable OPENAI_API_KEY',
    modelBy: '--served',
  });
  await server.findModels(new AbortController().signal);
  return server;
}
