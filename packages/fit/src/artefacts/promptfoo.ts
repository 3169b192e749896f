/** A configuration of promptfoo that asks a server of the student what the acceptance suite asks. */
import { stringify } from 'yaml';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Case } from '../types.ts';

/** JavaScript that compares calls, in any order, with those that are due; any words are right where none are. */
const CHECK = `const sorted = (v) => Array.isArray(v) ? v.map(sorted) : v && typeof v === 'object'
  ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : typeof v === 'string' ? v.trim() : v;
const given = Array.isArray(output) ? output : output && output.tool_calls ? output.tool_calls : [];
const made = given.map((c) => c.function ?? c).map(({ name, arguments: a }) => ({ name, arguments: typeof a === 'string' ? JSON.parse(a) : a }));
const key = (calls) => calls.map((c) => JSON.stringify(sorted(c))).sort().join('\\n');
return key(made) === key(JSON.parse(context.vars.calls));
`;

/** Text that promptfoo's templates leave as it is. */
const raw = (text: string): string => (/\{[{%#]/.test(text) ? `{% raw %}${text}{% endraw %}` : text);

/** The text of promptfooconfig.yaml. */
export function promptfooConfig(functions: readonly Tool[], cases: readonly Case[]): string {
  const config = {
    description: 'Requests to my functions, asked of the student as it is served',
    prompts: ['{{request}}'],
    providers: [
      {
        id: 'openai:chat:student',
        label: 'student',
        config: {
          apiBaseUrl: 'http://localhost:8080/v1',
          apiKey: 'none',
          temperature: 0,
          tools: functions.map((tool) => ({ type: 'function', function: tool })),
        },
      },
    ],
    defaultTest: { assert: [{ type: 'javascript', value: CHECK }] },
    tests: cases.map(({ id, kind, request, calls }) => ({
      description: `${id} (${kind})`,
      // A list would be taken for several tests.
      vars: { request: raw(request), calls: JSON.stringify(calls) },
    })),
  };
  const head =
    '# llama-server -m student.gguf --jinja --port 8080, or ollama with port 11434; then: npx promptfoo eval\n';
  return head + stringify(config, { lineWidth: 0 });
}
