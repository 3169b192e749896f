/** Address and token of the Hugging Face hub, and its faults in one sentence. */
import { errorText, UserError } from './errors.ts';

/** Environment of the hub's own tools. */
export interface HubEnvironment {
  readonly HF_ENDPOINT?: string | undefined;
  readonly HF_TOKEN?: string | undefined;
  readonly HF_HUB_OFFLINE?: string | undefined;
}

export interface HubAccess {
  readonly hubUrl?: string;
  readonly accessToken?: string;
}

/** Options of the hub library's functions; throws a UserError when the user wants no network. */
export function hubAccess(input: string, env: HubEnvironment): HubAccess {
  if (env.HF_HUB_OFFLINE === '1' || env.HF_HUB_OFFLINE === 'true') {
    throw new UserError(
      'HUB_OFFLINE',
      `HF_HUB_OFFLINE is set, so ${input} is not downloaded; unset it, or give local files.`,
    );
  }
  return {
    ...(env.HF_ENDPOINT === undefined ? {} : { hubUrl: env.HF_ENDPOINT.replace(/\/$/, '') }),
    ...(env.HF_TOKEN === undefined ? {} : { accessToken: env.HF_TOKEN }),
  };
}

/** One sentence about what the hub answered for `input` with that HTTP status. */
export function hubStatusError(input: string, status: number): UserError {
  if (status === 401 || status === 403) {
    return new UserError(
      'HUB',
      `${input} is not open to you (HTTP ${status}); accept its terms on its page, set HF_TOKEN, and check the name.`,
    );
  }
  if (status === 429 || status >= 500)
    return new UserError('HUB', `The hub is busy (HTTP ${status} for ${input}); re-run the same command.`);
  return new UserError('HUB', `The hub has no ${input} (HTTP ${status}); check the name.`);
}

/** Turns what a hub function has thrown into one sentence about `input`. */
export function hubError(input: string, thrown: unknown): UserError {
  if (thrown instanceof UserError) return thrown;
  // The library's own error has the status of an answer.
  if (thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number')
    return hubStatusError(input, thrown.statusCode);
  return new UserError(
    'HUB_OFFLINE',
    `Cannot reach the hub for ${input} (${errorText(thrown)}); go online, or download the files and give their paths.`,
    { cause: thrown },
  );
}
