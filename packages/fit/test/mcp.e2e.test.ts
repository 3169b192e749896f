/** Running MCP servers that a command starts, over standard input and output. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readFunctions } from '../src/tools/read.ts';

const server = fileURLToPath(new URL('fixtures/mcp-server.mjs', import.meta.url));

test('the tools of an MCP server are functions, and its process ends', async () => {
  const told: string[] = [];
  const tell = (text: string): void => void told.push(text);
  const { functions } = await readFunctions(`mcp:node "${server}"`, { tell });
  expect(functions).toEqual([
    {
      name: 'get_weather',
      description: 'Weather of a city',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string', description: 'its name' },
          days: { type: 'integer', minimum: 1, maximum: 7 },
        },
        required: ['city'],
      },
    },
    {
      name: 'ping',
      description: 'Say that it is there',
      parameters: { type: 'object', properties: {}, required: [] },
    },
  ]);
  expect(told).toEqual([`starting the MCP server node ${server}`]);
});

test('a server that does not start is told with its own words, or with the command that is missing', async () => {
  process.env['BROKEN'] = '1';
  try {
    await expect(readFunctions(`mcp:node ${server}`)).rejects.toThrow('Error: no key was given');
  } finally {
    delete process.env['BROKEN'];
  }
  await expect(readFunctions('mcp:no-such-command x')).rejects.toThrow('there is no command no-such-command');
});
