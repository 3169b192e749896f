/** Servers as stages and commands open them. */
import { ChatTemplate } from '../../chat/template.ts';
import { Tokenizer } from '../../chat/tokenizer.ts';
import { headerKey } from './address.ts';
import { apiKeyOf, type ServedOptions, type TeacherOptions } from './options.ts';
import { Served } from './served.ts';

/** The teacher of a stage, whose student speaks through these; throws a UserError for a key or an address that is none. */
export function openTeacher(
  options: TeacherOptions,
  { tokenizer, template }: { readonly tokenizer: Tokenizer; readonly template: ChatTemplate },
): Served {
  return new Served({
    ...options,
    apiKey: apiKeyOf(options),
    tokenizer,
    format: template.format,
    keyBy: 'the variable of the environment that api_key_env names (--api-key-env)',
    modelBy: 'served (--served)',
  });
}

export interface ServerOptions {
  readonly parallel: number;
  /** The model's name on the server; without it, the first one that the server lists. */
  readonly served?: string;
  /** Folder or GGUF file with the served model's tokenizer, in whose chat template benchmarks then ask. */
  readonly tokenizer?: string;
  /** Sent to the server as a bearer token. */
  readonly apiKey?: string;
  /** Tells the user that a server is waited for. */
  readonly tell?: (text: string) => void;
}

/** Manner in which the model behind a server is spoken to; the server puts what its tokenizer begins every text with itself. */
function spokenTo(source: string): Pick<ServedOptions, 'template' | 'begins'> {
  const tokenizer = Tokenizer.load(source);
  const begins = tokenizer.decode(tokenizer.encode('', { addSpecial: true }));
  return { template: ChatTemplate.of(tokenizer), begins };
}

/** An OpenAI-compatible server that a command names by its address, with its model found; throws a UserError if it cannot be asked. */
export async function openServer(
  url: string,
  { parallel, served, tokenizer, apiKey, tell }: ServerOptions,
): Promise<Served> {
  const server = new Served({
    kind: 'openai',
    endpoints: [url],
    ...(served === undefined ? {} : { served }),
    ...(tokenizer === undefined ? {} : spokenTo(tokenizer)),
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
