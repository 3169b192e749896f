/**
 * From messages and tools to the text that a model reads, through a checkpoint's own chat template, and from an
 * assistant's message to the text that a model shall write. Training, rollouts, evaluation, generation and the check of
 * an export make their prompts here alone, as servers do: a prompt is the template's text with `add_generation_prompt`
 * and nothing behind it, and tools come as OpenAI's API passes them, {"type": "function", "function": {...}}.
 */
import { UserError } from '../base/errors.ts';
import { fromJson, isDict, type PyDict, type PyValue } from '../json/python.ts';
import type { JsonObject } from '../json/value.ts';
import { DEFAULT_TEMPLATE } from './default-template.ts';
import { templateValues } from './exact-json.ts';
import type { ToolFormat } from './formats/format.ts';
import { functiongemma } from './formats/functiongemma.ts';
import { hermes } from './formats/hermes.ts';
import { type ChosenFormat, type FormatName, formatOf, withFormat } from './formats/index.ts';
import { closesThought, openedThought } from './generation.ts';
import { renderTemplate, withDay } from './jinja.ts';
import type { ExactCall, ExactMessage, Message, Tool, ToolCall } from './messages.ts';

export interface ChatInput {
  readonly messages: readonly (Message | ExactMessage)[];
  /** Bare, {name, description, parameters}; read from a file exactly, or made in memory. */
  readonly tools?: readonly (Tool | PyDict)[];
}

export interface RenderOptions {
  /** Tells whether the text ends where the assistant begins to write. */
  readonly addGenerationPrompt?: boolean;
  /** The template's switch for thoughts; left undefined, the template decides. */
  readonly enableThinking?: boolean | undefined;
  /** Hands the tools to the template as they are, as STAR's own preparation does. */
  readonly bareTools?: boolean;
}

/** Text of a prompt, and what the model shall write after it, up to and including the end of its turn. */
export interface PromptAndTarget {
  readonly prompt: string;
  readonly target: string;
}

/** Special tokens by the names that templates know: bos_token, eos_token, ... */
export type SpecialTokens = Readonly<Record<string, string>>;

/** Exact values of an object that may have JavaScript's. */
function exactObject(value: JsonObject | PyDict): PyDict {
  return value instanceof Map ? value : fromJson(value as JsonObject);
}

/** A call as files and templates have it: {name, arguments}. */
export function exactCall({ name, arguments: given }: ToolCall | ExactCall): PyDict {
  return new Map<string, PyValue>([
    ['name', name],
    ['arguments', exactObject(given)],
  ]);
}

/** A message under the names that Hugging Face templates use. */
function templateMessage({ role, content, reasoning, toolCalls = [] }: Message | ExactMessage): PyDict {
  const calls = toolCalls.map(
    (call): PyDict =>
      new Map<string, PyValue>([
        ['type', 'function'],
        ['function', exactCall(call)],
      ]),
  );
  return new Map<string, PyValue>([
    ['role', role],
    ['content', content],
    ...(reasoning === undefined ? [] : [['reasoning_content', reasoning] as const]),
    ...(calls.length === 0 ? [] : [['tool_calls', calls] as const]),
  ]);
}

const isTool = (tool: Tool | PyDict): tool is Tool => !(tool instanceof Map);

/** A tool as servers show it: they read name, description and parameters, and pass on no more. */
function servedTool(tool: Tool | PyDict): PyDict {
  const own = isTool(tool)
    ? fromJson({ name: tool.name, description: tool.description, parameters: tool.parameters })
    : tool;
  const inner = own.get('function');
  const given = isDict(inner) ? inner : own;
  return new Map<string, PyValue>([
    ['name', given.get('name') ?? ''],
    ['description', given.get('description') ?? ''],
    ['parameters', given.get('parameters') ?? new Map()],
  ]);
}

function trimLines(text: string): string {
  return text.replace(/^\n+|\n+$/g, '');
}

/** The answer of an assistant's message: content, then calls. */
export function answerText(
  { content, toolCalls = [] }: Pick<Message | ExactMessage, 'content' | 'toolCalls'>,
  format: ToolFormat,
): string {
  const calls = toolCalls.map(({ name, arguments: given }) => ({ name, arguments: exactObject(given) }));
  return format.render(content, calls);
}

