/** Errors of addresses that refuse a request, or answer otherwise than their protocol has it, with what to do. */
import { UserError } from '../../base/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { Refused } from './faults.ts';
import type { ServedOptions } from './options.ts';
import { protocols } from './protocols.ts';
import { BadReply } from './reply.ts';

/** Names of models that are told, those most like the wanted one first. */
const MODELS = 12;

/** Letters that two names begin with alike, or that the one has of the other. */
function likeness(name: string, wanted: string): number {
  const [a, b] = [name.toLowerCase(), wanted.toLowerCase()];
  if (a.includes(b) || b.includes(a)) return Math.min(a.length, b.length) + 1;
  const [own = a, other = b] = [a.split('/').at(-1), b.split('/').at(-1)];
  let length = 0;
  while (length < own.length && own[length] === other[length]) length += 1;
  return length;
}

async function modelsAt(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<string[]> {
  try {
    return await endpoint.models(path, signal);
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

/** The UserError that a fault of an address ends a command with, or the fault; `otherwise` is advice where nothing better is known. */
export async function explained(
  thrown: unknown,
  endpoint: Endpoint,
  { kind, apiKey, keyBy, modelBy, served = '' }: ServedOptions,
  otherwise: string,
  signal: AbortSignal,
): Promise<unknown> {
  const error = (text: string): UserError => new UserError('TEACHER', text, { cause: thrown });
  const { name, models: path } = protocols[kind];
  if (thrown instanceof BadReply)
    return error(
      `${endpoint.url} does not answer as ${name} does (${thrown.message}); check the address and what it speaks.`,
    );
  if (!(thrown instanceof Refused)) return thrown;
  const { status, said, message } = thrown;
  if (status === 401 || status === 403) {
    const advice =
      apiKey === undefined ? 'it wants an API key; give it' : 'check the API key, which is given';
    return error(`${message}; ${advice} by ${keyBy}.`);
  }
  if (status === 402) return error(`${message}; see to the account there.`);
  const model = endpoint.model ?? served;
  const isModel = model !== '' && (status === 404 || (/model/i.test(said) && said.includes(model)));
  const models = isModel && path !== undefined ? await modelsAt(endpoint, path, signal) : [];
  if (models.length === 0 || models.includes(model)) return error(`${message}; ${otherwise}.`);
  const nearest = models.toSorted((a, b) => likeness(b, model) - likeness(a, model)).slice(0, MODELS);
  const more = models.length > nearest.length ? ` and ${models.length - nearest.length} more` : '';
  return error(
    `${message}; it has no model ${model}; name one of ${nearest.join(', ')}${more} with ${modelBy}.`,
  );
}
