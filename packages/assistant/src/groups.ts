/** Groups of requests in a file, one a line: functions, and requests for them with the answers that are due. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import type { Dialogue } from '../../../src/chat/messages.ts';
import { inOrder } from '../../../src/chat/tools.ts';
import { isFields, type JsonObject } from '../../../src/json/value.ts';

const objectSchema = z.custom<JsonObject>(isFields, 'an object');
const groupSchema = z.object({
  functions: z.array(z.object({ name: z.string(), description: z.string(), parameters: objectSchema })),
  requests: z.array(
    z.object({
      request: z.string(),
      calls: z.array(z.object({ name: z.string(), arguments: objectSchema })),
      reply: z.string(),
    }),
  ),
});

/** Lines of a file of groups, which are read one by one. Throws a UserError where there is none. */
export function readGroups(path: string): readonly string[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  if (lines[0] === '')
    throw new UserError('GROUPS', `${path} is empty; write groups of requests there first.`);
  return lines;
}

/** Group `index` of an endless sequence, in which the lines come again. Throws a ZodError where a line is none. */
export function fileGroup(lines: readonly string[], index: number): Dialogue[] {
  const { functions: tools, requests } = groupSchema.parse(JSON.parse(lines[index % lines.length] ?? ''));
  return requests.map(({ request, calls, reply }, i) => {
    const toolCalls = calls.map((call) => inOrder(call, tools));
    const answer = { role: 'assistant', content: reply } as const;
    return {
      id: `group-${index}-${i}`,
      category: 'groups',
      tools,
      messages: [
        { role: 'user', content: request },
        toolCalls.length > 0 ? { ...answer, toolCalls } : answer,
      ],
    };
  });
}
