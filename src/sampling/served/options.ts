/** Options of a teacher that answers over HTTP, as recipes have them under `teacher`. */
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import type { ToolFormat } from '../../chat/formats/format.ts';
import type { ChatTemplate } from '../../chat/template.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import { headerKey } from './address.ts';

const text = z.string().min(1);
const share = z.number().min(0).max(1);

export const teacherSchema = z.strictObject({
  kind: z
    .enum(['llama.cpp', 'vllm', 'sglang', 'openai'])
    .describe('what the servers speak; openai is any compatible one, without log-probabilities'),
  endpoints: z
    .array(text)
    .min(1)
    .describe('addresses that serve the same model, such as http://localhost:8080'),
  served: text.exactOptional().describe("the model's name at the servers; else the first listed"),
  api_key_env: text.exactOptional().describe('environment variable that holds the API key'),
  concurrency: z.int().positive().default(8).describe('requests under way at each address'),
  requests_per_minute: z.number().positive().exactOptional().describe('at each address'),
  timeout: z.number().positive().max(300).default(300).describe('seconds that one answer may take'),
  retries: z
    .int()
    .min(0)
    .default(8)
    .describe('times that a request is sent again, and faults in a row after which an address is given up'),
  max_failed: share.default(0.01).describe('share of the prompts that may stay unanswered'),
});

export type TeacherOptions = z.output<typeof teacherSchema>;

/** The teacher, without what may change from day to day: where it is served and how it is asked. */
export function lastingTeacher({ kind, served }: TeacherOptions): Pick<TeacherOptions, 'kind' | 'served'> {
  return { kind, ...(served === undefined ? {} : { served }) };
}

/** The API key that a variable of the environment holds; throws a UserError where it is to hold one and does not. */
export function apiKeyOf({ api_key_env: name }: Pick<TeacherOptions, 'api_key_env'>): string | undefined {
  if (name === undefined) return undefined;
  const key = headerKey(process.env[name], name);
  if (key !== undefined) return key;
  throw new UserError(
    'API_KEY',
    `The environment variable ${name} with the teacher's API key is not set; set it and re-run the same command.`,
  );
}

export interface ServedOptions extends Omit<TeacherOptions, 'api_key_env' | 'max_failed'> {
  readonly apiKey?: string | undefined;
  /** Of the student that learns from the answers; without one they are text alone. */
  readonly tokenizer?: Tokenizer;
  /** Of that student; Hermes's without one. */
  readonly format?: ToolFormat;
  /** Chat template of the model that is served, where that is known. */
  readonly template?: ChatTemplate;
  /** Text that the server itself puts before every prompt that is text. */
  readonly begins?: string;
  /** Milliseconds of the first pause after a fault. Default: a second. */
  readonly firstPause?: number;
  /** Hears messages to the user at once, in place of `notices`. */
  readonly tell?: (text: string) => void;
  /** Options by which the user gives a key, and names a model. */
  readonly keyBy: string;
  readonly modelBy: string;
}
