/**
 * An environment at work in this thread: in the process one that is trusted, in a worker's thread any other. A function
 * that waits for ever is given up on; one that computes for ever cannot be stopped here: that is what the worker is for.
 */
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import { argumentCheck } from './arguments.ts';
import {
  DEFAULT_LIMITS,
  type Environment,
  type EnvironmentHost,
  type Limits,
  type Problem,
  type ToolResult,
} from './environment.ts';
import { errorResult, thrownResult, timeOut, valueResult } from './result.ts';

const jsonObject = z.record(z.string(), z.json());
const callSchema = z.object({ name: z.string().min(1), arguments: jsonObject });
const problemSchema = z.object({
  id: z.string().min(1),
  category: z.string().min(1).default('all'),
  question: z.string().min(1),
  answer: z.string().min(1),
  setting: jsonObject.default({}),
  solution: z.array(z.object({ thought: z.string(), calls: z.array(callSchema).min(1) })).exactOptional(),
});
export const problemsSchema: z.ZodType<readonly Problem[]> = z.array(problemSchema);
/** Tools as prompts have them, without what runs them. */
const toolSchema = z.object({ name: z.string().min(1), description: z.string(), parameters: jsonObject });
const functionSchema = z.custom<unknown>((value) => typeof value === 'function');
export const describedSchema = z.object({
  name: z.string().min(1),
  description: z.string().default(''),
  tools: z.array(toolSchema).min(1),
});
const environmentSchema = describedSchema.extend({
  tools: z.array(toolSchema.extend({ run: functionSchema })).min(1),
  problems: functionSchema,
});

function fault(where: string, error: z.ZodError): UserError {
  const [issue] = error.issues;
  const place = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.join('.');
  return new UserError(
    'ENVIRONMENT',
    `${where}: ${place} is missing or wrong (${issue?.message ?? 'not an object'}); correct the module.`,
  );
}

/** Checks that a module's default export is an environment; throws a UserError. */
export function asEnvironment(value: unknown, where: string): Environment {
  const parsed = environmentSchema.safeParse(value);
  if (!parsed.success) throw fault(`The default export of ${where} is no environment`, parsed.error);
  const names = parsed.data.tools.map(({ name }) => name);
  if (new Set(names).size < names.length)
    throw new UserError('ENVIRONMENT', `${where} has two tools of one name; rename one of them.`);
  return value as Environment;
}

function within(work: Promise<ToolResult>, name: string, seconds: number): Promise<ToolResult> {
  if (seconds === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ToolResult>((resolve) => {
    timer = setTimeout(() => resolve(timeOut(name, seconds)), 1000 * seconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Puts an environment to work in this thread; throws a UserError for tools whose schema cannot be read. */
export function hostInProcess(environment: Environment, limits: Limits = DEFAULT_LIMITS): EnvironmentHost {
  const functions = new Map(
    environment.tools.map((tool) => [tool.name, { tool, check: argumentCheck(tool) }]),
  );
  /** Makes a call; whatever goes wrong is a result. */
  const call = async (name: string, given: JsonObject, state: unknown): Promise<ToolResult> => {
    const known = functions.get(name);
    if (known === undefined)
      return errorResult(`there is no function ${name}; there are ${[...functions.keys()].join(', ')}`);
    try {
      const wrong = known.check(given);
      if (wrong !== undefined) return errorResult(wrong);
      return valueResult(await known.tool.run(given, state), limits.result_limit);
    } catch (thrown) {
      return thrownResult(thrown);
    }
  };
  return {
    name: environment.name,
    description: environment.description ?? '',
    tools: environment.tools.map(({ name, description, parameters }) => ({ name, description, parameters })),
    async problems(request) {
      const where = `A ${request.split} problem of the environment ${environment.name} is wrong`;
      const parsed = problemsSchema.safeParse(environment.problems(request));
      if (!parsed.success) throw fault(where, parsed.error);
      const problems = parsed.data.slice(0, request.count);
      if (new Set(problems.map(({ id }) => id)).size < problems.length)
        throw new UserError('ENVIRONMENT', `${where}: two have one id; give each its own.`);
      return problems;
    },
    open(setting) {
      // Begun with the first call, so that a start that fails is a result too.
      let state: { readonly value: unknown } | undefined;
      return {
        async call(name, given) {
          try {
            state ??= { value: environment.start?.(setting) };
          } catch (thrown) {
            return thrownResult(thrown);
          }
          return within(call(name, given, state.value), name, limits.time_limit);
        },
        close() {
          state = undefined;
        },
      };
    },
    [Symbol.dispose]: () => undefined,
  };
}
