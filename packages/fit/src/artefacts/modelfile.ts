/**
 * A Modelfile for Ollama. Its template has the functions' text as the student was trained with it, byte by byte: Ollama prints
 * tools as structs of Go (ollama#14601) or leaves parts of schemas out (ollama#11444), and a student of one's own functions
 * needs no others. Tools are still to be passed: Ollama looks for calls only then, behind the first text of the first
 * `{{ if .ToolCalls }}` (parseTag of its tools/template.go); without one it would look for a bare JSON object and lose all calls.
 * Arguments go through its function `json`, as they too are printed as structs in some versions, and words hide no calls.
 */
import type { Tool } from '../../../../src/chat/messages.ts';
import { ChatTemplate, type PromptTools } from '../../../../src/chat/template.ts';
import type { Tokenizer } from '../../../../src/chat/tokenizer.ts';

export interface ModelfileOptions {
  /** File of the model, beside the Modelfile. */
  readonly gguf: string;
  readonly functions: readonly Tool[];
  readonly tokenizer: Tokenizer;
  /** Tokens that prompt and answer may have together. */
  readonly contextLength: number;
}

/** Stands for a text that a request brings along. */
const HERE = '\u{E000}';

/** Text of a template of Go, where two braces begin an action. */
const literal = (text: string): string => text.replaceAll('{{', '{{ "{{" }}');

/** Text of a Modelfile between three quotes. */
const quoted = (text: string): string => `"""${text.replaceAll('"""', '"{{ "" }}""')}"""`;

/** Prompt of one request, in two halves. */
function halves(
  template: ChatTemplate,
  functions: readonly Tool[],
): readonly [before: string, after: string] {
  const prompt = template.prompt({ messages: [{ role: 'user', content: HERE }], tools: functions });
  const [before = '', after = ''] = prompt.split(HERE);
  return [before, after];
}

/** The template of Hermes's format, which Ollama reads calls of: whole conversations, calls and results. */
function hermesTemplate(before: string, after: string, { turn }: ChatTemplate['format']): string {
  const user = `${turn.open}user\n`;
  const start = literal(before.slice(0, before.length - user.length));
  const head = `${turn.open}system\n`;
  const system = start.startsWith(head)
    ? `${head}{{ if .System }}{{ .System }}\n\n{{ end }}${start.slice(head.length)}`
    : start;
  const answer = literal(after.slice(turn.close.length + 1));
  return [
    `${system}{{ if .Tools }}{{ end }}`,
    '{{- range $i, $message := .Messages }}',
    '{{- $last := eq (len (slice $.Messages $i)) 1 }}',
    `{{- if eq .Role "user" }}${user}{{ .Content }}${turn.close}\n`,
    `{{ else if eq .Role "assistant" }}${turn.open}assistant\n`,
    '{{ if .Content }}{{ .Content }}{{ with .ToolCalls }}\n{{ end }}{{ end }}',
    '{{- if .ToolCalls }}{{ range $j, $_ := .ToolCalls }}<tool_call>\n{"name": "{{ .Function.Name }}", "arguments": {{ json .Function.Arguments }}}\n</tool_call>',
    '{{- if gt (len (slice $message.ToolCalls $j)) 1 }}\n{{ end }}{{ end }}{{ end }}',
    `{{- if not $last }}${turn.close}\n{{ end }}`,
    `{{- else if eq .Role "tool" }}${user}<tool_response>\n{{ .Content }}\n</tool_response>${turn.close}\n`,
    '{{ end }}',
    `{{- if and (ne .Role "assistant") $last }}${answer}{{ end }}`,
    '{{- end }}',
  ].join('');
}

/** Places of the functions, in words. */
const WHERE: Readonly<Record<PromptTools, string>> = {
  all: 'The functions stand in the template as the model was trained with them',
  names: 'The names of the functions stand in the template, and the model knows the rest by heart',
  none: 'The model knows the functions by heart, and the template has none of them',
};

/** The text of a Modelfile. */
export function modelfile({ gguf, functions, tokenizer, contextLength }: ModelfileOptions): string {
  const template = ChatTemplate.of(tokenizer).fixed('off');
  const { format } = template;
  const [before, after] = halves(template, functions);
  const isHermes = format.name === 'hermes' && before.endsWith(`${format.turn.open}user\n`);
  const text = isHermes
    ? hermesTemplate(before, after, format)
    : `${literal(before)}{{ if .Tools }}{{ end }}{{ .Prompt }}${literal(after)}`;
  const stops = new Set([
    format.turn.close.trim(),
    ...(format.callEnd === undefined ? [] : [format.callEnd.trim()]),
  ]);
  return [
    '# ollama create my-functions -f Modelfile',
    `# ${WHERE[template.promptTools]}; pass them as tools all the same.`,
    `FROM ./${gguf}`,
    `TEMPLATE ${quoted(text)}`,
    'PARAMETER temperature 0',
    `PARAMETER num_ctx ${contextLength}`,
    ...[...stops].filter((stop) => stop !== '').map((stop) => `PARAMETER stop ${JSON.stringify(stop)}`),
    '',
  ].join('\n');
}
