/** Sources of functions: each form that people have them in gives the same functions. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';
import { afterAll, expect, test } from 'vitest';
import type { Tool } from '../../../src/chat/messages.ts';
import { readFunctions } from '../src/tools/read.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-sources-'));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | object): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const PARAMETERS = {
  type: 'object',
  properties: {
    room: { type: 'string', enum: ['kitchen', 'bedroom'] },
    level: { type: 'integer', minimum: 1, maximum: 5, description: 'how bright' },
  },
  required: ['room'],
};
const LIGHT: Tool = { name: 'set_light', description: 'Switch a light', parameters: PARAMETERS };

test.each<[string, unknown]>([
  ["OpenAI's", [{ type: 'function', function: LIGHT }]],
  ["OpenAI's newer form", [{ type: 'function', ...LIGHT, strict: true }]],
  ['a flat list', [LIGHT]],
  ["Anthropic's", [{ name: LIGHT.name, description: LIGHT.description, input_schema: PARAMETERS }]],
  ["MCP's", { tools: [{ name: LIGHT.name, description: LIGHT.description, inputSchema: PARAMETERS }] }],
  [
    "an MCP server's answer",
    { jsonrpc: '2.0', id: 1, result: { tools: [{ ...LIGHT, inputSchema: PARAMETERS }] } },
  ],
  ["Gemini's", [{ functionDeclarations: [{ ...LIGHT, parametersJsonSchema: PARAMETERS }] }]],
  ['a table by name', { set_light: { description: LIGHT.description, parameters: PARAMETERS } }],
])('tools of a file are read: %s', async (_, tools) => {
  const { functions } = await readFunctions(file('tools.json', tools as object));
  expect(functions).toEqual([LIGHT]);
});

const ZOD = `
  import { z } from 'zod';
  const room = z.enum(['kitchen', 'bedroom']);
  const level = z.int().min(1).max(5).optional().describe('how bright');
`;

test.each<[string, string, string]>([
  [
    'schemas under their names, in TypeScript',
    'schemas.ts',
    `export type Room = string;\nexport { room };\nexport const set_light = z.object({ room, level }).describe('Switch a light');`,
  ],
  [
    'tools with an inputSchema, which do something',
    'tools.mjs',
    `export const set_light = { description: 'Switch a light', inputSchema: z.object({ room, level }), execute() {} };`,
  ],
  [
    'a table of shapes by default',
    'shapes.mjs',
    `export default { set_light: { description: 'Switch a light', inputSchema: { room, level } } };`,
  ],
  [
    "a list in OpenAI's form, made by the module",
    'list.mjs',
    `const parameters = z.toJSONSchema(z.object({ room, level }));
     export const tools = [{ type: 'function', function: { name: 'set_light', description: 'Switch a light', parameters } }];`,
  ],
  [
    'a module that prints, and keeps a timer',
    'busy.mjs',
    `console.log('noise'); setInterval(() => undefined, 1000);
     export const set_light = z.object({ room, level }).describe('Switch a light');`,
  ],
])('a module is read: %s', async (_, name, text) => {
  const { functions } = await readFunctions(file(name, ZOD + text));
  expect(functions).toEqual([LIGHT]);
});

test("a schema of any library that speaks Standard JSON Schema is read, and zod's dates are texts", async () => {
  const text = `
    const jsonSchema = { input: () => (${JSON.stringify(PARAMETERS)}) };
    export const set_light = { '~standard': { version: 1, vendor: 'own', validate: () => ({}), jsonSchema } };
  `;
  const { functions } = await readFunctions(file('standard.mjs', text));
  expect(functions).toEqual([{ ...LIGHT, description: '' }]);
  const dated = `${ZOD} export const f = z.object({ at: z.date(), big: z.bigint() }).describe('d');`;
  const [read] = (await readFunctions(file('dates.mjs', dated))).functions;
  expect(read?.parameters['properties']).toEqual({
    at: { type: 'string', format: 'date-time' },
    big: { type: 'integer' },
  });
});

test.each([
  ['broken.mjs', 'export const a = ;', 'cannot be loaded (Unexpected token'],
  ['empty.mjs', 'export const a = 5;', 'exports no function (a)'],
  ['exits.mjs', 'process.exit(3);', 'ended the process while it was loaded'],
  [
    'mute.mjs',
    "export const f = { '~standard': { version: 1, vendor: 'own', validate() {} } };",
    'is of own, which does not say its JSON Schema',
  ],
])('a module without functions is told as one: %s', async (name, text, message) => {
  await expect(readFunctions(file(name, text))).rejects.toThrow(message);
});

const PETS = `
openapi: 3.0.3
info: { title: Pets, version: 1.0.0 }
paths:
  /pets/{id}:
    parameters:
      - { $ref: '#/components/parameters/Id' }
    get:
      operationId: getPet
      summary: Find a pet
      parameters: [{ name: X-Key, in: header, required: true, schema: { type: string } }]
    put:
      summary: Change a pet
      requestBody:
        content:
          application/json: { schema: { $ref: '#/components/schemas/Pet' } }
    delete: { operationId: removePet, deprecated: true }
components:
  parameters:
    Id: { name: id, in: path, required: true, example: 7, schema: { type: integer, format: int64 } }
  schemas:
    Base: { type: object, properties: { serial: { type: string, readOnly: true }, name: { type: string } }, required: [name] }
    Pet:
      allOf:
        - $ref: '#/components/schemas/Base'
        - { type: object, properties: { born: { type: string, format: date, nullable: true } } }
`;

const PET_FUNCTIONS = [
  {
    name: 'getPet',
    description: 'Find a pet',
    parameters: { type: 'object', properties: { id: { type: 'integer', examples: [7] } }, required: ['id'] },
  },
  {
    name: 'put_pets_by_id',
    description: 'Change a pet',
    parameters: {
      type: 'object',
      properties: {
        id: { type: 'integer', examples: [7] },
        name: { type: 'string' },
        born: { type: 'string', format: 'date' },
      },
      required: ['id', 'name'],
    },
  },
];

/** The address of a server that answers with these. */
async function serve(
  answer: (path: string) => { status?: number; type: string; text: string },
): Promise<string> {
  const server = createServer((request, response) => {
    const { status = 200, type, text } = answer(request.url ?? '');
    response.writeHead(status, { 'content-type': type }).end(text);
  });
  servers.push(server);
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the operations of an OpenAPI document are functions: path, query and body in one table', async () => {
  const { functions, notes } = await readFunctions(file('pets.yaml', PETS));
  expect(functions).toEqual(PET_FUNCTIONS);
  expect(notes.map(({ where, text }) => `${where} ${text}`)).toEqual([
    'getPet needs the header X-Key, which your program must add',
    'removePet is deprecated and left out',
  ]);
});

