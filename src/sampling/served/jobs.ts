/** Work at servers: the samples of a prompt, and the next turn of a sample that was given a reply. */
import { asTokenIds } from '../../base/token-ids.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { Answer, Drawn, Prompt, Reply, SampleOptions } from '../sampler.ts';

export interface Asked {
  readonly index: number;
  readonly prompt: Prompt;
  readonly samples: (Drawn | undefined)[];
  open: number;
  failure?: { readonly failure: string; readonly isFull: boolean };
}

/** Samples that are drawn with one prompt: all of an asked one's, or one sample's next turn. */
export interface Job {
  readonly asked: Asked;
  readonly prompt: Prompt;
  readonly places: readonly number[];
  /** Of a next turn, what came before, reply included. */
  readonly before: Drawn | undefined;
  /** Samples drawn so far, by their place; undefined what was drawn and cannot be sent. A fault loses none. */
  readonly drawn: Map<number, Drawn | undefined>;
  /** Faults since something was drawn. */
  faults: number;
}

/** A sample in which nothing was drawn, as there was no room. */
export const NOTHING: Drawn = {
  text: '',
  tokens: asTokenIds([]),
  length: 0,
  logprobs: new Float32Array(0),
  drawn: new Uint8Array(0),
  finish: 'length',
};

/** Two parts of one sample, the first of which was read before the second was drawn. */
function joined(before: Drawn, { text, tokens, length, logprobs, drawn, finish }: Drawn): Drawn {
  return {
    text: before.text + text,
    tokens: asTokenIds([...before.tokens, ...tokens]),
    length: before.length + length,
    logprobs: Float32Array.from([...before.logprobs, ...logprobs]),
    drawn: Uint8Array.from([...before.drawn, ...drawn]),
    finish,
  };
}

export function* jobsOf(prompts: Iterable<Prompt>, options: SampleOptions): Generator<Job> {
  const { n_samples_per_prompt: count = 1 } = options;
  let index = 0;
  for (const prompt of prompts) {
    const places = Array.from({ length: count }, (_, place) => place);
    yield newJob({ index, prompt, samples: [], open: count }, prompt, places);
    index += 1;
  }
}

function newJob(asked: Asked, prompt: Prompt, places: readonly number[], before?: Drawn): Job {
  return { asked, prompt, places, before, drawn: new Map(), faults: 0 };
}

/** The answer of a prompt whose samples are all finished; of one that goes on in replies, no place is left out. */
export function answerOf({ index, samples, failure }: Asked, { reply }: SampleOptions): Answer {
  if (failure !== undefined) return { index, samples: [], ...failure };
  if (reply === undefined) return { index, samples: samples.filter((one) => one !== undefined) };
  return { index, samples: Array.from(samples, (one) => one ?? NOTHING) };
}

/** Takes over what a job has drawn; returns the next turns of samples that go on. */
export async function settle(
  { asked, prompt, places, before, drawn }: Job,
  options: SampleOptions,
  tokenizer: Tokenizer | undefined,
): Promise<Job[]> {
  const next: Job[] = [];
  const end = (place: number, sample: Drawn | undefined): void => {
    asked.samples[place] = sample;
    asked.open -= 1;
  };
  for (const place of places) {
    const own = drawn.get(place);
    const sample = before === undefined || own === undefined ? own : joined(before, own);
    const goesOn = own?.finish === 'stop' && asked.failure === undefined;
    const { tokens } = sample ?? NOTHING;
    const reply = goesOn ? await options.reply?.({ prompt: asked.index, sample: place, tokens }) : undefined;
    if (reply === undefined || sample === undefined || own === undefined) {
      end(place, sample);
      continue;
    }
    const { length } = reply.ids;
    const [logprobs, given] = [new Float32Array(length), new Uint8Array(length)];
    const whole = joined(sample, { ...NOTHING, tokens: reply.ids, length, logprobs, drawn: given });
    if (whole.length >= options.generate_max_len) end(place, whole);
    else next.push(newJob(asked, promptAfter(prompt, own, reply, tokenizer), [place], whole));
  }
  return next;
}

function promptAfter(prompt: Prompt, { tokens }: Drawn, reply: Reply, tokenizer: Tokenizer | undefined) {
  const { text = '', ids = tokenizer?.encode(text) ?? [], messages, tools } = prompt;
  return {
    ids: asTokenIds([...ids, ...tokens, ...reply.ids]),
    ...(messages === undefined ? {} : { messages: [...messages, ...reply.messages] }),
    ...(tools === undefined ? {} : { tools }),
  };
}
