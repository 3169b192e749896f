/**
 * A model of this package as one of the AI SDK: `import { tinystar } from 'tinystar/ai'`. The SDK's types are met by their
 * form, so that nothing of it is needed here; its specifications v3 (ai 6) and v4 (ai 7) ask for the same of a model of texts.
 */
import type { ToolCall } from '../../../src/chat/messages.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { Model } from '../../api/src/model.ts';
import { newId } from '../../serve/src/chat.ts';
import type { Reply } from '../../serve/src/model.ts';
import { streamed, type StreamPart } from '../../serve/src/streaming.ts';
import { type ModelCallOptions, type Question, questionOf, type Warning } from './prompt.ts';

export type { ModelCallOptions } from './prompt.ts';

export interface ProviderOptions<V extends 'v3' | 'v4' = 'v3' | 'v4'> {
  /** Specification of the AI SDK: `v4`, of ai 7, unless told; `v3` is of ai 6. */
  readonly specificationVersion?: V;
  /** Name of the model in results and telemetry; the checkpoint's unless told. */
  readonly modelId?: string;
}

type Content =
  | { type: 'text' | 'reasoning'; text: string }
  | { type: 'tool-call'; toolCallId: string; toolName: string; input: string };

/** Facts at the end of an answer. */
interface Finish {
  finishReason: { unified: 'stop' | 'length' | 'tool-calls'; raw: string };
  usage: {
    inputTokens: { total: number; noCache: number; cacheRead: number; cacheWrite: undefined };
    outputTokens: { total: number; text: undefined; reasoning: undefined };
  };
  /** Under `tinystar`: confidence, repairs, and faults of calls that cannot be read. */
  providerMetadata: Record<string, Record<string, number | string[]>>;
}

interface Generated extends Finish {
  content: Content[];
  warnings: Warning[];
  response: { modelId: string };
}

type Part =
  | { type: 'stream-start'; warnings: Warning[] }
  | { type: 'response-metadata'; modelId: string }
  | { type: 'text-start' | 'text-end' | 'reasoning-start' | 'reasoning-end' | 'tool-input-end'; id: string }
  | { type: 'text-delta' | 'reasoning-delta' | 'tool-input-delta'; id: string; delta: string }
  | { type: 'tool-input-start'; id: string; toolName: string }
  | (Content & { type: 'tool-call' })
  | ({ type: 'finish' } & Finish);

/** The AI SDK's `LanguageModelV3` or `LanguageModelV4`. */
export interface LanguageModel<V extends 'v3' | 'v4'> {
  readonly specificationVersion: V;
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: Record<string, RegExp[]>;
  doGenerate(options: ModelCallOptions): Promise<Generated>;
  doStream(options: ModelCallOptions): Promise<{ stream: ReadableStream<Part> }>;
}

function finishOf(reply: Reply, { answer }: Question): Finish {
  const { finish, promptTokens, cachedTokens, tokens, confidence, repairs, faults } = reply;
  const isCall = finish === 'tool_calls' && reply.calls.some(({ name }) => name !== answer);
  return {
    finishReason: {
      unified: isCall ? 'tool-calls' : finish === 'length' ? 'length' : 'stop',
      raw: finish,
    },
    usage: {
      inputTokens: {
        total: promptTokens,
        noCache: promptTokens - cachedTokens,
        cacheRead: cachedTokens,
        cacheWrite: undefined,
      },
      outputTokens: { total: tokens, text: undefined, reasoning: undefined },
    },
    providerMetadata: {
      tinystar: {
        ...(confidence === undefined ? {} : { confidence }),
        ...(repairs.length === 0 ? {} : { repairs: [...repairs] }),
        ...(faults.length === 0 ? {} : { faults: [...faults] }),
      },
    },
  };
}

const textOf = (given: JsonObject): string => JSON.stringify(given);

/** Content that a call is: the answer itself, or a call of a tool. */
const contentOf = ({ name, arguments: given }: ToolCall, answer: string | undefined): Content =>
  name === answer
    ? { type: 'text', text: textOf(given) }
    : { type: 'tool-call', toolCallId: newId('call_'), toolName: name, input: textOf(given) };

