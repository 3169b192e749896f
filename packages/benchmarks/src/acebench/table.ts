/** ACEBench's scores as they are shown, each beside what the official answers reach. */
import type { Table } from '../benchmark.ts';
import { PUBLISHED_ACEBENCH, type PublishedAcebench } from '../published.ts';
import { CATEGORIES } from './categories.ts';
import type { Scores } from './scores.ts';

const NONE = '–';
const share = (value: number | undefined): string =>
  value === undefined ? NONE : `${(100 * value).toFixed(1)}%`;

/** Remarks on thoughts; none where they are scored with the rest, as officially. */
const THINKING_REMARKS: Readonly<Record<Scores['thinking'], string>> = {
  keep: '',
  strip: 'thoughts taken off before scoring',
  off: 'asked for no thoughts',
};

function remarks({ thinking, openThought }: Scores): readonly string[] {
  return [THINKING_REMARKS[thinking], openThought ? 'prompts ended with <think>' : ''];
}

/** The columns of the paper's table that are means of some of the twelve parts, by how those are called. */
const PARTS = [
  { title: 'Atom', key: 'atom', prefix: 'atom_' },
  { title: 'Single-turn', key: 'singleTurn', prefix: 'single_turn_' },
  { title: 'Multi-turn', key: 'multiTurn', prefix: 'multi_turn_' },
  { title: 'Similar API', key: 'similarApi', prefix: 'similar_api' },
  { title: 'Preference', key: 'preference', prefix: 'preference' },
] as const satisfies readonly { title: string; key: keyof PublishedAcebench; prefix: string }[];

/** The mean of the parts whose names begin with `prefix`; undefined as long as one of them is missing. */
function partMean({ categories }: Scores, prefix: string): number | undefined {
  const isPart = ({ kind, name }: { readonly kind: string; readonly name: string }): boolean =>
    kind === 'normal' && name.startsWith(prefix);
  const own = categories.filter(isPart);
  if (own.length < CATEGORIES.filter(isPart).length) return undefined;
  return own.reduce((sum, { accuracy }) => sum + accuracy, 0) / own.length;
}

const part = (value: number | undefined): string => (value === undefined ? NONE : `${value.toFixed(1)}%`);

export const acebenchTable: Table<Scores> = {
  edition: ({ revision }) => ` English, revision ${revision}`,
  remarks,
  tables(scores, { bold, dim }) {
    const rows = (['normal', 'special'] as const).flatMap((kind) => {
      const own = scores.categories.filter((score) => score.kind === kind);
      if (own.length === 0) return [];
      const title = bold(kind === 'normal' ? 'Normal' : 'Special');
      const mean = scores[kind];
      const sum =
        mean === null
          ? [title, dim('incomplete')]
          : [title, bold(share(mean.accuracy)), '', bold(share(mean.ceiling))];
      const ofCategories = own.map(({ name, total, correct, accuracy, ceiling }) => [
        name,
        bold(share(accuracy)),
        { correct, total },
        share(ceiling),
        dim(`${correct}/${total}`),
      ]);
      return [...ofCategories, sum];
    });
    const head = ['category', 'accuracy', '95% interval', 'ceiling', 'correct'];
    const note = dim('ceiling: what the official answers themselves reach; dialogues count as one\n');
    return [{ head, rows, note }];
  },
  summary: {
    columns: ['ACEBench', 'Normal', 'its ceiling', 'Special', 'its ceiling'],
    cells: ({ normal, special }) =>
      [normal, special].flatMap((sum) =>
        sum === null ? ['N/A', ''] : [share(sum.accuracy), share(sum.ceiling)],
      ),
  },
  page: {
    title: 'ACEBench, English',
    columns: ['Normal', 'its ceiling', ...PARTS.map(({ title }) => title), 'Special', 'its ceiling'],
    cells(scores) {
      const { normal, special } = scores;
      const parts = PARTS.map(({ prefix }) => share(partMean(scores, prefix)));
      return [
        share(normal?.accuracy),
        share(normal?.ceiling),
        ...parts,
        share(special?.accuracy),
        share(special?.ceiling),
      ];
    },
    remarks: (scores) => [`revision ${scores.revision}`, ...remarks(scores)],
    published: PUBLISHED_ACEBENCH.map((row) => ({
      ...row,
      cells: [part(row.normal), NONE, ...PARTS.map(({ key }) => part(row[key])), NONE, NONE],
    })),
    categories: {
      title: 'ACEBench by category, of what the official answers reach',
      names: CATEGORIES.map(({ kind, name }) => `${kind} ${name}`),
      column: ({ model, revision }) => `${model}, ${revision}`,
      cell({ categories }, name) {
        const one = categories.find((category) => `${category.kind} ${category.name}` === name);
        return one === undefined
          ? 'N/A'
          : `${share(one.accuracy)} of ${share(one.ceiling)} (${one.correct}/${one.total})`;
      },
    },
  },
};
