/** Cases of a project, right by construction: from its examples, its schemas, phrases of spoken English and lexicons. */
import { Rng } from '../../../../src/base/rng.ts';
import type { Case, Note, Project, Split } from '../types.ts';
import { Maker } from './maker.ts';
import { MANY, settingsOf, type SynthesisOptions } from './settings.ts';
import {
  exampleSources,
  genericMissing,
  genericSources,
  type Known,
  knowledgeOf,
  phraseSources,
  type Source,
  terseSources,
} from './sources.ts';
import { divide, type Leaks, leaksOf, phraseSplit } from './split.ts';
import { refusalOf, topicSources } from './topics.ts';

/** @public */
export type { Focus, SynthesisOptions } from './settings.ts';

/** Examples of a function from which its name and description are no words to be tested on. */
const SPOKEN = 4;

export interface Synthesis extends Readonly<Record<Split, readonly Case[]>> {
  readonly notes: readonly Note[];
  readonly leaks: Leaks;
}

/** Makes the cases of a project; the same project, options and seed give the same cases. */
export function synthesise(project: Project, options: SynthesisOptions): Synthesis {
  const settings = settingsOf(project, options);
  const known = knowledgeOf(project);
  const isLarge = project.examples.length > MANY;
  const made = isLarge
    ? exampleSources(known)
    : [
        ...exampleSources(known),
        ...phraseSources(known),
        ...genericSources(known),
        ...terseSources(known),
        ...genericMissing(known),
      ];
  const sources = [
    ...made,
    ...(settings.irrelevantShare > 0 ? topicSources(known, refusalOf(known, settings.refusal)) : []),
  ];
  const rng = Rng.seeded(settings.seed, 'synth');
  const isPhrase = ({ origin }: Source): boolean => origin === 'phrases' || origin === 'topics';
  const own = divide(
    sources
      .filter((source) => !isPhrase(source))
      .map(({ id, tools, kind, origin }) => ({ id, group: `${origin} ${kind} ${tools.join()}` })),
    { dev: settings.devShare, test: settings.testShare },
    Rng.seeded(settings.seed, 'split'),
  );
  const split = new Map([
    ...own,
    ...sources.filter(isPhrase).map(({ id }) => [id, phraseSplit(id)] as const),
  ]);
  const counts = new Map<string, number>();
  for (const { calls } of project.examples)
    for (const { name } of calls) counts.set(name, (counts.get(name) ?? 0) + 1);
  /** Tells whether a source is a stiff stand-in for words that a person has given: a verdict is over the latter. */
  const isStiff = ({ origin, tools: [tool = ''] }: Source): boolean =>
    origin === 'schema' && (counts.get(tool) ?? 0) >= SPOKEN;
  const of = (name: Split): Source[] =>
    sources.filter((one) => split.get(one.id) === name && (name === 'train' || !isStiff(one)));
  const maker = new Maker(known, settings, split);
  const heldOut = (share: number): number =>
    share === 0 ? 0 : Math.max(40, Math.round(Math.min(settings.size * share, isLarge ? 0 : 500)));
  // Test and development come first: what training has in common with them is left out of training.
  const test = maker.make('test', of('test'), heldOut(settings.testShare), rng);
  const dev = maker.make('dev', of('dev'), heldOut(settings.devShare), rng);
  const train = maker.make('train', of('train'), settings.size, rng);
  const cases = { train, dev, test };
  return { ...cases, notes: notesOf(known, train, settings.size), leaks: leaksOf(cases, maker.leftOut) };
}

function notesOf({ tools, matches, project }: Known, train: readonly Case[], size: number): Note[] {
  const notes: Note[] = [];
  const counts = new Map<string, number>();
  for (const { calls } of project.examples)
    for (const { name } of calls) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const name of tools.keys()) {
    const isKnown = matches.some(({ tool }) => tool === name);
    const number = counts.get(name) ?? 0;
    if (number < 3 && !isKnown)
      notes.push({
        where: name,
        text: `has ${number === 0 ? 'no examples' : number === 1 ? 'one example' : 'two examples'}, and its requests are made of its name and description alone: add some of your own wordings.`,
      });
  }
  if (train.length < size)
    notes.push({
      where: 'cases',
      text: `${train.length} different training cases could be made, not ${size}: more examples give more.`,
    });
  return notes;
}
