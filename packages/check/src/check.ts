/** The same cases through tinystar's engine and every runtime that is there. */
import { errorText, required } from '../../../src/base/errors.ts';
import { ChatTemplate } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { toJsonObject } from '../../../src/json/python.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import { checkpointAt } from '../../../src/model/checkpoint/checkpoint-path.ts';
import type { Count } from '../../report/src/numbers.ts';
import { goldOfMessage } from '../../../src/rewards/exact.ts';
import { Local } from '../../../src/sampling/local.ts';
import { type Prompt, sampleAll } from '../../../src/sampling/sampler.ts';
import { verbatimIn } from '../../fit/src/acceptance/header.ts';
import { answerOf } from '../../fit/src/fit/dialogues.ts';
import type { Case } from '../../fit/src/types.ts';
import {
  type Compared,
  comparedOf,
  type DifferenceClass,
  differenceOf,
  fails,
  isRight,
  type Outcome,
  outcomeIn,
  type Own,
  type Parting,
  promptParting,
  sameCalls,
  tokenParting,
} from './classify.ts';
import type { Asked, FindOptions, Runtime, Told } from './runtime.ts';
import { RUNTIMES } from './runtimes/index.ts';

export interface CheckOptions extends Omit<FindOptions, 'contextTokens'> {
  readonly cases: readonly Case[];
  readonly tools: readonly Tool[];
  /** Default: all that are known. */
  readonly runtimes?: readonly Runtime[];
  /** Hears what is being done, with the number of cases that are. */
  readonly tell?: (name: string, done: number) => void;
}

/** A case that a runtime answers in another way. */
export interface Difference {
  readonly id: string;
  readonly request: string;
  readonly class: DifferenceClass;
  readonly ours: readonly JsonObject[];
  readonly theirs: readonly JsonObject[];
  readonly fault?: string;
}

/** A runtime's line of the table. Counts are undefined of what it does not show. */
export interface Row {
  readonly name: string;
  readonly about: string;
  readonly prompts: Count | undefined;
  readonly tokens: Count | undefined;
  /** Cases whose calls are those of tinystar without a constraint. */
  readonly calls: Count;
  /** Cases that are answered as they ask for. */
  readonly right: Count;
  readonly differences: readonly Difference[];
  /** Of the first case whose prompt is another text, and the first one that is other tokens. */
  readonly partings: readonly (Parting & { readonly id: string })[];
}

export interface Checked {
  readonly cases: number;
  /** Right answers of tinystar as it answers elsewhere: with calls that obey their schemas. */
  readonly constrained: Count;
  readonly rows: readonly Row[];
  readonly missing: readonly { readonly name: string; readonly why: string }[];
  /** Runtimes with a difference that fails a check. */
  readonly failing: readonly string[];
}

const countOf = (all: readonly boolean[]): Count => ({
  total: all.length,
  correct: all.filter(Boolean).length,
});
const shownCalls = ({ calls }: Outcome): JsonObject[] =>
  calls.map(({ name, arguments: given }) => ({ name, arguments: toJsonObject(given) }));

/** A runtime's line: its answers beside tinystar's, case by case. */
function rowOf(
  { name, about }: Pick<Row, 'name' | 'about'>,
  cases: readonly Case[],
  owns: readonly Own[],
  answers: readonly Compared[],
  textOf: (token: number) => string,
): Row {
  const pairs = answers.map((answer, i) => ({
    answer,
    own: required(owns[i], 'an own answer'),
    one: required(cases[i], 'a case'),
  }));
  const differences = pairs.flatMap(({ answer, own, one }): Difference[] => {
    const found = differenceOf(own, answer);
    if (found === undefined) return [];
    const [ours, theirs] = [shownCalls(own.outcome), shownCalls(answer.outcome)];
    const { fault } = answer;
    const told = { id: one.id, request: one.request, class: found, ours, theirs };
    return [fault === undefined ? told : { ...told, fault }];
  });
  const first = (of: (pair: (typeof pairs)[number]) => Parting | undefined): Row['partings'] => {
    for (const pair of pairs) {
      const parting = of(pair);
      if (parting !== undefined) return [{ ...parting, id: pair.one.id }];
    }
    return [];
  };
  const shows = (key: 'prompt' | 'tokens'): boolean => answers.some((answer) => answer[key] !== undefined);
  return {
    name,
    about,
    prompts: shows('prompt')
      ? countOf(pairs.map(({ answer, own }) => answer.prompt === own.prompt))
      : undefined,
    tokens: shows('tokens')
      ? countOf(pairs.map(({ answer, own }) => String(answer.tokens) === String(own.tokens)))
      : undefined,
    calls: countOf(pairs.map(({ answer, own }) => sameCalls(answer.outcome, own.outcome))),
    right: countOf(pairs.map(({ answer, one }) => isRight(goldOfMessage(answerOf(one)), answer.outcome))),
    differences,
    partings: [
      ...first(({ answer, own }) => promptParting(own.prompt, answer.prompt ?? own.prompt)),
      // Another text is other tokens anyway.
      ...first(({ answer, own }) =>
        (answer.prompt ?? own.prompt) === own.prompt
          ? tokenParting(own.tokens, answer.tokens ?? own.tokens, textOf)
          : undefined,
      ),
    ],
  };
}

