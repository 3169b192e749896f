/** Advice on a request that a server refuses, in one sentence, with what the server has. */
import { UserError } from '../../base/errors.ts';
import type { Endpoint } from './endpoint.ts';
import type { Refused } from './faults.ts';
import type { ServedOptions } from './options.ts';

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

/** The models that an address lists; none where it does not say. */
async function modelsAt(
  endpoint: Endpoint,
  path: string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  if (path === undefined) return [];
  try {
    const listed = (await endpoint.send(path, undefined, signal)).at('data').list();
    return listed.map((one) => one.at('id').text());
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

/** The UserError that a refusal ends a command with; `otherwise` is advice where nothing better is known. */
export async function refusalError(
  thrown: Refused,
  endpoint: Endpoint,
  { apiKey, keyBy, modelBy, served = '' }: ServedOptions,
  /** Path of the list of models; undefined where the server has none. */
  path: string | undefined,
  otherwise: string,
  signal: AbortSignal,
): Promise<UserError> {
  const { status, said } = thrown;
  const model = endpoint.model ?? served;
  const advice = async (): Promise<string> => {
    if (status === 401 || status === 403) {
      return apiKey !== undefined
        ? `check the API key, which is given by ${keyBy}`
        : `it wants an API key; give it by ${keyBy}`;
    }
    if (status === 402) return 'see to the account there';
    const isModel = model !== '' && (status === 404 || (/model/i.test(said) && said.includes(model)));
    const models = isModel ? await modelsAt(endpoint, path, signal) : [];
    if (models.length === 0 || models.includes(model)) return otherwise;
    const nearest = models.toSorted((a, b) => likeness(b, model) - likeness(a, model)).slice(0, MODELS);
    const more = models.length > nearest.length ? ` and ${models.length - nearest.length} more` : '';
    return `it has no model ${model}; name one of ${nearest.join(', ')}${more} with ${modelBy}`;
  };
  return new UserError('TEACHER', `${thrown.message}; ${await advice()}.`, { cause: thrown });
}
