/** The model card: what the student does, how well, on what it was trained, how it is run. */
import { stripVTControlCharacters } from 'node:util';
import {
  confusionTable,
  functionTable,
  kindTable,
  type Labelled,
  riskTable,
  worstText,
} from '../acceptance/tables.ts';
import type { RiskPoint } from '../acceptance/confidence.ts';
import type { Latency } from '../acceptance/latency.ts';
import type { Answered } from '../acceptance/answers.ts';
import { formatBytes, formatCount } from '../../../report/src/numbers.ts';
import type { Tool } from '../../../../src/chat/messages.ts';

/** The answer on one set of requests. */
export interface Suite {
  /** Set of requests, for people. */
  readonly title: string;
  readonly models: readonly Labelled[];
  readonly worst: readonly Answered[];
  readonly risk: readonly RiskPoint[];
}

export interface Card {
  readonly verdict: string;
  readonly functions: readonly Tool[];
  readonly counts: Readonly<Record<'train' | 'dev' | 'test', number>>;
  readonly base: string;
  readonly why: readonly string[];
  readonly suites: readonly Suite[];
  readonly latency: Latency | undefined;
  readonly bytes: number;
  readonly weights: number;
  readonly dtype: string;
}

const PLAIN = { bold: (text: string): string => text, dim: (text: string): string => text };
const block = (text: string): string => `\`\`\`text\n${stripVTControlCharacters(text).trimEnd()}\n\`\`\`\n`;

/** Label of the student in tables. */
export const STUDENT = 'student';

function suiteText({ title, models, worst, risk }: Suite): string {
  const student = models.find(({ label }) => label === STUDENT)?.scores;
  const parts = [`## ${title}\n`, block(kindTable(models, PLAIN))];
  if (student !== undefined) {
    parts.push(
      'Right means: exactly the calls that are due, in any order, each with equal arguments; in words where none is. Calls were held to the schemas of the functions, as the engine of tinystar does. Intervals are 95% (Wilson).\n',
      `### Functions\n`,
      block(functionTable(student, PLAIN)),
    );
    const confused = confusionTable(student, PLAIN);
    if (confused !== '') parts.push('### Confusions\n', block(confused));
  }
  if (risk.length > 0)
    parts.push(
      '### Confidence\n',
      'Calls below a threshold of confidence are not made:\n',
      block(riskTable(risk, PLAIN)),
    );
  if (worst.length > 0) parts.push('### Worst answers\n', block(worstText(worst, PLAIN)));
  return parts.join('\n');
}

/** The text of README.md. */
export function modelCard(card: Card): string {
  const { functions, counts, suites, latency, bytes, weights, dtype, base, why, verdict } = card;
  const time =
    latency === undefined
      ? ''
      : `, ${latency.median.toFixed(0)} ms an answer in llama.cpp on this machine, functions and all (median of ${latency.requests}, slowest ${latency.slowest.toFixed(0)} ms)`;
  return [
    `# A student of ${functions.length} functions\n`,
    `**${verdict}**\n`,
    `\`student.gguf\`: ${formatCount(weights)} weights as ${dtype}, ${formatBytes(bytes)}${time}.\n`,
    'It calls these functions:\n',
    `${functions.map(({ name, description }) => `- \`${name}\`: ${description.split('\n')[0] ?? ''}`).join('\n')}\n`,
    ...suites.map(suiteText),
    '## Training\n',
    `Made by \`tinystar fit\` of ${base}, on ${counts.train} training cases; ${counts.dev} development cases decided on its settings, and ${counts.test} test cases, whose wordings are in neither, were used for the tables above alone.\n`,
    ...(why.length === 0 ? [] : [`${why.map((reason) => `- ${reason}`).join('\n')}\n`]),
    '## Use\n',
    `\`\`\`sh\nllama-server -m student.gguf --jinja        # pass functions.json as tools\nollama create my-functions -f Modelfile     # the same in Ollama\nnpx promptfoo eval                          # the acceptance suite against a server\n\`\`\`\n`,
    '## Limits\n',
    'It knows these functions and little else. Cases were constructed from the functions and the examples: people word requests in more ways than these, so keep some of theirs as a test file of your own (`test` in fit.yaml).\n',
  ].join('\n');
}
