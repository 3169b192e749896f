/** `tinystar data topk`: what a teacher's stored distributions hold, in numbers and token by token. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildCommand } from '@stricli/core';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { StoreSummary, Spread } from '../../topk/inspect.ts';
import type { TopKFile } from '../../topk/reader.ts';
import type { CliContext } from '../context.ts';
import { outStyle } from '../context.ts';
import { debugFlag, examples, wholeNumber } from '../flags.ts';
import { table } from '../../report/table.ts';

interface Flags {
  readonly student?: string;
  readonly show: number;
  readonly json: boolean;
  readonly debug: boolean;
}

/** The store in a rollout stage's folder, or the file itself. */
async function storePath(given: string): Promise<string> {
  const { STORE_FILE } = await import('../../topk/format.ts');
  const isFolder = existsSync(given) && statSync(given).isDirectory();
  return isFolder ? join(given, STORE_FILE) : given;
}

async function topk(this: CliContext, flags: Flags, given: string): Promise<void> {
  const [{ TopKFile: Store, checkVocabulary }, { summarise }] = await Promise.all([
    import('../../topk/reader.ts'),
    import('../../topk/inspect.ts'),
  ]);
  const store = new Store(await storePath(given));
  let tokenizer: Tokenizer | undefined;
  if (flags.student !== undefined) {
    const { Tokenizer: Loaded } = await import('../../chat/tokenizer.ts');
    tokenizer = Loaded.load(flags.student);
    checkVocabulary(store.path, store.header, tokenizer.fingerprint());
  }
  const summary = summarise(store);
  if (flags.json) {
    this.process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  this.process.stdout.write(summaryText(summary));
  if (flags.show > 0) await showTokens(this, store, flags.show, tokenizer);
}

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

function summaryText(summary: StoreSummary): string {
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
  const spreads = [
    ['', 'mean', '1%', '10%', 'median', '90%'],
    row('mass covered', mass),
    row('entropy, nats', entropy),
  ];
  const bounds = Object.keys(rank.upTo);
  const ranks = [
    ['rank of the sampled token', ...bounds.map((bound) => `to ${bound}`), 'outside'],
    ['', ...bounds.map((bound) => percent(rank.upTo[bound] ?? 0)), percent(rank.outside)],
  ];
  const right = Array.from({ length: 9 }, (_, i) => (i === 0 ? 'left' : 'right') as 'left' | 'right');
  return [table(facts), table(spreads, right), table(ranks, right)].join('\n');
}

/** The tokens of the first answers, each with its rank, probability, mass, entropy and likeliest rivals. */
async function showTokens(
  context: CliContext,
  store: TopKFile,
  count: number,
  tokenizer: Tokenizer | undefined,
): Promise<void> {
  const { rowFacts } = await import('../../topk/inspect.ts');
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

export const dataTopkCommand = buildCommand<Flags, [string], CliContext>({
  func: topk,
  parameters: {
    flags: {
      student: {
        kind: 'parsed',
        parse: String,
        brief: "The student's folder: a store in another vocabulary is refused, tokens show as text",
        optional: true,
        placeholder: 'DIR',
      },
      show: {
        kind: 'parsed',
        parse: wholeNumber(0),
        brief: 'Show the tokens of so many answers',
        default: '0',
        placeholder: 'N',
      },
      json: { kind: 'boolean', brief: 'Print the numbers as JSON', default: false, withNegated: false },
      debug: debugFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'A top-k store, or the folder of rollouts that it is in',
          parse: String,
          placeholder: 'FILE',
        },
      ],
    },
  },
  docs: {
    brief: "Look into a teacher's stored distributions",
    fullDescription: examples(
      "Prints how much of the teacher's probability a top-k store covers, the entropies, where the sampled tokens rank, and\n" +
        'what is wrong with it. Every checksum is verified.',
      'tinystar data topk runs/tiny-star/stages/rollouts/rollouts --student bases/student --show 1',
    ),
  },
});
