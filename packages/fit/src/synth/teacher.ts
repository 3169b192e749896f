/**
 * Other wordings of cases by a teacher behind an OpenAI-compatible server. A wording is kept where the same teacher, which
 * then sees the functions and not the case, turns it back into the same calls. All that was asked lies in
 * `cases/paraphrases.jsonl`, a line a case, so that the same command goes on where it was stopped.
 */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readText } from '../../../../src/base/files.ts';
import { identityOf } from '../../../../src/base/identity.ts';
import { hermes } from '../../../../src/chat/formats/hermes.ts';
import type { Message, Tool } from '../../../../src/chat/messages.ts';
import { type Sampler, sampleAll } from '../../../../src/sampling/sampler.ts';
import { answerReader } from '../acceptance/answers.ts';
import type { Case } from '../types.ts';
import { valueText } from './lexicon.ts';
import { templateOf } from './split.ts';
import { type Cases, PARAPHRASES, requestKey } from './store.ts';

/** Limits of what a teacher may cost. Tokens are read and written ones; where a server does not count them, four characters are one. */
export interface Budget {
  readonly max_tokens: number;
  readonly max_cost: number;
  /** Price of a million tokens that are read, and that are written. */
  readonly price_in: number;
  readonly price_out: number;
}

const OUTCOMES = [
  'kept',
  'the same as another',
  'a held-out wording',
  'a value is lost',
  'called otherwise',
  'answered in words',
  'called, but nothing was due',
  'not answered',
] as const;
export type ParaphraseOutcome = (typeof OUTCOMES)[number];

const lineSchema = z.strictObject({
  /** Identity of the case and of whoever was asked. */
  of: z.string(),
  tokens_in: z.number(),
  tokens_out: z.number(),
  wordings: z.array(z.strictObject({ request: z.string(), outcome: z.enum(OUTCOMES) })),
});
type Line = z.output<typeof lineSchema>;

export interface Paraphrased {
  readonly cases: readonly Case[];
  readonly counts: Readonly<Record<ParaphraseOutcome, number>>;
  readonly tokens: number;
  readonly cost: number;
  /** Cases that nothing was asked of, as the budget was spent. */
  readonly left: number;
}

export interface ParaphraseProgress {
  readonly done: number;
  readonly total: number;
  readonly kept: number;
  readonly tokens: number;
}

const CHUNK = 16;
const REWORDINGS = 4;
const LONGEST = 240;

const REWORD = `You reword requests to a voice assistant as different people would say or type them: short, long, casual, polite, indirect, in another word order. Keep the meaning exactly. Keep every name, number, time, and quoted text as it is. Write ${REWORDINGS} rewordings, one a line, and nothing else.`;
const CALL =
  'You are an assistant that calls functions. Call what the user asks for, with nothing that was not said. Where no function does it, answer in words.';

const rewordPrompt = ({ request }: Case): Message[] => [
  { role: 'system', content: REWORD },
  { role: 'user', content: request },
];
const callPrompt = (request: string): Message[] => [
  { role: 'system', content: CALL },
  { role: 'user', content: request },
];

const estimate = (text: string): number => Math.ceil(text.length / 4);
const lengthOf = (messages: readonly Message[], tools: readonly Tool[]): number =>
  estimate(messages.map(({ content }) => content).join('')) +
  (tools.length > 0 ? estimate(JSON.stringify(tools)) : 0);

/** Rewordings of an answer, one a line, without numbers, dashes and quotation marks around them. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replace(/^(?:\d+[.)]|[-*•])\s*/, '')
        .replace(/^["'“](.*)["'”]$/, '$1')
        .trim(),
    )
    .filter((line) => line !== '' && line.length <= LONGEST && !line.endsWith(':'))
    .slice(0, REWORDINGS);
}

/** Tells whether a text still has every value that the case copies from its request. */
function keepsValues(text: string, { request, calls }: Case): boolean {
  const values: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
    else if (typeof value === 'string' && request.includes(value)) values.push(valueText(value));
  };
  for (const call of calls) visit(call.arguments);
  return values.every((value) => text.toLowerCase().includes(value.toLowerCase()));
}

/** Cases worth rewording: one of each wording, and none that is about odd spelling. */
function chosenOf(train: readonly Case[]): Case[] {
  const found = new Map<string, Case>();
  for (const one of train)
    if (one.kind !== 'missing' && one.kind !== 'hard' && !found.has(one.wording)) found.set(one.wording, one);
  return [...found.values()];
}

/** Lines of earlier runs: whole ones of the log; the last one may be half. */
function earlierLines(path: string): Line[] {
  if (!existsSync(path)) return [];
  return readText(path)
    .split('\n')
    .flatMap((line) => {
      try {
        return [lineSchema.parse(JSON.parse(line))];
      } catch {
        return [];
      }
    });
}

