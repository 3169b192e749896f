/** Flags that several commands share. */
import { UserError } from '../base/errors.ts';

/** As THINKING of chat/template.ts, which is not loaded for help alone. */
export const thinkingFlag = {
  kind: 'enum',
  values: ['on', 'off'],
  brief: "Thoughts on or off in all prompts; without it, the chat template's default",
  optional: true,
} as const;

/** As ENGINES of sampling/gguf.ts, which is not loaded for help alone. */
export const engineFlag = {
  kind: 'enum',
  values: ['tinystar', 'llama.cpp'],
  brief: 'Engine that runs a GGUF file; without it, tinystar',
  optional: true,
} as const;

/** Declared so that help shows it; `main.ts` looks for it itself, as it must know before anything is parsed. */
export const debugFlag = {
  kind: 'boolean',
  brief: 'Print a stack trace when something goes wrong',
  default: false,
  withNegated: false,
} as const;

export const runsFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Folder that run folders are made in',
  default: 'runs',
  placeholder: 'DIR',
} as const;

export const setFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Override a value of the recipe; may be repeated',
  optional: true,
  variadic: true,
  placeholder: 'path=value',
} as const;

export const deviceFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Compute on cpu, gpu or a device that tinystar doctor names',
  optional: true,
  placeholder: 'NAME',
} as const;

/** What `--device` overrides in a recipe. */
export const deviceSetting = (device: string | undefined): string[] =>
  device === undefined ? [] : [`device=${JSON.stringify(device)}`];

/** A parser of whole numbers of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value)) {
      throw new UserError('FLAG', `must be a whole number of at least ${least}`);
    }
    return value;
  };
}

/** A parser of numbers of at least `least`. */
export function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value < least)
      throw new UserError('FLAG', `must be a number of at least ${least}`);
    return value;
  };
}

/** Examples at the end of a command's `--help`. */
export function examples(text: string, ...lines: readonly string[]): string {
  return `${text}\n\nEXAMPLE${lines.length > 1 ? 'S' : ''}\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
