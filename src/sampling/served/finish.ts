/**
 * End of an answer, by the reasons that servers give: OpenAI, vLLM, SGLang, llama.cpp, TGI, Ollama, Together,
 * OpenRouter, Mistral, DeepSeek, Zhipu, Anthropic, Cohere and Gemini. Only what is known to be an end of turn is one: a
 * student that is shown a cut answer with an end of turn learns to stop in mid-sentence.
 */
import type { Tokenizer } from '../../chat/tokenizer.ts';
import { Transient } from './faults.ts';
import { isFields } from '../../json/value.ts';
import type { Reply } from './reply.ts';

export type Finish = 'stop' | 'length';

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** The model ended its turn, in words or with calls. */
const ENDS = words(
  'stop eos eos_token end_turn stop_sequence complete tool_calls tool_call tool_use function_call',
);

/** The server gave up on the answer; another try may be finished. */
const FAULTS = words(
  `error abort aborted cancelled canceled cancel interrupted preempted load unload timeout timed_out time_out
  network_error server_error internal_error insufficient_system_resource`,
);

/** Texts that end a turn in the families of models that are served; a stop at another text is a cut. */
const TURN_ENDS = words(
  `<|im_end|> <|endoftext|> <|eot_id|> <|eom_id|> <|end_of_text|> <|end|> <|return|> <|call|> <end_of_turn> <eos> </s>
  <|END_OF_TURN_TOKEN|> <｜end▁of▁sentence｜> <turn|>`,
);

/**
 * Ends of a turn for a student: its own stop tokens, and those of other families. Where its tokenizer is not at hand a
 * token is told by its text alone.
 */
export function endOf(tokenizer: Pick<Tokenizer, 'stopIds' | 'tokenText'> | undefined): IsEnd {
  if (tokenizer === undefined) return (stop) => typeof stop === 'number' || TURN_ENDS.has(stop);
  const texts = new Set(tokenizer.stopIds.map((id) => tokenizer.tokenText(id)));
  return (stop) => {
    const text = typeof stop === 'number' ? tokenizer.tokenText(stop) : stop;
    return texts.has(text) || TURN_ENDS.has(text);
  };
}

/** Tells whether a stop at this, a token's id or a text, is the end of a turn. */
export type IsEnd = (stop: number | string) => boolean;

/**
 * End of an answer with this reason; `stoppedAt` is the stop string or token that the server names, if it does.
 * Throws a Transient where asking again can help.
 */
export function finishOf(reason: unknown, stoppedAt: unknown, isEnd: IsEnd): Finish {
  const word = typeof reason === 'string' ? reason.toLowerCase() : '';
  if (FAULTS.has(word)) throw new Transient(`gave up on an answer (${word})`);
  if (!ENDS.has(word)) return 'length';
  if ((typeof stoppedAt === 'string' && stoppedAt !== '') || typeof stoppedAt === 'number')
    return isEnd(stoppedAt) ? 'stop' : 'length';
  return 'stop';
}

/** Choices by their index, which is how a server that sends them as they are ready says which is which. */
function inPlace(choices: readonly Reply[]): readonly Reply[] {
  const placed = choices.flatMap((choice) => {
    const index = isFields(choice.value) ? choice.value['index'] : undefined;
    return typeof index === 'number' ? [{ choice, index }] : [];
  });
  if (placed.length < choices.length) return choices;
  return placed.toSorted((a, b) => a.index - b.index).map(({ choice }) => choice);
}

/**
 * The samples of an answer, in their places: undefined where the server gave up on one while others are whole. Throws a
 * Transient where there is none at all.
 */
export function samplesOf<T>(choices: Reply, read: (choice: Reply) => T): (T | undefined)[] {
  if (choices.value === null || (Array.isArray(choices.value) && choices.value.length === 0))
    throw new Transient(
      `answers without a single sample (no ${choices.where.split('.').at(-1) ?? 'choices'})`,
    );
  let fault: Transient | undefined;
  const samples = inPlace(choices.list()).map((choice) => {
    try {
      return read(choice);
    } catch (thrown) {
      if (!(thrown instanceof Transient)) throw thrown;
      fault = thrown;
      return undefined;
    }
  });
  if (fault !== undefined && samples.every((sample) => sample === undefined)) throw fault;
  return samples;
}
