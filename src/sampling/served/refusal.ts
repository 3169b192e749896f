/** Advice on a request that a server refuses, in one sentence, with what the server has. */
import { UserError } from '../../base/errors.ts';
import type { Endpoint } from './endpoint.ts';
import type { Refused } from './faults.ts';
import type { ServedOptions } from './options.ts';

/** Names of models that are told, those most like the wanted one first. */
const MODELS = 12;

export interface RefusedAsk extends Pick<ServedOptions, 'apiKey' | 'keyBy' | 'modelBy'> {
  readonly endpoint: Endpoint;
  /** Path of the list of models; undefined where the server has none. */
  readonly models: string | undefined;
  /** The model that was asked for. */
  readonly model: string;
  /** Advice on what else may be wrong. */
  readonly otherwise: string;
}

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
async function modelsAt({ endpoint, models }: RefusedAsk, signal: AbortSignal): Promise<string[]> {
  if (models === undefined) return [];
  try {
    const listed = await endpoint.send(models, undefined, signal);
    return listed
      .at('data')
      .list()
      .map((one) => one.at('id').text());
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

/** The advice for a status. */
async function advice(thrown: Refused, asked: RefusedAsk, signal: AbortSignal): Promise<string> {
  const { status, said } = thrown;
  const { model, apiKey, keyBy, modelBy, otherwise } = asked;
  if (status === 401 || status === 403) {
    return apiKey !== undefined
      ? `check the API key, which is given by ${keyBy}`
      : `it wants an API key; give it by ${keyBy}`;
  }
  if (status === 402) return 'see to the account there';
  const isModel = model !== '' && (status === 404 || (/model/i.test(said) && said.includes(model)));
  if (!isModel) return otherwise;
  const models = await modelsAt(asked, signal);
  if (models.length === 0 || models.includes(model)) return otherwise;
  const nearest = models.toSorted((a, b) => likeness(b, model) - likeness(a, model)).slice(0, MODELS);
  const more = models.length > nearest.length ? ` and ${models.length - nearest.length} more` : '';
  return `it has no model ${model}; name one of ${nearest.join(', ')}${more} with ${modelBy}`;
}

/** The UserError that a refusal ends a command with. */
export async function refusalError(
  thrown: Refused,
  asked: RefusedAsk,
  signal: AbortSignal,
): Promise<UserError> {
  return new UserError('TEACHER', `${thrown.message}; ${await advice(thrown, asked, signal)}.`, {
    cause: thrown,
  });
}
