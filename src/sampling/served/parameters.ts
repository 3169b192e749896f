/**
 * Parameters that a server does not take: the request is sent again under the name that it takes, or without. What was
 * learned of an address is kept for the run.
 */
import type { Told } from './faults.ts';

/** Parameters that a request can do without, and what newer servers call them. */
export type Adjustable = ReadonlyMap<string, string | undefined>;

/** Parameters that chats and completions of OpenAI's kind can do without. */
export const CHAT_PARAMETERS: Adjustable = new Map([
  ['max_tokens', 'max_completion_tokens'],
  ...'temperature top_p seed n stop logprobs top_logprobs chat_template_kwargs'
    .split(' ')
    .map((name) => [name, undefined] as const),
]);

/** That the parameter itself is not taken, or not with this value. */
const NOT_TAKEN =
  /unsupported|not (?:be )?(?:supported|allowed|permitted|available|recognized|accepted)|n[o']t support|unrecogni[sz]ed|unknown|unexpected|extra (?:inputs|fields)|extra_forbidden|cannot find|cannot both|only one|use only|deprecated|only the default|must be (?:1|one|at most 1)\b|instead|is fixed|removed/i;
/** That its value is too large for this prompt or model, which another name does not change. */
const TOO_LARGE = /too (?:large|long|big|many)|maximum context|context (?:length|window)|at most \d{2,}/i;
/** Words of servers for a number of samples that is too large for them, with and without naming n. */
const FEWER_SAMPLES =
  /\bn (?:must|>|is|should|=)|['"`]n['"`].{0,20}(?:must|between|at most|exceed|maximum|less)|only one (?:completion )?choice|number of (?:choices|completions)|multiple (?:choices|completions)/i;

function refusedIn({ said, param }: Told, names: readonly string[]): string | undefined {
  if (names.includes('n') && FEWER_SAMPLES.test(said)) return 'n';
  if (TOO_LARGE.test(said) || !NOT_TAKEN.test(said)) return undefined;
  if (param !== undefined && names.includes(param)) return param;
  // Of two that exclude each other, the one that is mostly off.
  if (/cannot both|only one|use only/i.test(said) && /\btop_p\b/.test(said) && names.includes('top_p'))
    return 'top_p';
  const places = names.map((name) => {
    // Names that are words, too, are looked for in quotes.
    const pattern =
      name.length > 4
        ? new RegExp(`(?<![\\w-])${name}(?![\\w-])`)
        : new RegExp(`['"\`.]${name}['"\`:]|(?:supplied|parameter|argument|field)s?:? ${name}\\b`, 'i');
    return { name, at: said.search(pattern) };
  });
  return places.filter(({ at }) => at >= 0).toSorted((a, b) => a.at - b.at)[0]?.name;
}

export class Parameters {
  readonly #adjustable: Adjustable;
  /** The name to send instead of a parameter's own; undefined leaves it out. */
  readonly #learned = new Map<string, string | undefined>();

  constructor(adjustable: Adjustable) {
    this.#adjustable = adjustable;
  }

  adjusted(body: object): object {
    if (this.#learned.size === 0) return body;
    const entries = Object.entries(body).flatMap(([key, value]: [string, unknown]) => {
      const name = this.#learned.has(key) ? this.#learned.get(key) : key;
      return name === undefined ? [] : [[name, value]];
    });
    return Object.fromEntries(entries) as object;
  }

  /**
   * Learns from an error that came of `sent`. Returns whether to send again, and what the user should know, which is
   * nothing where the same was learned while the request was under way.
   */
  learn(told: Told, sent: object): { readonly news: string | undefined } | undefined {
    const own = new Map([...this.#adjustable.keys()].map((key) => [this.#learned.get(key) ?? key, key]));
    // A request that was under way before the last lesson still has the older names.
    const names = [...new Set([...own.keys(), ...this.#adjustable.keys()])];
    const refused = refusedIn(
      told,
      names.filter((name) => name in sent),
    );
    if (refused === undefined) return undefined;
    const key = own.get(refused) ?? refused;
    if (this.#learned.has(key) && (this.#learned.get(key) ?? '') !== refused) return { news: undefined };
    const [, named = key] = /\buse ['"`]?(\w+)['"`]? instead/i.exec(told.said) ?? [];
    const other = named !== key && named.includes('_') ? named : this.#adjustable.get(key);
    const instead = refused === key ? other : undefined;
    this.#learned.set(key, instead);
    const how = instead === undefined ? `asked without it` : `asked with ${instead}`;
    return { news: `does not take ${refused} (${told.said}); it is ${how} from here on` };
  }
}
