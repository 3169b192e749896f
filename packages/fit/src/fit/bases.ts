/** Checkpoints that a fit begins with, and room in them for a project's functions. */
import { join, resolve } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { PACKAGE_ROOT } from '../../../../src/base/package-root.ts';
import { mean } from '../../../report/src/numbers.ts';
import type { ModelConfig } from '../../../../src/model/arch/config.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import { answerText, ChatTemplate, type PromptTools, targetAfter } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { small } from '../../../../src/model/generate/worker-pool.ts';
import { loadConfig } from '../../../../src/model/checkpoint/checkpoint.ts';
import { checkpointAt, requireCheckpoint } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import type { Case, Project } from '../types.ts';
import { answerOf } from './dialogues.ts';

/** Names of the models that a recipe begins with. */
export const [STUDENT_BASE, TEACHER_BASE] = ['student-base', 'teacher-base'] as const;

export interface Bases {
  /** Models of a recipe, by the names that its stages use. */
  readonly models: Readonly<Record<string, string | { readonly from: string; readonly layers?: number }>>;
  /** Path whose tokenizer and chat template all of them share, but for what the student's prompts show of the functions. */
  readonly spoken: string;
  readonly shown?: PromptTools | undefined;
  /** Path of the checkpoint that the student is made of. */
  readonly untuned: string;
  /** Tells whether there is a teacher; else the student learns from the cases alone. */
  readonly distils: boolean;
  /** Words for people. */
  readonly about: string;
  /** Tells whether the student is so small that its batches are computed side by side; larger steps suit it, too. */
  readonly isSmall: boolean;
  readonly shapes: Readonly<Record<'student' | 'teacher', Shape>>;
}

/** Part of a model's shape that says what attention to a prompt takes. */
export type Shape = Pick<ModelConfig, 'heads' | 'layers'>;

/** Folders of the bases that come along, by the names that settings have for them. */
const SHIPPED: Readonly<Record<string, string>> = { student: 'fit-student', teacher: 'fit-teacher' };

function shippedPath(name: string): string | undefined {
  const folder = Object.hasOwn(SHIPPED, name) ? SHIPPED[name] : undefined;
  return folder === undefined ? undefined : join(PACKAGE_ROOT, 'bases', folder);
}

/** Prompts of a student in words, behind what it is made of. */
const READS: Readonly<Record<PromptTools, string>> = {
  all: '',
  names: ', with the names of the functions alone in its prompts',
  none: ', with the functions left out of its prompts',
};

/** The checkpoint that a setting means: one that comes along, or a path from the project's folder on. */
function checkpointOf(name: string, folder: string): string {
  const shipped = shippedPath(name);
  if (shipped !== undefined) return shipped;
  const path = resolve(folder, name);
  requireCheckpoint(path);
  return checkpointAt(path);
}

/** The bases that a project's settings name. Throws a UserError. */
export function basesOf({ folder, settings }: Pick<Project, 'folder' | 'settings'>): Bases {
  const { base, teacher_base, layers, prompt_tools: shown } = settings;
  const student = checkpointOf(base, folder);
  const config = loadConfig(student);
  const all = config.layers;
  if (layers !== undefined && layers >= all)
    throw new UserError(
      'SETTINGS',
      `layers is ${layers}, and ${base} has ${all}; take fewer, or leave layers out.`,
    );
  const usual = base === 'student' ? 'teacher' : layers === undefined ? 'none' : base;
  const teacher = teacher_base ?? usual;
  const part = layers === undefined ? '' : `${layers} of the ${all} layers of `;
  const about = `${part}${nameOf(base)}${shown === undefined ? '' : READS[shown]}`;
  const isSmall = small(config);
  const changes = {
    ...(layers === undefined ? {} : { layers }),
    ...(shown === undefined ? {} : { prompt_tools: shown }),
  };
  const models =
    Object.keys(changes).length === 0
      ? { [STUDENT_BASE]: student }
      : { whole: student, [STUDENT_BASE]: { from: 'whole', ...changes } };
  const shape = { heads: config.heads, layers: layers ?? all };
  const shapes = { student: shape, teacher: shape };
  if (teacher === 'none')
    return { models, spoken: student, shown, untuned: student, distils: false, about, isSmall, shapes };
  const teacherPath = checkpointOf(teacher, folder);
  return {
    models: { ...models, [TEACHER_BASE]: teacherPath },
    spoken: student,
    shown,
    untuned: student,
    distils: true,
    about: `${about}, with ${nameOf(teacher)} as its teacher`,
    isSmall,
    shapes: { ...shapes, teacher: loadConfig(teacherPath) },
  };
}

const nameOf = (name: string): string =>
  shippedPath(name) === undefined ? name : `the ${name} base that comes along`;

/** Tokens that prompts and answers need at most. */
export interface Lengths {
  readonly prompt: number;
  readonly answer: number;
  /** Of what all prompts begin with alike, the student's and those that show all of the functions. */
  readonly shared: number;
  readonly whole: number;
  /** Of a right answer, and of a request with it, in the mean. */
  readonly meanAnswer: number;
  readonly meanOwn: number;
}

/** Tokens by which an answer may be longer than the longest right one. */
const SPARE = 16;

/** Measures prompts and answers. */
export function lengthsOf(
  { spoken, shown, distils }: Pick<Bases, 'spoken' | 'shown' | 'distils'>,
  functions: readonly Tool[],
  cases: readonly Pick<Case, 'request' | 'calls' | 'reply'>[],
): Lengths {
  const tokenizer = Tokenizer.load(spoken);
  const template = ChatTemplate.of(tokenizer).fixed('off');
  const { format } = template;
  const size = (text: string): number => tokenizer.encode(text).length;
  const asked = { messages: [{ role: 'user', content: '' }], tools: functions } as const;
  const prompt = template.prompt(asked);
  const whole = size(prompt);
  const shared = size(template.withPromptTools(shown).prompt(asked));
  const requestSizes = cases.map(({ request }) => size(request));
  const answers = cases.map((one) => {
    const answer = answerOf(one);
    return size(targetAfter(prompt, '', answerText(answer, format), format));
  });
  return {
    prompt: (distils ? whole : shared) + Math.max(0, ...requestSizes) + 4,
    answer: Math.max(1, ...answers) + SPARE,
    shared,
    whole,
    meanAnswer: mean(answers),
    meanOwn: mean(requestSizes) + mean(answers),
  };
}

/** Tells whether a base has room for prompts and answers. */
export const hasRoom = ({ spoken }: Pick<Bases, 'spoken'>, { prompt, answer }: Lengths): boolean =>
  prompt + answer <= loadConfig(spoken).contextLength;

/** Throws a UserError where the base has no room for prompts and answers. */
export function requireRoom(
  { spoken, distils }: Pick<Bases, 'spoken' | 'distils'>,
  lengths: Lengths,
  functions: number,
): void {
  if (hasRoom({ spoken }, lengths)) return;
  const { prompt, answer, whole, shared } = lengths;
  const own = distils ? whole : shared;
  throw new UserError(
    'TOO_LONG',
    `The ${functions} functions take ${own} tokens of every prompt, a request up to ${prompt - own} and an answer up to ${answer}, and the base reads ${loadConfig(spoken).contextLength}; shorten descriptions, leave functions out, have them learned by heart (--bake-tools), or name a base with more room (base in fit.yaml, or --base).`,
  );
}