/**
 * Asks tinystar's engine and every runtime the same cases, greedily and without constraints, one runtime after the other.
 * Throws a UserError for a model that is none, or the signal's reason when it fires.
 */
export async function check(options: CheckOptions): Promise<Checked> {
  const {
    model: path,
    cases,
    tools,
    maxTokens,
    signal,
    runtimes = RUNTIMES,
    tell = () => undefined,
  } = options;
  const model = checkpointAt(path);
  const tokenizer = Tokenizer.load(model);
  const template = ChatTemplate.of(tokenizer);
  const { format } = template;
  const asked = cases.map(({ request }): Asked => ({
    request,
    tools,
    prompt: template.prompt({ messages: [{ role: 'user', content: request }], tools }),
  }));
  const tokens = asked.map(({ prompt }) => tokenizer.encode(prompt));
  const textOf = (id: number): string => tokenizer.decode([id]);
  const verbatim = verbatimIn(model);
  const outcomes = async (prompts: readonly Prompt[]): Promise<Outcome[]> => {
    using sampler = Local.open(path, 'cpu');
    const drawn = await sampleAll(sampler, prompts, { temperature: 0, generate_max_len: maxTokens, signal });
    return drawn.map(([sample], i) =>
      outcomeIn(sample?.text ?? '', { format, tools, prompt: asked[i]?.prompt ?? '' }),
    );
  };
  tell('tinystar', 0);
  const texts = asked.map(({ prompt }, i): Prompt => ({ text: prompt, ids: required(tokens[i], 'tokens') }));
  const free = await outcomes(texts);
  const rules = { tools, ...(verbatim === undefined ? {} : { verbatim }) };
  const held = await outcomes(
    texts.map((text, i) => ({ ...text, rules: { ...rules, request: asked[i]?.request ?? '' } })),
  );
  const owns = free.map((outcome, i): Own => ({
    prompt: asked[i]?.prompt ?? '',
    tokens: [...(tokens[i] ?? [])],
    outcome,
  }));
  const rows = [rowOf({ name: 'tinystar', about: 'no constraint' }, cases, owns, owns, textOf)];
  const missing: { name: string; why: string }[] = [];
  const found: FindOptions = {
    ...options,
    model,
    contextTokens: Math.max(0, ...tokens.map(({ length }) => length)) + maxTokens + 1,
  };
  for (const runtime of runtimes) {
    const { name } = runtime;
    signal.throwIfAborted();
    tell(name, 0);
    const opened = await runtime.find(found);
    if (typeof opened === 'string') {
      missing.push({ name, why: opened });
      continue;
    }
    await using open = opened;
    const answers: Compared[] = [];
    for (const one of asked) {
      signal.throwIfAborted();
      const told = await open.answer(one, signal).catch((thrown: unknown): Told => {
        signal.throwIfAborted();
        return { parsed: { calls: [], words: '' }, fault: errorText(thrown) };
      });
      answers.push(comparedOf(told, { format, tools, prompt: one.prompt }));
      tell(name, answers.length);
    }
    rows.push(rowOf({ name, about: open.about }, cases, owns, answers, textOf));
  }
  return {
    cases: cases.length,
    constrained: countOf(held.map((outcome, i) => isRightCase(cases[i], outcome))),
    rows,
    missing,
    failing: rows
      .filter(({ differences }) => differences.some((one) => fails(one.class, one.ours, one.theirs)))
      .map(({ name }) => name),
  };
}

const isRightCase = (one: Case | undefined, outcome: Outcome): boolean =>
  one !== undefined && isRight(goldOfMessage(answerOf(one)), outcome);
