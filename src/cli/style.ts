/** Colours and weights for a terminal; nothing where the output is not one, or where NO_COLOR is set. */

/** The part of a stream that tells whether it is a terminal. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
}

export type Environment = Readonly<Partial<Record<string, string>>>;

export interface Style {
  readonly enabled: boolean;
  bold(text: string): string;
  dim(text: string): string;
  accent(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/** The style for what is written to `stream`. See https://no-color.org: any non-empty NO_COLOR switches colours off. */
export function styleFor(stream: Terminal, env: Environment): Style {
  const asked = env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '';
  const enabled = stream.isTTY === true && !asked && env['TERM'] !== 'dumb';
  const wrap = (open: number, close: number) => (text: string) =>
    enabled && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return {
    enabled,
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    accent: wrap(36, 39),
    good: wrap(32, 39),
    bad: wrap(31, 39),
  };
}

/** Characters of a bar. */
const BAR = 20;

/** A bar that is filled to `share`, 0 to 1. */
export function bar(share: number, style: Style): string {
  const filled = Math.round(Math.min(1, share) * BAR);
  return style.accent('━'.repeat(filled)) + style.dim('─'.repeat(BAR - filled));
}
