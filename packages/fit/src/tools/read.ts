/** Functions of any source: one door, which sees by looking what it is given. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { STANDARD } from '../../../../src/base/destination.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { readText } from '../../../../src/base/files.ts';
import { inputName } from '../../../../src/base/lines.ts';
import { isDict, isList, type PyValue } from '../../../../src/json/python.ts';
import { pyStr } from '../../../../src/json/repr.ts';
import { readExampleFile } from '../examples.ts';
import { throwFaults } from '../faults.ts';
import { suggestion } from '../../../../src/recipe/suggest.ts';
import { functionsOfAddress, isAddress } from './address.ts';
import { functionsOfDocument, parseDocument } from './documents.ts';
import type { Note } from '../types.ts';
import { functionsOfJson, notesOnAll, type ReadFunctions } from './functions.ts';
import { type Server, toolsOfServer, wordsOf } from './mcp.ts';
import { toolsOfModule } from './module.ts';
import type { FromSource, SourceOptions } from './source.ts';
import { functionsOfTraces, isTrace } from './traces.ts';

const MODULE = /\.[cm]?[jt]s$/;
/** Files that hold a row a line, or a table of rows. */
const ROWS = /\.(jsonl|ndjson|parquet)(\.gz)?$|\.gz$/;
const DATA = /\.(jsonl|ndjson|parquet|json)(\.gz)?$/;
/** Mark of a server of the Model Context Protocol, before its command or address. */
const MCP = /^mcp:\s*/;
/** Names that a folder's file of functions may have. */
const FUNCTION_FILES = ['functions.json', 'tools.json'];
const EXAMPLE_FILE = 'examples.jsonl';
/** Names that a message lists. */
const MOST_NAMES = 100;

const withoutExamples = (read: ReadFunctions): FromSource => ({ ...read, examples: [] });

/** Servers of a configuration as Claude Desktop, VS Code and others have it. */
function serversOf(value: PyValue): readonly Server[] {
  const table = isDict(value) ? (value.get('mcpServers') ?? value.get('servers')) : undefined;
  if (!isDict(table)) return [];
  return [...table.values()].filter(isDict).flatMap((server): Server[] => {
    const [command, url, args, env] = ['command', 'url', 'args', 'env'].map((key) => server.get(key));
    if (typeof url === 'string') return [{ url, headers: textsOf(server.get('headers')) }];
    if (typeof command !== 'string') return [];
    return [{ command, args: isList(args) ? args.map(pyStr) : [], env: textsOf(env) }];
  });
}

const textsOf = (value: PyValue | undefined): Record<string, string> =>
  Object.fromEntries(isDict(value) ? [...value].map(([key, text]) => [key, pyStr(text)]) : []);

/** Tools of several servers as one list. */
async function toolsOfServers(servers: readonly Server[], options: SourceOptions): Promise<PyValue> {
  const lists: PyValue[] = [];
  for (const server of servers) {
    const answer = await toolsOfServer(server, options);
    const tools = isDict(answer) ? answer.get('tools') : answer;
    lists.push(...(isList(tools) ? tools : []));
  }
  return lists;
}

/** Functions of a document, whatever it turns out to be. */
async function ofDocument(value: PyValue, path: string, options: SourceOptions): Promise<FromSource> {
  const servers = serversOf(value);
  if (servers.length > 0)
    return withoutExamples(functionsOfJson(await toolsOfServers(servers, options), path));
  if (path !== STANDARD && isTrace(value)) return functionsOfTraces([path], path);
  return withoutExamples(functionsOfDocument(value, inputName(path)));
}

/** Functions of a folder: its file of functions, or the traces in it and below. */
async function ofFolder(folder: string, options: SourceOptions): Promise<FromSource> {
  const own = FUNCTION_FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (own !== undefined) {
    const read = await ofSource(own, options);
    const file = join(folder, EXAMPLE_FILE);
    if (!existsSync(file)) return read;
    const { examples, faults, notes } = readExampleFile(file, read.functions);
    throwFaults('EXAMPLES', file, faults);
    return { ...read, examples, notes: [...read.notes, ...notes] };
  }
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => DATA.test(name) && !basename(name).startsWith('.') && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .toSorted();
  if (files.length > 0) return functionsOfTraces(files, folder);
  throw new UserError(
    'TOOLS',
    `${folder} has neither ${FUNCTION_FILES.join(' nor ')}, nor traces (.jsonl or .json); name the file of functions itself.`,
  );
}

/** Tells whether a word is a command that this machine has. */
function isCommand(word: string): boolean {
  const places = /[/\\]/.test(word)
    ? [word]
    : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, word));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return statSync(place).isFile();
    } catch {
      return false;
    }
  });
}

async function ofServer(line: string, options: SourceOptions): Promise<FromSource> {
  const [command, ...args] = wordsOf(line);
  if (command === undefined)
    throw new UserError('TOOLS', 'Behind mcp: stands a command or an address; add it.');
  const server = isAddress(line) ? { url: line } : { command, args };
  return withoutExamples(functionsOfJson(await toolsOfServer(server, options), line));
}

/** The functions whose names are wanted, with what was told of them; throws a UserError for a name that is none. */
function only(read: FromSource, names: readonly string[] | undefined, source: string): FromSource {
  if (names === undefined) return read;
  const known = read.functions.map(({ name }) => name);
  const missing = names.filter((name) => !known.includes(name));
  const [first] = missing;
  if (first !== undefined) {
    const why = suggestion(first, known.slice(0, MOST_NAMES), 'there are');
    throw new UserError('TOOLS', `There is no function ${missing.join(', ')}${why}`);
  }
  const functions = read.functions.filter(({ name }) => names.includes(name));
  const onAll = new Set(notesOnAll(read.functions, source).map(({ text }) => text));
  const isKept = ({ where, text }: Note): boolean =>
    names.some((name) => where.startsWith(`${name}.`) || (where === name && !onAll.has(text))) ||
    (where === source && !onAll.has(text));
  return {
    functions,
    notes: [...notesOnAll(functions, source), ...read.notes.filter(isKept)],
    examples: read.examples.filter(({ calls }) => calls.every(({ name }) => names.includes(name))),
  };
}

async function ofSource(source: string, options: SourceOptions): Promise<FromSource> {
  if (MCP.test(source)) return ofServer(source.replace(MCP, ''), options);
  if (isAddress(source)) return withoutExamples(await functionsOfAddress(source, options));
  if (source === STANDARD)
    return ofDocument(parseDocument(readText(source), 'standard input'), source, options);
  if (!existsSync(source)) {
    const [first = '', ...rest] = wordsOf(source);
    if (rest.length > 0 && isCommand(first)) return ofServer(source, options);
    throw new UserError(
      'TOOLS',
      `There is no ${source}; give a file, a folder, an address, or "mcp:" and the command of an MCP server.`,
    );
  }
  if (statSync(source).isDirectory()) return ofFolder(source, options);
  if (MODULE.test(source)) return withoutExamples(functionsOfJson(await toolsOfModule(source), source));
  if (ROWS.test(source)) return functionsOfTraces([source], source);
  return ofDocument(parseDocument(readText(source), source), source, options);
}

/**
 * Reads functions of any source: a file of tools (OpenAI's, Anthropic's, MCP's and other forms), a module of JavaScript or
 * TypeScript with schemas of zod and others, an OpenAPI document or its address, an MCP server by `mcp:` with its command or
 * address, or a file or folder of traces, which gives examples as well. Throws one UserError with all that is wrong.
 */
export async function readFunctions(source: string, options: SourceOptions = {}): Promise<FromSource> {
  return only(await ofSource(source, options), options.only, source);
}