/**
 * An assistant's turn, a thought and then an answer, without the part of it that `prompt` ends with.
 * Throws a UserError for a thought after a prompt that has closed it.
 */
export function turnAfter(prompt: string, reasoning: string, answer: string, format: ToolFormat): string {
  const { think, thought } = format;
  const said = answer.replace(/^\n+/, '');
  const own = trimLines(reasoning);
  const opened = openedThought(prompt, format);
  if (opened.includes(think.close)) {
    if (own === '') return said;
    throw new UserError(
      'CHAT_TEMPLATE',
      'The chat template closes the thought in its prompt, and the answer has one; set `thinking: on`, or leave thoughts out.',
    );
  }
  if (opened === '' && own === '' && !format.thinks) return said;
  const whole = thought.open + own + thought.close + said;
  if (opened === '') return whole;
  const rest = whole.slice(think.open.length);
  // Templates of models that always think open the thought with the line break that follows it, or without.
  return opened.slice(think.open.length).includes('\n') ? rest.replace(/^\n/, '') : rest;
}

/** Target of the model after `prompt`: see `turnAfter`, with the end of the turn. */
export function targetAfter(prompt: string, reasoning: string, answer: string, format: ToolFormat): string {
  const { turn, callEnd = turn.close } = format;
  const isCall = (format.callBlocks(answer)?.length ?? 0) > 0;
  return turnAfter(prompt, reasoning, answer, format) + (isCall ? callEnd : turn.close);
}

/** Statement that `withThinking` puts before a template. */
const FIXED_THINKING = /^\{%- set enable_thinking = (?:true|false) %\}/;

/**
 * Parts of the functions that a prompt shows: all of their schemas, their names alone, or nothing, for a model that has
 * learned the functions themselves (context distillation).
 */
export const PROMPT_TOOLS = ['all', 'names', 'none'] as const;
export type PromptTools = (typeof PROMPT_TOOLS)[number];

/** Statements that `withPromptTools` puts before a template, which then shows the rest as it would show all. */
const SHOWN_TOOLS: Readonly<Record<PromptTools, string>> = {
  all: '',
  names:
    '{%- set named = namespace(tools=[]) %}{%- for tool in tools or [] %}{%- set named.tools = named.tools + [{"type": "function", "function": {"name": (tool.function or tool).name}}] %}{%- endfor %}{%- set tools = named.tools or none %}',
  none: '{%- set tools = none %}',
};

export const THINKING = ['on', 'off'] as const;
export type Thinking = (typeof THINKING)[number];

/** Parts of a tokenizer that its chat template depends on. */
interface Spoken {
  readonly chatTemplate: string | undefined;
  readonly specialTokens: SpecialTokens;
  findId?(token: string): number | undefined;
}

/** Beginning of the project's own template where it stands in for a checkpoint's. */
const IN_PLACE = "{#- In place of the checkpoint's own, which shows no tools. #}";

/** The project's own template in the turns of a tokenizer that has Gemma's and not Qwen's. */
function ownTemplate(tokenizer: Spoken): string {
  const { turn } = functiongemma;
  const has = (token: string): boolean => tokenizer.findId?.(token) !== undefined;
  if (has(hermes.turn.open) || !has(turn.open)) return DEFAULT_TEMPLATE;
  const source = DEFAULT_TEMPLATE.replaceAll(hermes.turn.open, turn.open).replaceAll(
    hermes.turn.close,
    turn.close,
  );
  return tokenizer.specialTokens['bos_token'] === undefined ? source : `{{- bos_token }}${source}`;
}

/** A checkpoint's chat template. */
export class ChatTemplate {
  /** Jinja. */
  readonly source: string;
  readonly #tokens: SpecialTokens;
  #chosen: ChosenFormat | undefined;
  /** Keys of special tokens and source: templates with equal ones write the same texts. */
  readonly identity: string;

  constructor(source: string, tokens: SpecialTokens = {}) {
    this.source = source;
    this.#tokens = tokens;
    this.identity = JSON.stringify([source, tokens]);
  }