test('so are those of its address; a page, a missing one and a locked one are told as such', async () => {
  const url = await serve((path) => {
    if (path === '/page') return { type: 'text/html', text: '<html>' };
    if (path === '/locked') return { status: 401, type: 'text/plain', text: '' };
    if (path === '/gone.json') return { status: 404, type: 'text/plain', text: '' };
    return { type: 'application/yaml', text: PETS };
  });
  expect((await readFunctions(`${url}/openapi`)).functions).toEqual(PET_FUNCTIONS);
  await expect(readFunctions(`${url}/page`)).rejects.toThrow(
    `is a web page; give the address of the document`,
  );
  await expect(readFunctions(`${url}/locked`)).rejects.toThrow('lets nobody in without a key (401)');
  await expect(readFunctions(`${url}/gone.json`)).rejects.toThrow('is not there (404)');
});

test("Swagger 2.0's bodies are arguments, too", async () => {
  const document = {
    swagger: '2.0',
    paths: {
      '/pets': {
        post: {
          operationId: 'add',
          summary: 'Add',
          parameters: [
            { in: 'body', name: 'pet', schema: { $ref: '#/definitions/Pet' } },
            { in: 'query', name: 'tag', type: 'array', items: { type: 'string' }, required: true },
          ],
        },
      },
    },
    definitions: { Pet: { properties: { name: { type: 'string' } }, required: ['name'] } },
  };
  const { functions } = await readFunctions(file('swagger.json', document));
  expect(functions[0]?.parameters).toEqual({
    type: 'object',
    properties: { tag: { type: 'array', items: { type: 'string' } }, name: { type: 'string' } },
    required: ['tag', 'name'],
  });
});

test('a running MCP server is asked at its address', async () => {
  const server = createServer((request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const mcp = new McpServer({ name: 'home', version: '1.0.0' });
    const inputSchema = {
      room: z.enum(['kitchen', 'bedroom']),
      level: z.int().min(1).max(5).optional().describe('how bright'),
    };
    mcp.registerTool('set_light', { description: 'Switch a light', inputSchema }, () => ({ content: [] }));
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    void mcp
      .connect(transport as Parameters<McpServer['connect']>[0])
      .then(() => transport.handleRequest(request, response));
  });
  servers.push(server);
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  for (const source of [url, `mcp:${url}`]) expect((await readFunctions(source)).functions).toEqual([LIGHT]);
});

