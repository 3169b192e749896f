/**
 * A training record as a person sees it: the prompt dimmed, each counted target token in a colour of its own and
 * underlined, line breaks visible. Without colours, counted tokens stand in [brackets].
 */
import type { Tokenizer } from '../chat/tokenizer.ts';
import { type MaskKind, maskOf, type TrainingRecord } from './render.ts';

export interface InspectOptions {
  /** Tokens in the loss mask; default: all of the target's. */
  readonly mask?: MaskKind;
  /** ANSI colours; default: off. */
  readonly color?: boolean;
}

const RESET = '\x1b[0m';
const DIM = '\x1b[2m';
/** Underlined cyan and underlined yellow, in turn, so that neighbouring tokens stay apart. */
const COUNTED = ['\x1b[4;36m', '\x1b[4;33m'];

/** A token's text with visible line breaks; bytes that are no text of their own as \xNN. */
function visible(id: number, tokenizer: Tokenizer): string {
  const text = tokenizer.tokenText(id);
  const known = text.includes('\uFFFD') ? hex(tokenizer.tokenBytes(id)) : text;
  return known.replace(/[^\P{Cc}\n\t]/gu, (char) => hex(Buffer.from(char))).replaceAll('\n', '↵\n');
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

// A style is closed before a line break and opened after it, so that pagers such as less show it on both lines.
function paint(text: string, style: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `${style}${line}${RESET}`))
    .join('\n');
}

/** Renders `record` as text for a terminal, with a line of counts first. */
export function inspectRecord(
  record: TrainingRecord,
  tokenizer: Tokenizer,
  options: InspectOptions = {},
): string {
  const { mask: kind = 'all', color = false } = options;
  const mask = maskOf(record, kind);
  const counted = mask.reduce((sum, one) => sum + one, 0);
  const { promptIds, targetIds, systemLength, thinkLength } = record;
  const head =
    `${record.id} (${record.category}): prompt ${promptIds.length} tokens, ${systemLength} of them system; ` +
    `target ${targetIds.length} tokens, ${thinkLength} of them thinking; mask "${kind}" counts ${counted}`;
  const prompt = Array.from(promptIds, (id) => visible(id, tokenizer)).join('');
  const target = Array.from(targetIds, (id, index) => {
    const text = visible(id, tokenizer);
    if (mask[index] === 0) return color ? paint(text, DIM) : text;
    return color ? paint(text, COUNTED[index % 2] ?? '') : `[${text}]`;
  });
  return `${head}\n${color ? paint(prompt, DIM) : prompt}${target.join('')}\n`;
}
