/** Difference between an exported GGUF file, run by llama.cpp, and the checkpoint that it was made of. */
import { asTokenIds, type Dialogue, type Message, type TokenIds } from '../chat/messages.ts';
import { assistantTurn } from '../chat/generation.ts';
import { ChatTemplate } from '../chat/template.ts';
import { ggufSpecialTokens } from '../chat/tokenizer-source.ts';
import type { TaskDialogue } from '../data/reading.ts';
import { exactMatch, goldOfMessage } from '../rewards/exact.ts';
import type { Device } from '../ggml/device.ts';
import { LlamaModel } from '../ggml/llama.ts';
import { small } from '../model/generate/worker-pool.ts';
import type { ScoredCompletion } from '../model/tree/scoring.ts';
import { Local, type LocalParts } from '../sampling/local.ts';
import { sampleAll } from '../sampling/sampler.ts';

/** The checkpoint's parts, and what is asked. */
export interface ParityOptions extends Omit<LocalParts, 'name'> {
  readonly device: Device;
  readonly gguf: string;
  /** Dialogues whose requests are asked. */
  readonly dialogues: readonly TaskDialogue[];
  /** Tokens that an answer may have. */
  readonly maxTokens: number;
}

export interface Parity {
  readonly prompts: number;
  /**
   * Requests that the file's own template and tokenizer turn into the same ids, rendered as llama.cpp's server does: it
   * turns thoughts on.
   */
  readonly samePrompts: number;
  /** Prompts that the file answers greedily with the checkpoint's tokens, all of them. */
  readonly sameAnswers: number;
  /** Tokens of the checkpoint's answers, and how many of them are the file's first choice too. */
  readonly tokens: number;
  readonly sameTokens: number;
  /** KL(checkpoint || file) in nats a token: mean, and the largest. See `KL_TOKENS`. */
  readonly meanKl: number;
  readonly largestKl: number;
  /** Requests that llama.cpp answers as the data want it, from its own prompts; and that the checkpoint does. */
  readonly right: number;
  readonly ownRight: number;
}

/** The checkpoint's likeliest tokens count one by one, all others as one: a lower bound of the KL, and never below 0. */
const KL_TOKENS = 256;

/** Lets both answer the same requests. Throws a UserError where the file cannot be loaded. */
export async function exportParity(options: ParityOptions): Promise<Parity> {
  const { device, config, tokenizer, template, dialogues, maxTokens } = options;
  using file = LlamaModel.load(options.gguf, {
    contextTokens: config.contextLength,
    threads: small(config) ? 1 : device.threads,
  });
  const texts = dialogues.map((dialogue) => template.prompt(asked(dialogue)));
  const prompts = texts.map((text) => tokenizer.encode(text));
  using model = new Local(device, { ...options, name: 'checkpoint' });
  const answers = await sampleAll(
    model,
    prompts.map((ids) => ({ ids })),
    { temperature: 0, generate_max_len: maxTokens },
  );
  const completions = answers.map(([sample]) => sample?.tokens ?? asTokenIds([]));
  const topK = Math.min(KL_TOKENS, config.vocabSize);
  const trees = prompts.map((prompt, i) => ({ prompt, completions: completions.slice(i, i + 1) }));
  const scored = await model.score(trees, { topK });
  const embedded = new ChatTemplate(
    file.metadata('tokenizer.chat_template') ?? '',
    ggufSpecialTokens(options.gguf),
  );
  const { format } = template;
  const parts: PromptParity[] = [];
  for (const [i, prompt] of prompts.entries()) {
    const answer = completions[i];
    const score = scored[i]?.[0];
    const dialogue = dialogues[i];
    if (answer === undefined || score === undefined || dialogue === undefined) continue;
    const text = embedded.prompt(asked(dialogue), true);
    const theirs = file.tokenize(text);
    const samePrompt = sameIds(theirs, prompt);
    const rows = await file.logitsAlong(prompt, answer);
    const compared = compareRows(rows, answer, score, topK);
    const room = Math.min(maxTokens, file.contextTokens - theirs.length);
    const same = samePrompt && compared.sameTokens === answer.length;
    const continued = same
      ? answer
      : await file.continueGreedily(theirs, Math.max(0, room), { stopAtEnd: true });
    const gold = goldOfMessage(dialogue.messages.at(-1) ?? NO_ANSWER, dialogue.mustMention);
    const isRight = (before: string, ids: TokenIds): boolean =>
      exactMatch(gold, assistantTurn(before, tokenizer.decode(ids), format), format, dialogue.tools).correct;
    parts.push({
      samePrompt,
      ...compared,
      right: isRight(text, continued),
      ownRight: isRight(texts[i] ?? '', answer),
    });
  }
  return summary(parts);
}

const NO_ANSWER: Message = { role: 'assistant', content: '' };

interface PromptParity {
  readonly samePrompt: boolean;
  readonly right: boolean;
  readonly ownRight: boolean;
  readonly sameTokens: number;
  readonly kl: readonly number[];
}

/** The dialogue up to its answer. */
function asked({ messages, tools }: Dialogue): Pick<Dialogue, 'messages' | 'tools'> {
  return { messages: messages.slice(0, -1), tools };
}

function sameIds(a: TokenIds, b: TokenIds): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

/** One answer: `rows` are the file's logits before each of its tokens. */
function compareRows(
  rows: readonly Float32Array[],
  answer: TokenIds,
  score: ScoredCompletion,
  topK: number,
): Pick<PromptParity, 'sameTokens' | 'kl'> {
  let sameTokens = 0;
  const kl = rows.map((logits, t) => {
    const most = logits.reduce((largest, logit) => Math.max(largest, logit), -Infinity);
    if (logits[answer[t] ?? 0] === most) sameTokens += 1;
    const logSum = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
    let [divergence, ourRest, theirRest] = [0, 1, 1];
    for (let k = t * topK; k < (t + 1) * topK; k++) {
      const ours = score.topLogprobs[k] ?? -Infinity;
      const theirs = (logits[score.topIds[k] ?? 0] ?? -Infinity) - logSum;
      if (ours > -Infinity) divergence += Math.exp(ours) * (ours - theirs);
      ourRest -= Math.exp(ours);
      theirRest -= Math.exp(theirs);
    }
    // Rounding may leave less than nothing.
    if (ourRest > 0 && theirRest > 0) divergence += ourRest * Math.log(ourRest / theirRest);
    return Math.max(0, divergence);
  });
  return { sameTokens, kl };
}

function summary(parts: readonly PromptParity[]): Parity {
  const kl = parts.flatMap((part) => part.kl);
  return {
    prompts: parts.length,
    samePrompts: parts.filter((part) => part.samePrompt).length,
    sameAnswers: parts.filter((part) => part.sameTokens === part.kl.length).length,
    tokens: kl.length,
    sameTokens: parts.reduce((sum, part) => sum + part.sameTokens, 0),
    meanKl: kl.reduce((sum, value) => sum + value, 0) / Math.max(1, kl.length),
    largestKl: kl.reduce((largest, value) => Math.max(largest, value), 0),
    right: parts.filter((part) => part.right).length,
    ownRight: parts.filter((part) => part.ownRight).length,
  };
}
