/** Functions of an address: an OpenAPI document or a file of tools that it gives, or a server of the Model Context Protocol. */
import { errorText, isAbort, UserError } from '../../../../src/base/errors.ts';
import { withoutSecrets } from '../../../../src/base/secrets.ts';
import { decodeText } from '../../../../src/base/text.ts';
import { isFields } from '../../../../src/json/value.ts';
import { functionsOfDocument, parseDocument } from './documents.ts';
import { functionsOfJson, type ReadFunctions } from './functions.ts';
import { toolsOfServer } from './mcp.ts';
import type { SourceOptions } from './source.ts';

/** Milliseconds in which an address must answer. */
const FETCH_MS = 30_000;
/** Bytes that a document may have. */
const MOST_BYTES = 1 << 27;

export const isAddress = (source: string): boolean => /^https?:\/\//i.test(source);

interface Answer {
  readonly status: number;
  readonly type: string;
  /** The document; undefined for a stream, which never ends. */
  readonly text: string | undefined;
}

const fault = (text: string, cause?: unknown): UserError =>
  new UserError('ADDRESS', withoutSecrets(text), { cause });

/** Reads what an address gives; throws a UserError where nothing answers. */
async function answerOf(url: string, { headers, signal }: SourceOptions): Promise<Answer> {
  const signals = [AbortSignal.timeout(FETCH_MS), ...(signal === undefined ? [] : [signal])];
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json, application/yaml, text/yaml, */*;q=0.5', ...headers },
      signal: AbortSignal.any(signals),
    });
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok || type.includes('event-stream')) {
      await response.body?.cancel();
      return { status: response.status, type, text: undefined };
    }
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length > MOST_BYTES)
      throw fault(`${url} gives more than ${MOST_BYTES >> 20} MB; give a file of the functions.`);
    return { status: response.status, type, text: decodeText(bytes, url) };
  } catch (thrown) {
    if (thrown instanceof UserError || (signal !== undefined && isAbort(thrown, signal))) throw thrown;
    const cause = isFields(thrown) && thrown['cause'] instanceof Error ? thrown['cause'] : thrown;
    const isLate = thrown instanceof DOMException && thrown.name === 'TimeoutError';
    const why = isLate ? `nothing in ${FETCH_MS / 1000} seconds` : errorText(cause).split('\n')[0];
    throw fault(
      `${url} does not answer (${why ?? ''}); check the address, and that the server runs.`,
      thrown,
    );
  }
}

/** Tells whether an address is that of a document by its name. */
const isDocument = (url: string): boolean => /\.(json|ya?ml)$/i.test(new URL(url).pathname);

/** Functions that an address has; throws a UserError that says what it gave instead. */
export async function functionsOfAddress(url: string, options: SourceOptions): Promise<ReadFunctions> {
  if (!URL.canParse(url)) throw fault(`${url} is no address; write it as https://host/path.`);
  options.tell?.(`reading ${withoutSecrets(url)}`);
  const { status, type, text } = await answerOf(url, options);
  if (text !== undefined && type.includes('html'))
    throw fault(
      `${url} is a web page; give the address of the document itself, such as ${new URL('/openapi.json', url).href}.`,
    );
  if (text !== undefined) return functionsOfDocument(parseDocument(text, url), url);
  if (status === 401 || status === 403)
    throw fault(
      `${url} lets nobody in without a key (${status}); give it by --header "Authorization: Bearer KEY".`,
    );
  if (isDocument(url)) throw fault(`${url} is not there (${status}); check the address.`);
  return functionsOfJson(await toolsOfServer({ url }, options), url);
}