/** Asks a teacher for other wordings of the training cases; throws the signal's reason when it fires. */
export async function paraphrase(
  folder: string,
  tools: readonly Tool[],
  cases: Cases,
  teacher: Sampler,
  budget: Budget,
  signal: AbortSignal,
  tell: (progress: ParaphraseProgress) => void,
): Promise<Paraphrased> {
  const path = join(folder, 'cases', PARAPHRASES);
  mkdirSync(join(folder, 'cases'), { recursive: true });
  const chosen = chosenOf(cases.train);
  const idOf = ({ request, calls }: Case): string => identityOf([request, calls, teacher.name, tools]);
  const known = new Map(earlierLines(path).map((line) => [line.of, line]));
  const held = new Set(
    [...cases.dev, ...cases.test].flatMap((one) => [requestKey(one.request), templateOf(one)]),
  );
  const seen = new Set(cases.train.map(({ request }) => requestKey(request)));
  const read = answerReader(tools, hermes);
  const made: Case[] = [];
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
    ParaphraseOutcome,
    number
  >;
  let [tokensIn, tokensOut, done] = [0, 0, 0];
  const cost = (): number => (tokensIn * budget.price_in + tokensOut * budget.price_out) / 1e6;
  const take = (one: Case, { wordings, tokens_in, tokens_out }: Line): void => {
    tokensIn += tokens_in;
    tokensOut += tokens_out;
    done++;
    for (const { request, outcome } of wordings) {
      counts[outcome]++;
      if (outcome !== 'kept') continue;
      seen.add(requestKey(request));
      made.push({ ...one, id: `teacher-${made.length + 1}`, request, made: 'teacher' });
    }
  };
  /** Reason for which a wording is not worth a question; undefined where it is. */
  const refused = (
    request: string,
    one: Case,
    others: ReadonlySet<string>,
  ): ParaphraseOutcome | undefined => {
    const key = requestKey(request);
    if (seen.has(key) || others.has(key)) return 'the same as another';
    if (held.has(key) || held.has(templateOf({ request, calls: one.calls }))) return 'a held-out wording';
    return keepsValues(request, one) ? undefined : 'a value is lost';
  };
  const judged = (one: Case, request: string, output: string | undefined): ParaphraseOutcome => {
    if (output === undefined) return 'not answered';
    const { correct, calls } = read({ ...one, request }, output);
    if (one.calls.length === 0) return calls.length === 0 ? 'kept' : 'called, but nothing was due';
    if (correct) return 'kept';
    return calls.length === 0 ? 'answered in words' : 'called otherwise';
  };
  const ask = async (
    prompts: readonly Message[][],
    offered: readonly Tool[],
    temperature: number,
  ): Promise<(string | undefined)[]> => {
    // With an empty text of the prompt, calls are written out as a student writes them.
    const asked = prompts.map((messages) =>
      offered.length > 0 ? { messages, text: '', tools: offered } : { messages },
    );
    const options = {
      temperature,
      top_p: 1,
      top_k: 0,
      generate_max_len: 256,
      n_samples_per_prompt: 1,
      signal,
      enable_thinking: false,
    };
    const drawn = await sampleAll(teacher, asked, options, () => undefined);
    return drawn.map(([sample]) => sample?.text.replace(/^[^]*<\/think>/, ''));
  };
  const open = chosen.filter((one) => {
    const line = known.get(idOf(one));
    if (line !== undefined) take(one, line);
    return line === undefined;
  });
  const isSpent = (): boolean => tokensIn + tokensOut >= budget.max_tokens || cost() >= budget.max_cost;
  for (let at = 0; at < open.length && !isSpent(); at += CHUNK) {
    signal.throwIfAborted();
    const chunk = open.slice(at, at + CHUNK);
    const prompts = chunk.map(rewordPrompt);
    const answers = await ask(prompts, [], 1);
    const others = new Set<string>();
    const wordings = chunk.map((one, i) =>
      linesOf(answers[i] ?? '').map((request) => {
        const outcome = refused(request, one, others);
        others.add(requestKey(request));
        return { request, outcome };
      }),
    );
    const questions = wordings.flatMap((list, i) =>
      list.flatMap(({ request, outcome }, j) =>
        outcome === undefined ? [{ i, j, messages: callPrompt(request) }] : [],
      ),
    );
    const outputs = await ask(
      questions.map(({ messages }) => messages),
      tools,
      0,
    );
    for (const [i, one] of chunk.entries()) {
      const own = questions.flatMap((question, k) =>
        question.i === i ? [{ ...question, output: outputs[k] }] : [],
      );
      const prompt = prompts[i] ?? [];
      const line: Line = {
        of: idOf(one),
        tokens_in:
          lengthOf(prompt, []) + own.reduce((sum, { messages }) => sum + lengthOf(messages, tools), 0),
        tokens_out:
          estimate(answers[i] ?? '') + own.reduce((sum, { output = '' }) => sum + estimate(output), 0),
        wordings: (wordings[i] ?? []).map(({ request, outcome }, j) => ({
          request,
          outcome: outcome ?? judged(one, request, own.find((question) => question.j === j)?.output),
        })),
      };
      appendFileSync(path, `${JSON.stringify(line)}\n`);
      take(one, line);
    }
    tell({ done, total: chosen.length, kept: made.length, tokens: tokensIn + tokensOut });
  }
  return { cases: made, counts, tokens: tokensIn + tokensOut, cost: cost(), left: chosen.length - done };
}
