/**
 * Tokens that end an assistant's turn. A checkpoint names them in up to five places that need not agree: a base model of
 * Qwen has <|endoftext|> as eos_token, while its template, and so what is trained on, ends turns with <|im_end|>. All of
 * them end an answer, wherever one is drawn.
 */

/** The ids under a key such as `eos_token_id`: a number, or a list of them. */
function idsUnder(value: unknown): number[] {
  const given: unknown[] = Array.isArray(value) ? value : [value];
  return given.filter((id): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0);
}

/** Keys of tokenizer_config.json whose token ends a turn, or a message of one. */
const END_KEYS = ['eos_token', 'eot_token', 'eom_token'] as const;

/** The text of a config's token entry: a string, or an object with a content. */
export function tokenEntry(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry;
  if (typeof entry !== 'object' || entry === null || !('content' in entry)) return undefined;
  return typeof entry.content === 'string' ? entry.content : undefined;
}

/** The tokens that a tokenizer_config.json names as ends. */
export function endsNamed(config: Readonly<Record<string, unknown>>): string[] {
  return END_KEYS.flatMap((key) => tokenEntry(config[key]) ?? []);
}

/** The ends that a generation_config.json or a config.json names, as ids and as texts. */
export function endsDeclared(config: Readonly<Record<string, unknown>>): (number | string)[] {
  const strings: unknown[] = Array.isArray(config['stop_strings'])
    ? config['stop_strings']
    : [config['stop_strings']];
  return [...idsUnder(config['eos_token_id']), ...strings.filter((text) => typeof text === 'string')];
}