  /** The template of a tokenizer's checkpoint, or the project's own where that has none, or one that shows no tools. */
  static of(tokenizer: Spoken): ChatTemplate {
    const { chatTemplate, specialTokens } = tokenizer;
    if (chatTemplate !== undefined && /\btools\b/.test(chatTemplate))
      return new ChatTemplate(chatTemplate, specialTokens);
    const own = ownTemplate(tokenizer);
    return new ChatTemplate((chatTemplate === undefined ? '' : IN_PLACE) + own, specialTokens);
  }

  /** The tool-call format that the template writes, with its turns as the template has them. */
  get format(): ToolFormat {
    return this.#choice.format;
  }

  /** Sentence for people: the format, and why it is the one. */
  get formatReason(): string {
    const { format, reason } = this.#choice;
    return `tool-call format: ${format.name}, ${reason}`;
  }

  get #choice(): ChosenFormat {
    this.#chosen ??= chosen(this);
    return this.#chosen;
  }

  /** Renders a conversation, its values as Python writes them; throws a UserError if the template refuses it. */
  render({ messages, tools = [] }: ChatInput, options: RenderOptions = {}): string {
    const { addGenerationPrompt = false, enableThinking, bareTools = false } = options;
    const values = templateValues();
    const toolValue = (tool: Tool | PyDict): unknown => {
      if (bareTools) return values.of(isTool(tool) ? servedTool(tool) : tool);
      return { type: 'function', function: values.of(servedTool(tool)) };
    };
    const text = renderTemplate(this.source, {
      ...this.#tokens,
      messages: messages.map((message) => values.of(templateMessage(message))),
      tools: tools.length > 0 ? tools.map(toolValue) : null,
      add_generation_prompt: addGenerationPrompt,
      enable_thinking: enableThinking,
    });
    // Nothing can be generated after nothing.
    if (addGenerationPrompt && text === '') {
      throw new UserError(
        'CHAT_TEMPLATE',
        "The chat template gives no text for this conversation; check the checkpoint's chat_template.jinja.",
      );
    }
    return values.restore(text);
  }

  /** Text that the template writes behind an assistant's answer; nothing where it cannot show one without more. */
  afterAnswer(): string {
    const text = saidBy(this) ?? '';
    return text.slice(text.lastIndexOf(SAID) + SAID.length).trimStart();
  }

  /** The prompt of the assistant's next turn. */
  prompt(input: ChatInput, enableThinking?: boolean): string {
    return this.render(input, { addGenerationPrompt: true, enableThinking });
  }

  /**
   * Prompt and target of a conversation's next turn. A template that does not think unless it is told to is told to
   * where the answer has a thought; where that does not help, a thought that nobody learns from is left out, and any
   * other is a UserError.
   */
  turn(history: ChatInput, answer: Message | ExactMessage, isLearned = true): PromptAndTarget {
    const reasoning = answer.reasoning ?? '';
    const asked = this.prompt(history);
    const { format } = this;
    const mustOpen = trimLines(reasoning) !== '' && closesThought(asked, format);
    const prompt = mustOpen ? this.prompt(history, true) : asked;
    const thought = isLearned || !closesThought(prompt, format) ? reasoning : '';
    return { prompt, target: targetAfter(prompt, thought, answerText(answer, format), format) };
  }

  /**
   * The same template with thoughts on or off, whatever it is told by who renders it: what a student was trained on is
   * then what every server shows it.
   */
  withThinking(enabled: boolean): ChatTemplate {
    const source = this.source.replace(FIXED_THINKING, '');
    return new ChatTemplate(`{%- set enable_thinking = ${enabled} %}${source}`, this.#tokens);
  }

  /** Parts of the functions that its prompts show, by the statements of `withPromptTools`. */
  get promptTools(): PromptTools {
    const { source } = this.#beginning;
    return PROMPT_TOOLS.find((shown) => shown !== 'all' && source.startsWith(SHOWN_TOOLS[shown])) ?? 'all';
  }

  /** The same template, which shows no more than this of the functions whoever renders it; itself, if that is not said. */
  withPromptTools(shown: PromptTools | undefined): ChatTemplate {
    if (shown === undefined) return this;
    const { thinking, source } = this.#beginning;
    const rest = source.slice(SHOWN_TOOLS[this.promptTools].length);
    return new ChatTemplate(thinking + SHOWN_TOOLS[shown] + rest, this.#tokens);
  }

  /** The statement of `withThinking`, if it begins with one, and what follows it. */
  get #beginning(): { readonly thinking: string; readonly source: string } {
    const [thinking = ''] = FIXED_THINKING.exec(this.source) ?? [];
    return { thinking, source: this.source.slice(thinking.length) };
  }

  /**
   * Tells whether servers show other prompts than the template's own default: llama.cpp's turns thoughts on unless it is told
   * otherwise, where transformers leaves them to the template.
   */
  get dependsOnServer(): boolean {
    // A template that wants more of a conversation says so where it is given one.
    const [own, told] = [undefined, true].map((enableThinking) =>
      rendered(this, [ASKED], { addGenerationPrompt: true, enableThinking }),
    );
    return own !== undefined && told !== undefined && own !== told;
  }

  /**
   * The template that a model is trained and asked with, and exported with: thoughts as `thinking` says, else as the
   * template's own default has them, and the one day that is told in training; itself where that is the same everywhere.
   * Throws a UserError for a format that is named where the template writes another.
   */
  fixed(thinking: Thinking | undefined, format?: FormatName): ChatTemplate {
    if (format !== undefined) return this.#named(format).fixed(thinking);
    const dated = withDay(this.source);
    const template = dated === this.source ? this : new ChatTemplate(dated, this.#tokens);
    if (thinking !== undefined) return template.withThinking(thinking === 'on');
    return template.dependsOnServer ? template.withThinking(false) : template;
  }

  #named(format: FormatName): ChatTemplate {
    const written = this.source.includes(IN_PLACE) ? 'hermes' : formatOf(this.source)?.format.name;
    if (written === format) return this;
    if (written === undefined) return new ChatTemplate(withFormat(this.source, format), this.#tokens);
    throw new UserError(
      'CHAT_TEMPLATE',
      `tool_format is ${format}, and the chat template writes calls as ${written} does; leave tool_format out, or change the checkpoint's chat_template.jinja.`,
    );
  }
}

/** Stands for what an assistant said; of the private use area, so that no template has it. */
const SAID = '\u{F0102}';

const ASKED: Message = { role: 'user', content: '?' };

/** Text of a rendering; undefined where the template refuses the conversation. */
function rendered(
  template: ChatTemplate,
  messages: readonly Message[],
  options?: RenderOptions,
): string | undefined {
  try {
    return template.render({ messages }, options);
  } catch {
    return undefined;
  }
}

/** A short conversation as a template writes it, where it can show one without more. */
const saidBy = (template: ChatTemplate): string | undefined =>
  rendered(template, [ASKED, { role: 'assistant', content: SAID }]);

/** The format of a template's text, with the beginnings and ends of turns, and the thoughts, that the template writes. */
function chosen(template: ChatTemplate): ChosenFormat {
  const { source } = template;
  const isStandIn = source.includes(IN_PLACE);
  const found = isStandIn ? undefined : formatOf(source);
  const { format, reason } = found ?? {
    format: hermes,
    reason: isStandIn
      ? "because the checkpoint's chat template shows no tools, so that tinystar's own stands in its place"
      : 'because the chat template writes calls in no form that is known',
  };
  const before = rendered(template, [ASKED]);
  const asked = rendered(template, [ASKED], { addGenerationPrompt: true });
  if (before === undefined || asked?.startsWith(before) !== true) return { format, reason };
  const [opening = ''] = asked.slice(before.length).split(format.think.open);
  const [end] = /^(?:<[^<>]*>|\[[^[\]]*\])/.exec(template.afterAnswer()) ?? [];
  // A turn without a thought has the tags of one all the same, or the prompt has opened it.
  const thinks =
    (saidBy(template) ?? source).includes(format.think.open) || asked.includes(format.think.open);
  const turn = { ...format.turn, close: end ?? format.turn.close };
  return {
    format: { ...format, thinks, turn, assistant: opening === '' ? format.assistant : opening },
    reason,
  };
}

/** The template of the project's own checkpoints. */
export const OWN_TEMPLATE = new ChatTemplate(DEFAULT_TEMPLATE);
