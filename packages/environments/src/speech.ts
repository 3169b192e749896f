/**
 * The texts between the turns of a conversation with functions, as a checkpoint's own chat template writes them, as
 * tokens: a problem's prompt, and the results of calls up to where the assistant goes on. What a model wrote is never
 * rendered again, so what is trained on is token by token what was drawn.
 */
import { UserError } from '../../../src/base/errors.ts';
import { asTokenIds, type TokenIds } from '../../../src/base/token-ids.ts';
import type { ToolFormat } from '../../../src/chat/formats/format.ts';
import type { Message, Tool } from '../../../src/chat/messages.ts';
import { answerText, type ChatTemplate, targetAfter } from '../../../src/chat/template.ts';
import type { Tokenizer } from '../../../src/chat/tokenizer.ts';
import type { Prompt } from '../../../src/sampling/sampler.ts';
import { callsOfTurn, type TurnCall, turnMessages } from './turn.ts';

/** Stands for what an assistant wrote, and for each result; of the private use area, so that no template has it. */
const MARK = '\u{F0100}';
/** Form that the answer is to be given in. */
const INSTRUCTION = 'Give the answer in \\boxed{}.';

/** A problem as it is asked, whoever is to solve it. */
export type ProblemPrompt = Required<Pick<Prompt, 'text' | 'ids' | 'messages' | 'tools'>>;

export class Speech {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  #opening: string | undefined;
  readonly #pieces = new Map<number, readonly TokenIds[]>();

  constructor(tokenizer: Tokenizer, template: ChatTemplate) {
    this.tokenizer = tokenizer;
    this.template = template;
  }

  get format(): ToolFormat {
    return this.template.format;
  }

  /** A prompt, for how its last turn begins. */
  get opening(): string {
    this.#opening ??= this.template.prompt({ messages: [{ role: 'user', content: '?' }] });
    return this.#opening;
  }

  /** The calls of a turn that was written behind a prompt of the template: see `callsOfTurn`. */
  calls(turn: string, tools: readonly Tool[] = []): TurnCall[] {
    return callsOfTurn(turn, { format: this.format, prompt: this.opening, tools });
  }

  get #turnEnd(): string {
    return this.tokenizer.tokenText(this.tokenizer.turnEndId);
  }

  /** A turn with the results of its calls as messages: see `turnMessages`. */
  messages(turn: string, calls: readonly TurnCall[], results: readonly string[]): Message[] {
    return turnMessages(turn.replace(this.#turnEnd, ''), calls, results, this.format);
  }

  /** The prompt of a problem, with how the answer is to be given. */
  prompt(question: string, tools: readonly Tool[], instruction = INSTRUCTION): ProblemPrompt {
    const messages = [{ role: 'user', content: `${question}\n${instruction}` }] as const;
    const text = this.template.prompt({ messages, tools });
    return { text, ids: this.tokenizer.encode(text), messages, tools };
  }

  /** Target of the assistant's turn, to the end of it; throws a UserError for a thought that cannot be. */
  turn(message: Omit<Message, 'role'>): TokenIds {
    return this.tokenizer.encode(
      targetAfter(this.opening, message.reasoning ?? '', answerText(message, this.format), this.format),
    );
  }

  /** The texts around `count` results, after the end of the assistant's turn. */
  #around(count: number): readonly TokenIds[] {
    const known = this.#pieces.get(count);
    if (known !== undefined) return known;
    const end = this.#turnEnd;
    const text = this.template.prompt({
      messages: [
        { role: 'user', content: '?' },
        { role: 'assistant', content: MARK },
        ...Array.from({ length: count }, () => ({ role: 'tool' as const, content: MARK })),
      ],
    });
    const [, after = '', ...rest] = text.split(MARK);
    if (rest.length !== count || !after.startsWith(end)) {
      throw new UserError(
        'CHAT_TEMPLATE',
        "The checkpoint's chat template does not show the results of calls; use one of Qwen's kind.",
      );
    }
    const pieces = [after.slice(end.length), ...rest].map((piece) => this.tokenizer.encode(piece));
    this.#pieces.set(count, pieces);
    return pieces;
  }

  /**
   * The results of calls, and the beginning of the assistant's next turn. No text of a result is read as a special
   * token.
   */
  results(texts: readonly string[]): TokenIds {
    const [first = [], ...rest] = this.#around(texts.length);
    return asTokenIds([
      ...first,
      ...texts.flatMap((text, i) => [
        ...this.tokenizer.encode(text, { allowSpecial: false }),
        ...(rest[i] ?? []),
      ]),
    ]);
  }
}
