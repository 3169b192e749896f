/** An environment's functions and states in this thread: what the process does with a trusted one, and a worker with the others. */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Tool } from '../chat/messages.ts';
import type { JsonObject } from '../json/value.ts';
import { type ArgumentCheck, argumentCheck } from './arguments.ts';
import type { Environment, EnvironmentTool, Problem, ProblemRequest, ToolResult } from './environment.ts';
import { errorResult, thrownResult, valueResult } from './result.ts';

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
const toolSchema = z.object({
  name: z.string().min(1),
  description: z.string(),
  parameters: jsonObject,
  run: z.custom<unknown>((value) => typeof value === 'function'),
});
const environmentSchema = z.object({
  name: z.string().min(1),
  description: z.string().default(''),
  tools: z.array(toolSchema).min(1),
  problems: z.custom<unknown>((value) => typeof value === 'function'),
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

interface Function {
  readonly tool: EnvironmentTool<unknown>;
  readonly check: ArgumentCheck;
}

export class LocalEnvironment {
  readonly environment: Environment;
  readonly #functions: ReadonlyMap<string, Function>;
  readonly #resultChars: number;

  /** Throws a UserError for tools whose schema cannot be read. */
  constructor(environment: Environment, resultChars: number) {
    this.environment = environment;
    this.#resultChars = resultChars;
    this.#functions = new Map(
      environment.tools.map((tool) => [tool.name, { tool, check: argumentCheck(tool) }]),
    );
  }

  /** The tools as a prompt has them, without what runs them. */
  get tools(): Tool[] {
    return this.environment.tools.map(({ name, description, parameters }) => ({
      name,
      description,
      parameters,
    }));
  }

  /** Problems, checked; throws a UserError when one is not whole or two have one id. */
  problems(request: ProblemRequest): readonly Problem[] {
    const where = `A ${request.split} problem of the environment ${this.environment.name} is wrong`;
    const parsed = problemsSchema.safeParse(this.environment.problems(request));
    if (!parsed.success) throw fault(where, parsed.error);
    const problems = parsed.data.slice(0, request.count);
    if (new Set(problems.map(({ id }) => id)).size < problems.length)
      throw new UserError('ENVIRONMENT', `${where}: two have one id; give each its own.`);
    return problems;
  }

  /** The state of a new conversation. */
  start(setting: JsonObject): unknown {
    return this.environment.start?.(setting);
  }

  /** Makes a call; whatever goes wrong is a result. */
  async call(name: string, given: JsonObject, state: unknown): Promise<ToolResult> {
    const known = this.#functions.get(name);
    if (known === undefined)
      return errorResult(`there is no function ${name}; there are ${[...this.#functions.keys()].join(', ')}`);
    try {
      const wrong = known.check(given);
      if (wrong !== undefined) return errorResult(wrong);
      return valueResult(await known.tool.run(given, state), this.#resultChars);
    } catch (thrown) {
      return thrownResult(thrown);
    }
  }
}
