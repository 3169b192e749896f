/** A command from its parts: flags, arguments, help with examples, and the work. */
import { buildCommand, type Command } from '@stricli/core';
import type { CliContext } from './context.ts';
import { type FlagSet, type FlagsOf, toggle } from './flags.ts';

/** An argument that stands by itself. */
interface Argument {
  readonly brief: string;
  readonly placeholder: string;
}

interface CommandParts<S extends FlagSet> {
  /** One line in the list of commands. */
  readonly brief: string;
  /** Text of `--help`, and its examples. */
  readonly about: string;
  readonly examples: readonly string[];
  /** By their names, with underscores: `max_turns` is --max-turns, and `max_turns` again where it is read. */
  readonly flags: S;
  readonly args?: readonly Argument[];
  /** In place of `args`: as many as are given, and at least one. */
  readonly list?: Argument;
  readonly run: (context: CliContext, flags: FlagsOf<S>, ...args: string[]) => Promise<void>;
}

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Part of `given` whose names are in `some`. */
export const among = (given: object, some: object): object =>
  Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(some, name)));

/** Examples at the end of `--help`. */
export function examples(about: string, ...lines: readonly string[]): string {
  return `${about}\n\nEXAMPLE${lines.length > 1 ? 'S' : ''}\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** Makes a command; every one has `--debug`, which `main.ts` looks for itself, as it must know before anything is parsed. */
export function command<const S extends FlagSet>(parts: CommandParts<S>): Command<CliContext> {
  const { brief, about, flags, args = [], list, run } = parts;
  const specs = Object.entries({ ...flags, debug: toggle('Print a stack trace when something goes wrong') });
  const positional =
    list === undefined
      ? { kind: 'tuple', parameters: args.map((argument) => ({ ...argument, parse: String })) }
      : { kind: 'array', minimum: 1, parameter: { ...list, parse: String } };
  return buildCommand<Readonly<Record<string, unknown>>, string[], CliContext>({
    func(given, ...rest) {
      const named = Object.keys(flags).map((name) => [name, given[camel(name)]] as const);
      const values = Object.fromEntries(named.filter(([, value]) => value !== undefined));
      return run(this, values as FlagsOf<S>, ...rest);
    },
    parameters: {
      flags: Object.fromEntries(specs.map(([name, { spec }]) => [camel(name), spec])) as never,
      positional: positional as never,
    },
    docs: { brief, fullDescription: examples(about, ...parts.examples) },
  });
}
