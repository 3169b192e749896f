/** Requests in JSON to servers of this machine. */
import { errorText } from '../../../src/base/errors.ts';
import { within } from '../../../src/base/time-limit.ts';
import type { z } from 'zod';

/** Milliseconds in which a server must answer a case. */
const ANSWER_MS = 120_000;

/** Fault of a server's, in its own words. */
export class ServerFault extends Error {}

/** Asks a server, by POST where there is a body. Throws a ServerFault for an answer that is none, or the signal's reason. */
export async function askJson<T>(
  url: string,
  body: object | undefined,
  schema: z.ZodType<T>,
  signal: AbortSignal,
  ms = ANSWER_MS,
): Promise<T> {
  return within(ms, signal, async (limited) => {
    try {
      const response = await fetch(url, {
        signal: limited,
        ...(body === undefined
          ? {}
          : {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify(body),
            }),
      });
      const text = await response.text();
      if (!response.ok) throw new ServerFault(`HTTP ${response.status}: ${text.slice(0, 200)}`);
      return schema.parse(JSON.parse(text));
    } catch (thrown) {
      signal.throwIfAborted();
      throw thrown instanceof ServerFault ? thrown : new ServerFault(`${url}: ${errorText(thrown)}`);
    }
  });
}
