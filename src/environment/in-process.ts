/**
 * A trusted environment, in this process. A function that waits for ever is given up on; one that computes for ever
 * cannot be stopped here: that is what the worker is for.
 */
import type { Environment, EnvironmentHost, Limits, ToolResult } from './environment.ts';
import { DEFAULT_LIMITS } from './environment.ts';
import { LocalEnvironment } from './local.ts';
import { errorResult, thrownResult } from './result.ts';

/** The text of a call that took too long. */
export function timeOut(name: string, timeMs: number): ToolResult {
  return errorResult(`${name} took longer than ${timeMs / 1000} s and was stopped`);
}

function within(work: Promise<ToolResult>, name: string, timeMs: number): Promise<ToolResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ToolResult>((resolve) => {
    timer = setTimeout(() => resolve(timeOut(name, timeMs)), timeMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Puts a trusted environment to work. */
export function hostInProcess(environment: Environment, limits: Limits = DEFAULT_LIMITS): EnvironmentHost {
  const local = new LocalEnvironment(environment, limits.resultChars);
  return {
    name: environment.name,
    description: environment.description,
    tools: local.tools,
    problems: async (request) => local.problems(request),
    open(setting) {
      // Begun with the first call, so that a start that fails is a result too.
      let state: { readonly value: unknown } | undefined;
      return {
        async call(name, given) {
          try {
            state ??= { value: local.start(setting) };
          } catch (thrown) {
            return thrownResult(thrown);
          }
          return within(local.call(name, given, state.value), name, limits.timeMs);
        },
        close() {
          state = undefined;
        },
      };
    },
    [Symbol.dispose]: () => undefined,
  };
}
