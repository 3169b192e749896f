/** Errors as OpenAI's clients read them. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { InternalError, UserError } from '../../../src/base/errors.ts';
import { Busy } from './answering.ts';
import { RequestFault } from './requests.ts';

interface Fault {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param?: string | undefined;
  readonly code?: string;
}

/** Seconds that a client shall wait before it asks again. */
const RETRY_AFTER = '1';

/** Body of an error in OpenAI's form. */
export const errorBody = ({ message, type, param, code }: Omit<Fault, 'status'>) => ({
  error: { message, type, param: param ?? null, code: code ?? null },
});

/** Kind of what was thrown, in the words of OpenAI's API. */
export function faultOf(thrown: unknown): Fault {
  const invalid = { status: 400, type: 'invalid_request_error' };
  if (thrown instanceof Busy)
    return {
      status: 429,
      message: 'All places are taken; ask again.',
      type: 'rate_limit_error',
      code: 'queue_full',
    };
  if (thrown instanceof RequestFault) return { ...invalid, message: thrown.message, param: thrown.param };
  if (thrown instanceof UserError) {
    const isOthers = thrown.code === 'UPSTREAM';
    return {
      ...(isOthers ? { status: 502, type: 'server_error' } : invalid),
      message: thrown.message,
      code: thrown.code.toLowerCase(),
    };
  }
  if (thrown instanceof RangeError && thrown.message.includes('call stack'))
    return { ...invalid, message: 'A schema of the request is too deep, or refers to itself without end.' };
  if (thrown instanceof Error && thrown.name === 'TimeoutError')
    return { status: 504, type: 'timeout_error', message: 'The answer took longer than it may.' };
  const message = thrown instanceof InternalError ? thrown.message : 'The server failed; its log says more.';
  return { status: 500, type: 'server_error', message };
}

/** Answers with a fault. */
export function refuse(c: Context, fault: Fault): Response {
  if (fault.status === 429) c.header('Retry-After', RETRY_AFTER);
  return c.json(errorBody(fault), fault.status as ContentfulStatusCode);
}
