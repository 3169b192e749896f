/**
 * Clients that need Node.js 22 or are not installed with tinystar, at a running server: LangChain, AI SDK 7, OpenAI's newest.
 * In a folder of its own:
 *
 *   npm install @langchain/openai @langchain/core ai @ai-sdk/openai-compatible openai zod
 *   node serve-clients.mjs http://127.0.0.1:8321/v1
 *
 * Prints what each did, and exits with 1 where one did not come to the same call as the others.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, streamText, tool as aiTool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';

const baseURL = process.argv[2] ?? 'http://127.0.0.1:8321/v1';
const model = 'student';
const request = 'turn off the light in the hall';
const description = 'Turn a lamp on or off';
const schema = z.object({ place: z.enum(['kitchen', 'lounge', 'hall']), on: z.boolean() });
const parameters = z.toJSONSchema(schema);

const configuration = { baseURL };
const named = { name: 'switch_lamp', description, schema };
const lamp = tool(({ place }) => place, named);
const chain = new ChatOpenAI({ model, apiKey: 'none', configuration });
const responses = new ChatOpenAI({ model, apiKey: 'none', configuration, useResponsesApi: true });
const provider = createOpenAICompatible({ name: 'tinystar', baseURL, includeUsage: true });
const tools = { switch_lamp: aiTool({ description, inputSchema: schema, execute: ({ place }) => place }) };
const client = new OpenAI({ baseURL, apiKey: 'none' });

async function streamed() {
  let whole;
  for await (const chunk of await chain.bindTools([lamp]).stream(request))
    whole = whole === undefined ? chunk : whole.concat(chunk);
  return whole.tool_calls[0].args;
}

const ways = {
  'LangChain, invoke': async () => (await chain.bindTools([lamp]).invoke(request)).tool_calls[0].args,
  'LangChain, stream': streamed,
  'LangChain, responses': async () => (await responses.bindTools([lamp]).invoke(request)).tool_calls[0].args,
  'LangChain, structured output': () => chain.withStructuredOutput(schema).invoke(request),
  'AI SDK, generateText': async () =>
    (await generateText({ model: provider(model), tools, prompt: request })).toolCalls[0].input,
  'AI SDK, streamText': async () =>
    (await streamText({ model: provider(model), tools, prompt: request }).toolCalls)[0].input,
  'OpenAI, chat completions': async () => {
    const { choices } = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: request }],
      tools: [{ type: 'function', function: { name: 'switch_lamp', description, parameters } }],
    });
    return JSON.parse(choices[0].message.tool_calls[0].function.arguments);
  },
  'OpenAI, responses': async () => {
    const { output } = await client.responses.create({
      model,
      input: request,
      tools: [{ type: 'function', name: 'switch_lamp', description, parameters, strict: false }],
    });
    return JSON.parse(output.find(({ type }) => type === 'function_call').arguments);
  },
};

const seen = new Set();
for (const [name, ask] of Object.entries(ways)) {
  const { place, on } = await ask();
  const call = JSON.stringify({ place, on });
  seen.add(call);
  process.stdout.write(`${name.padEnd(30)} ${call}\n`);
}
process.exitCode = seen.size === 1 ? 0 : 1;