const TURN = (request: string, name: string, given: object): object[] => [
  { role: 'user', content: request },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c1', type: 'function', function: { name, arguments: JSON.stringify(given) } }],
  },
];

test('traces give functions and examples; later turns and broken rows are counted', async () => {
  const tools = [{ type: 'function', function: LIGHT }];
  const later = [
    { role: 'tool', tool_call_id: 'c1', content: 'ok' },
    { role: 'assistant', content: 'Done.' },
  ];
  const [question, answer] = TURN('jazz', 'play', { query: 'jazz' });
  const rows = [
    {
      messages: [
        { role: 'system', content: 'Home.' },
        ...TURN('light', 'set_light', { room: 'kitchen', level: null }),
        ...later,
      ],
      tools,
    },
    { request: { messages: [question] }, response: { choices: [{ message: answer }] } },
    { input: [{ role: 'user', content: 'hi' }], output: { role: 'assistant', content: 'Hello.' } },
    { messages: TURN('dim it', 'set_light', { level: 2 }) },
    { other: 1 },
  ];
  mkdirSync(join(folder, 'traces'));
  const path = file('traces/log.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
  const { functions, examples, notes } = await readFunctions(join(folder, 'traces'));
  expect(functions).toEqual([
    LIGHT,
    {
      name: 'play',
      description: '',
      parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
    },
  ]);
  expect(examples).toEqual([
    { request: 'light', calls: [{ name: 'set_light', arguments: { room: 'kitchen' } }], reply: '' },
    { request: 'jazz', calls: [{ name: 'play', arguments: { query: 'jazz' } }], reply: '' },
    { request: 'hi', calls: [], reply: 'Hello.' },
  ]);
  const told = notes.map(({ text }) => text).join('\n');
  expect(told).toContain('put together from 1 call:');
  expect(told).toContain(`leaves out 1 answer whose calls do not fit, such as ${path}:4: set_light needs`);
  expect(told).toContain(`leaves out 1 row that cannot be read, such as ${path}:5`);
  expect(told).toContain('leaves out 1 later turn,');
});

const USE = { type: 'tool_use', id: 'x', name: 'set_light', input: { room: 'kitchen' } };
const ITEM = { type: 'function_call', call_id: 'x', name: 'set_light', arguments: '{"room": "kitchen"}' };

test.each<[string, unknown]>([
  ['a conversation by itself', TURN('light', 'set_light', { room: 'kitchen' })],
  [
    'functions and function_call of old',
    {
      functions: [LIGHT],
      messages: [
        { role: 'user', content: 'light' },
        {
          role: 'assistant',
          content: null,
          function_call: { name: 'set_light', arguments: '{"room": "kitchen"}' },
        },
      ],
    },
  ],
  [
    "OpenAI's Responses",
    {
      request: { input: [{ role: 'user', content: 'light' }] },
      response: { output: [{ type: 'reasoning' }, ITEM] },
    },
  ],
  [
    "Anthropic's messages",
    {
      messages: [
        { role: 'user', content: 'light' },
        { role: 'assistant', content: [{ type: 'text', text: 'Yes.' }, USE] },
      ],
    },
  ],
  ['a list under a key', { data: [{ messages: TURN('light', 'set_light', { room: 'kitchen' }) }] }],
])('traces are read: %s', async (_, trace) => {
  const { examples } = await readFunctions(file('trace.json', trace as object));
  expect(examples).toEqual([
    { request: 'light', calls: [{ name: 'set_light', arguments: { room: 'kitchen' } }], reply: '' },
  ]);
});

test('only the functions that are wanted are taken, with what there is to know of them', async () => {
  const path = file('two.json', [LIGHT, { name: 'other', description: 'o', parameters: { a: {} } }]);
  expect((await readFunctions(path, { only: ['set_light'] })).functions).toEqual([LIGHT]);
  await expect(readFunctions(path, { only: ['none'] })).rejects.toThrow('There is no function none');
});

test.each([
  ['nothing there', 'no/such/file.json', 'There is no no/such/file.json; give a file, a folder'],
  ['an empty file', '', 'is empty'],
  ['text', 'hello', 'is not JSON'],
  ['YAML that is none', 'openapi: 3.0.0\n  a: [', 'is neither JSON nor YAML'],
])('what is no source is told: %s', async (name, text, message) => {
  const source = name === 'nothing there' ? text : file('source.json', text);
  await expect(readFunctions(source)).rejects.toThrow(message);
});
