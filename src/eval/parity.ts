/** Difference between an exported GGUF file, run by llama.cpp, and the checkpoint that it was made of. */
import { isDeepStrictEqual } from 'node:util';
import { asTokenIds, type Dialogue, type TokenIds } from '../chat/messages.ts';
import { ChatTemplate } from '../chat/template.ts';
import { ggufSpecialTokens } from '../chat/tokenizer-source.ts';
import type { TaskDialogue } from '../data/reading.ts';
import type { Device } from '../ggml/device.ts';
import { LlamaModel } from '../ggml/llama.ts';
import { small } from '../model/generate/worker-pool.ts';
import type { ScoredCompletion } from '../model/tree/scoring.ts';
import { Local, type LocalParts } from '../sampling/local.ts';
import { sampleAll } from '../sampling/sampler.ts';
import { verdictOn } from './held-out.ts';

/** The checkpoint's parts, and what is asked. */
export interface ParityOptions extends Omit<LocalParts, 'name'> {
  readonly device: Device;
  readonly gguf: string;
  readonly dialogues: readonly TaskDialogue[];
  readonly maxTokens: number;
}

export type Parity = ReturnType<typeof summary>;

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
  const parts: PromptParity[] = [];
  for (const [i, prompt] of prompts.entries()) {
    const answer = completions[i];
    const score = scored[i]?.[0];
    const dialogue = dialogues[i];
    if (answer === undefined || score === undefined || dialogue === undefined) continue;
    const text = embedded.prompt(asked(dialogue), true);
    const theirs = file.tokenize(text);
    const samePrompt = isDeepStrictEqual(theirs, prompt);
    const compared = compareRows(await file.logitsAlong(prompt, answer), answer, score, topK);
    const room = Math.max(0, Math.min(maxTokens, file.contextTokens - theirs.length));
    const continued =
      samePrompt && compared.sameTokens === answer.length
        ? answer
        : await file.continueGreedily(theirs, room, { stopAtEnd: true });
    const isRight = (before: string, ids: TokenIds): boolean =>
      verdictOn(dialogue, before, tokenizer.decode(ids), template.format).correct;
    const right = isRight(text, continued);
    parts.push({ ...compared, samePrompt, right, ownRight: isRight(texts[i] ?? '', answer) });
  }
  return summary(parts);
}

interface PromptParity {
  readonly samePrompt: boolean;
  readonly right: boolean;
  readonly ownRight: boolean;
  readonly sameTokens: number;
  readonly kl: readonly number[];
}

function asked({ messages, tools }: Dialogue): Pick<Dialogue, 'messages' | 'tools'> {
  return { messages: messages.slice(0, -1), tools };
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

function summary(parts: readonly PromptParity[]) {
  const kl = parts.flatMap((part) => part.kl);
  return {
    prompts: parts.length,
    /**
     * Requests that the file's own template and tokenizer turn into the same ids, rendered as llama.cpp's server does: it
     * turns thoughts on.
     */
    samePrompts: parts.filter((part) => part.samePrompt).length,
    /** Prompts that the file answers greedily with the checkpoint's tokens, all of them. */
    sameAnswers: parts.filter((part) => part.sameTokens === part.kl.length).length,
    /** Tokens of the checkpoint's answers, and how many of them are the file's first choice too. */
    tokens: kl.length,
    sameTokens: parts.reduce((sum, part) => sum + part.sameTokens, 0),
    /** KL(checkpoint || file) in nats a token: mean, and the largest. See `KL_TOKENS`. */
    meanKl: kl.reduce((sum, value) => sum + value, 0) / Math.max(1, kl.length),
    largestKl: kl.reduce((largest, value) => Math.max(largest, value), 0),
    /** Requests that llama.cpp answers as the data want it, from its own prompts; and that the checkpoint does. */
    right: parts.filter((part) => part.right).length,
    ownRight: parts.filter((part) => part.ownRight).length,
  };
}
