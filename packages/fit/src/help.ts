/** Page of help that a new project begins with. */
import type { Tool } from '../../../src/chat/messages.ts';
import { SPLITS } from './types.ts';

/** The page, in Markdown, for a project in `folder`. */
export function helpPage(functions: readonly Tool[], folder: string): string {
  const [{ name, description } = { name: 'set_light', description: 'Switch a light' }] = functions;
  return `# A tiny model that calls your functions

This folder is what \`tinystar fit\` learns from. Everything in it may be edited.

| file | what it is |
|---|---|
| functions.json | your functions, as the model will see them: ${functions.length}, each with its name, description and JSON Schema |
| examples.jsonl | requests with the calls that are due; one JSON object a line |
| fit.yaml | settings; each has a default |
| cases/${SPLITS.map((split) => `${split}.jsonl`).join(', ')} | written by \`tinystar synth\`: what is trained on, chosen by, and judged by |

## What to do next

1. Read functions.json. A model sees nothing but these words: say in each description what people would ask for, and in the
   arguments' descriptions what is meant when they are left out.
2. Put requests into examples.jsonl, in the words of the people who will use it: 5 to 10 for each function, more is better.
   Those with "made": "description" are in the words of descriptions, and are not learnt from: replace them, mark and all.
   - a call: \`{"request": "...", "calls": [{"name": "${name}", "arguments": {...}}]}\` (${description.split('\n')[0]?.slice(0, 80) ?? ''})
   - several: two or more in "calls", in their order
   - nothing to call, in words: \`{"request": "how are you", "reply": "I can't do that."}\`
   - a value is missing: \`{"request": "...", "reply": "Which one?"}\`
   Leave out the arguments that the request does not say. Other keys of a line are yours.
3. Run it:

\`\`\`sh
tinystar synth ${folder}    # cases made from these; look at them with: tinystar review ${folder}
tinystar fit ${folder}      # everything: cases, teacher, student, verdict, files to serve
\`\`\`

A fault in a file is told with its line, all of them at once.
`;
}
