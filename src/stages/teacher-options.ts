/** A teacher that answers over HTTP: the options of a rollout stage's `teacher`. */
import { z } from 'zod';
import { withoutSecrets } from '../base/secrets.ts';
import { addressFault, keyVariableFault } from '../sampling/served/address.ts';
import type { StageProblem } from './stage.ts';

const count = z.int().positive();

export const teacherSchema = z.strictObject({
  kind: z
    .enum(['llama.cpp', 'vllm', 'sglang', 'openai'])
    .describe('what the servers speak; openai is any compatible one, without log-probabilities'),
  endpoints: z
    .array(z.string().min(1))
    .min(1)
    .describe('addresses that serve the same model, such as http://localhost:8080'),
  served: z
    .string()
    .min(1)
    .exactOptional()
    .describe("the model's name at the servers; else the first listed"),
  api_key_env: z.string().min(1).exactOptional().describe('environment variable that holds the API key'),
  concurrency: count.default(8).describe('requests under way at each address'),
  requests_per_minute: z.number().positive().exactOptional().describe('at each address'),
  timeout: z.number().positive().max(300).default(300).describe('seconds that one answer may take'),
  retries: z
    .int()
    .min(0)
    .default(8)
    .describe('times that a request is sent again, and faults in a row after which an address is given up'),
  max_failed: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('share of the prompts that may stay unanswered'),
});

export type TeacherOptions = z.output<typeof teacherSchema>;

/** Who answers, without what may change from day to day: where it is served and how it is asked. */
export function lastingTeacher({ kind, served }: TeacherOptions): Pick<TeacherOptions, 'kind' | 'served'> {
  return { kind, ...(served === undefined ? {} : { served }) };
}

/** Settings of a server that is asked; no secret that stands there by mistake is shown. */
export function* teacherProblems({
  endpoints,
  api_key_env: variable,
}: TeacherOptions): Iterable<StageProblem> {
  for (const [i, endpoint] of endpoints.entries()) {
    const why = addressFault(endpoint);
    if (why !== undefined)
      yield {
        path: ['teacher', 'endpoints', i],
        text: `.teacher.endpoints.${i} is ${JSON.stringify(withoutSecrets(endpoint))} and ${why}.`,
      };
  }
  const why = variable === undefined ? undefined : keyVariableFault(variable);
  if (why !== undefined) yield { path: ['teacher', 'api_key_env'], text: `.teacher.api_key_env ${why}.` };
}