/** Parts of a stream, whose texts, thoughts and inputs of tools have a beginning and an end. */
class Parts {
  readonly #question: Question;
  #open: { readonly kind: 'text' | 'reasoning' | 'tool-input'; readonly id: string } | undefined;
  #blocks = 0;

  constructor(question: Question) {
    this.#question = question;
  }

  *of(part: StreamPart): Generator<Part> {
    const { answer } = this.#question;
    switch (part.kind) {
      case 'content':
        return yield* this.#words('text', part.text);
      case 'reasoning':
        return yield* this.#words('reasoning', part.text);
      case 'name':
        if (part.name === answer) return;
        yield* this.#close();
        this.#open = { kind: 'tool-input', id: newId('call_') };
        yield { type: 'tool-input-start', id: this.#open.id, toolName: part.name };
        return;
      case 'arguments':
        // Of the answer in JSON they are its text.
        if (this.#open?.kind !== 'tool-input') return yield* this.#words('text', part.text);
        yield { type: 'tool-input-delta', id: this.#open.id, delta: part.text };
        return;
      case 'call': {
        const { name, arguments: given } = part.call;
        const id = this.#open?.id ?? newId('call_');
        yield* this.#close();
        if (name !== answer)
          yield { type: 'tool-call', toolCallId: id, toolName: name, input: textOf(given) };
        return;
      }
      case 'end':
        yield* this.#close();
        yield { type: 'finish', ...finishOf(part.reply, this.#question) };
    }
  }

  *#words(kind: 'text' | 'reasoning', delta: string): Generator<Part> {
    if (this.#open?.kind !== kind) yield* this.#close();
    if (this.#open === undefined) {
      this.#open = { kind, id: String(this.#blocks++) };
      yield { type: `${kind}-start`, id: this.#open.id };
    }
    yield { type: `${kind}-delta`, id: this.#open.id, delta };
  }

  *#close(): Generator<Part> {
    if (this.#open !== undefined) yield { type: `${this.#open.kind}-end`, id: this.#open.id };
    this.#open = undefined;
  }
}

/**
 * The AI SDK's face of a model, for its `generateText`, `streamText` and agents: tools, their choice, JSON by a schema, streams, seeds
 * and signals. The model stays the caller's, to be closed by it.
 *
 * @example
 * using model = loadModel('student.gguf');
 * const { toolCalls } = await generateText({ model: tinystar(model), tools, prompt: 'Lights off in the hall' });
 */
export function tinystar<V extends 'v3' | 'v4' = 'v4'>(
  model: Model,
  { specificationVersion, modelId = model.served.name }: ProviderOptions<V> = {},
): LanguageModel<V> {
  return {
    // The default of V is that of the option.
    specificationVersion: specificationVersion ?? ('v4' as V),
    provider: 'tinystar',
    modelId,
    supportedUrls: {},
    async doGenerate(options) {
      const question = questionOf(options);
      const reply = await model.served.ask(question.conversation, question.options);
      const { content, reasoning, calls } = reply;
      return {
        content: [
          ...(reasoning === '' ? [] : [{ type: 'reasoning' as const, text: reasoning }]),
          ...(content === '' ? [] : [{ type: 'text' as const, text: content }]),
          ...calls.map((call) => contentOf(call, question.answer)),
        ],
        warnings: question.warnings,
        response: { modelId },
        ...finishOf(reply, question),
      };
    },
    doStream(options) {
      const question = questionOf(options);
      const parts = new Parts(question);
      const news = streamed(model.served, question.conversation, question.options);
      const stream = news.pipeThrough(
        new TransformStream<StreamPart, Part>({
          start(into): void {
            into.enqueue({ type: 'stream-start', warnings: question.warnings });
            into.enqueue({ type: 'response-metadata', modelId });
          },
          transform(part, into): void {
            for (const one of parts.of(part)) into.enqueue(one);
          },
        }),
      );
      return Promise.resolve({ stream });
    },
  };
}
