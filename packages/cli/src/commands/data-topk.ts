/** `tinystar data topk`: what a teacher's stored distributions hold, in numbers and token by token. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { headedTable, table } from '../../../report/src/table.ts';
import { STORE_FILE } from '../../../../src/topk/format.ts';
import { rowFacts, type Spread, type StoreSummary, summarise } from '../../../../src/topk/inspect.ts';
import { checkVocabulary, TopKFile } from '../../../../src/topk/reader.ts';
import { command } from '../command.ts';
import { type CliContext, outStyle } from '../context.ts';
import { optional, text, toggle, whole } from '../flags.ts';
import type { Style } from '../terminal.ts';

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

function summaryText(summary: StoreSummary, style: Style): string {
  const { answers, tokens, tokensWithout, mass, entropy, rank, faults } = summary;
  const row = (name: string, { mean, p1, p10, median, p90 }: Spread): string[] => [
    name,
    ...[mean, p1, p10, median, p90].map((value) => value.toFixed(4)),
  ];
  const facts = [
    ['answers', `${answers}, ${tokens} tokens with ${summary.topK} log-probabilities each`],
    ['size', `${summary.bytes} bytes, ${summary.bytesPerToken} a token`],
    ['tokenizer', `${summary.tokenizer}, ${summary.vocabSize} tokens`],
    ['sampled tokens', `mean log-probability ${summary.sampledLogprob.toFixed(4)} nats`],
    ...(tokensWithout > 0
      ? [['without', `${tokensWithout} tokens have no distribution and do not count`]]
      : []),
    ...(faults.mass > 0 ? [['fault', `${faults.mass} tokens have more probability than 1`]] : []),
    ...(faults.ids > 0 ? [['fault', `${faults.ids} tokens have ids beyond the tokenizer's`]] : []),
  ];
  if (tokens === 0) return table(facts);
  const spreads = [row('mass covered', mass), row('entropy, nats', entropy)];
  const [bounds, shares] = [Object.keys(rank.upTo), Object.values(rank.upTo)];
  return [
    table(facts),
    headedTable(['', 'mean', '1%', '10%', 'median', '90%'], spreads, style),
    headedTable(
      ['rank of the sampled token', ...bounds.map((bound) => `to ${bound}`), 'outside'],
      [['', ...shares.map(percent), percent(rank.outside)]],
      style,
    ),
  ].join('\n');
}

/** The tokens of the first answers, each with its rank, probability, mass, entropy and likeliest rivals. */
function showTokens(
  context: CliContext,
  store: TopKFile,
  count: number,
  tokenizer: Tokenizer | undefined,
): void {
  const style = outStyle(context);
  const { topK } = store.header;
  const text = (id: number): string =>
    tokenizer === undefined ? String(id) : JSON.stringify(tokenizer.tokenText(id));
  let shown = 0;
  for (let i = 0; i < store.length && shown < count; i++) {
    if (store.size(i).rows === 0) continue;
    shown += 1;
    const sequence = store.read(i);
    const { tokens, logprobs, top } = sequence;
    const first = tokens.length - logprobs.length;
    const rows = Array.from(logprobs, (logprob, row) => {
      const { mass, entropy, rank } = rowFacts(sequence, topK, row);
      const likely = Array.from({ length: Math.min(3, topK) }, (_, entry) => {
        const at = row * topK + entry;
        return `${text(top.ids[at] ?? 0)} ${Math.exp(top.logprobs[at] ?? 0).toFixed(3)}`;
      });
      return [
        text(tokens[first + row] ?? 0),
        rank === 0 ? `>${topK}` : String(rank),
        ...[Math.exp(logprob), mass, entropy].map((value) => value.toFixed(3)),
        style.dim(likely.join('  ')),
      ];
    });
    const head = ['token', 'rank', 'p', 'mass', 'entropy', 'likeliest'].map((name) => style.dim(name));
    context.process.stdout.write(
      `\n${table([head, ...rows], ['left', 'right', 'right', 'right', 'right', 'left'])}`,
    );
  }
}

export const dataTopkCommand = command({
  brief: "Look into a teacher's stored distributions",
  about:
    "Prints how much of the teacher's probability a top-k store covers, the entropies, where the sampled tokens rank, and\n" +
    'what is wrong with it. Every checksum is verified.',
  examples: ['tinystar data topk runs/tiny-star/stages/rollouts/rollouts --student bases/student --show 1'],
  flags: {
    student: optional(
      text("The student's folder: a store in another vocabulary is refused, tokens show as text", 'DIR'),
    ),
    show: whole(0, 'Show the tokens of so many answers', 0),
    json: toggle('Print the numbers as JSON'),
  },
  args: [{ brief: 'A top-k store, or the folder of rollouts that it is in', placeholder: 'FILE' }],
  async run(context, given, path) {
    const { stdout } = context.process;
    const isFolder = existsSync(path) && statSync(path).isDirectory();
    const store = new TopKFile(isFolder ? join(path, STORE_FILE) : path);
    const tokenizer = given.student === undefined ? undefined : Tokenizer.load(given.student);
    if (tokenizer !== undefined) checkVocabulary(store.path, store.header, tokenizer.fingerprint());
    const summary = summarise(store);
    if (given.json) {
      stdout.write(`${JSON.stringify(summary)}\n`);
      return;
    }
    stdout.write(summaryText(summary, outStyle(context)));
    if (given.show > 0) showTokens(context, store, given.show, tokenizer);
  },
});
