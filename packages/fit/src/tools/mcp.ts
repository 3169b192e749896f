/** Functions of running servers of the Model Context Protocol, by the official SDK, which is loaded when one is asked for. */
import { pathToFileURL } from 'node:url';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import type { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { errorText, UserError } from '../../../../src/base/errors.ts';
import { optionalPackage } from '../../../../src/base/optional-package.ts';
import { systemCode } from '../../../../src/base/processes.ts';
import { fromJson, type PyValue } from '../../../../src/json/python.ts';
import { isFields, type JsonObject } from '../../../../src/json/value.ts';
import { packageVersion } from '../../../../src/run/machine.ts';
import type { SourceOptions } from './source.ts';

const SDK = '@modelcontextprotocol/sdk';
/** Milliseconds in which a server must start, which may download it first, and give its list. */
const START_MS = 120_000;
const LIST_MS = 30_000;
/** Pages of a list, which a broken server may never end. */
const MOST_PAGES = 200;
/** Characters that are kept of what a server says last. */
const MOST_SAID = 4000;

/** A server that a command starts, or that is there already. */
export type Server =
  | {
      readonly command: string;
      readonly args: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    }
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> };

type Transport = Parameters<Client['connect']>[0];

/** A part of the SDK. */
async function part<T>(name: string): Promise<T> {
  const found = optionalPackage(`${SDK}/client/${name}.js`);
  // Resolved as CommonJS; its modules are there in both forms.
  if (found !== undefined) return (await import(pathToFileURL(found).href)) as T;
  throw new UserError(
    'MCP',
    `A running MCP server is read by the package ${SDK}, which is not installed; run "npm install ${SDK}", or give the server's answer to tools/list as a file.`,
  );
}

/** Words of a command line, of which quotes may hold several together. */
export function wordsOf(line: string): string[] {
  const words = line.match(/"(?:\\.|[^"\\])*"|'[^']*'|\S+/g) ?? [];
  return words.map((word) => (/^(["']).*\1$/.test(word) ? word.slice(1, -1).replaceAll('\\"', '"') : word));
}

/** Name of a server in a sentence. */
const nameOf = (server: Server): string =>
  'url' in server ? server.url : [server.command, ...server.args].join(' ');

async function toolsThrough(transport: Transport, signal: AbortSignal | undefined): Promise<PyValue> {
  const sdk = await part<{ Client: typeof Client }>('index');
  const client = new sdk.Client({ name: 'tinystar', version: packageVersion() });
  const limits = signal === undefined ? {} : { signal };
  try {
    await client.connect(transport, { timeout: START_MS, ...limits });
    if (client.getServerCapabilities()?.tools === undefined) return [];
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const given = cursor === undefined ? {} : { cursor };
      const listed = await client.listTools(given, { timeout: LIST_MS, ...limits });
      tools.push(...listed.tools);
      cursor = listed.nextCursor;
      if (cursor === undefined || cursor === '') break;
    }
    return fromJson(JSON.parse(JSON.stringify({ tools })) as JsonObject);
  } finally {
    await client.close();
  }
}

async function ofCommand(
  server: Extract<Server, { command: string }>,
  { signal, tell }: SourceOptions,
): Promise<PyValue> {
  const sdk = await part<{ StdioClientTransport: typeof StdioClientTransport }>('stdio');
  const own = Object.entries({ ...process.env, ...server.env });
  const env = Object.fromEntries(own.filter((entry): entry is [string, string] => entry[1] !== undefined));
  const transport = new sdk.StdioClientTransport({ ...server, args: [...server.args], env, stderr: 'pipe' });
  let said = '';
  transport.stderr?.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString('utf8')).slice(-MOST_SAID);
  });
  tell?.(`starting the MCP server ${nameOf(server)}`);
  try {
    return await toolsThrough(transport, signal);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const isMissing = systemCode(thrown) === 'ENOENT';
    const lines = said.trim().split('\n');
    const last = (lines.find((line) => /^\s*(\w+: )?\w*error\b/i.test(line)) ?? lines.at(-1) ?? '').trim();
    const why = isMissing ? `there is no command ${server.command}` : last === '' ? errorText(thrown) : last;
    throw new UserError(
      'MCP',
      `The MCP server ${nameOf(server)} gives no tools (${why.replace(/\.$/, '')}); run that command by itself to see what is wrong.`,
      { cause: thrown },
    );
  }
}

/** Status of HTTP that a fault of the SDK's tells. */
function statusOf(thrown: unknown): number {
  const { code } = isFields(thrown) ? thrown : {};
  const told = /\b(?:HTTP|code:?|status:?)\s*\(?(\d{3})\b/i.exec(errorText(thrown))?.[1];
  return typeof code === 'number' ? code : Number(told ?? 0);
}

async function ofAddress(server: Extract<Server, { url: string }>, options: SourceOptions): Promise<PyValue> {
  const url = new URL(server.url);
  const requestInit = { headers: { ...options.headers, ...server.headers } };
  options.tell?.(`asking the MCP server ${server.url}`);
  const http = await part<{ StreamableHTTPClientTransport: typeof StreamableHTTPClientTransport }>(
    'streamableHttp',
  );
  try {
    return await toolsThrough(
      new http.StreamableHTTPClientTransport(url, { requestInit }) as Transport,
      options.signal,
    );
  } catch (thrown) {
    const status = statusOf(thrown);
    if (thrown instanceof UserError) throw thrown;
    if (status === 401 || status === 403) throw refused(server.url, status);
    try {
      const sse = await part<{ SSEClientTransport: typeof SSEClientTransport }>('sse');
      return await toolsThrough(new sse.SSEClientTransport(url, { requestInit }), options.signal);
    } catch {
      const cause =
        isFields(thrown) && thrown['cause'] instanceof Error ? `: ${thrown['cause'].message}` : '';
      const [why = ''] = errorText(thrown).split('\n');
      throw new UserError(
        'MCP',
        `No MCP server answers at ${server.url} (${why.replace(/\.$/, '')}${cause}); check the address, and that it runs.`,
        { cause: thrown },
      );
    }
  }
}

const refused = (url: string, status: number): UserError =>
  new UserError(
    'MCP',
    `${url} lets nobody in without a key (${status}); give it by --header "Authorization: Bearer KEY".`,
  );

/** The answer of a server to tools/list, all pages of it; throws a UserError that says why there is none. */
export const toolsOfServer = (server: Server, options: SourceOptions): Promise<PyValue> =>
  'url' in server ? ofAddress(server, options) : ofCommand(server, options);
