/** Names in a recipe that must refer to a model, an environment or an earlier stage of the right kind. */
import { isFields } from '../json/value.ts';
import { type KindName, stageKinds } from '../stages/index.ts';
import type { Referent } from '../stages/stage.ts';
import { pathText, type Problem } from './problems.ts';
import { placesIn } from './rules.ts';
import { listed, suggestion } from './suggest.ts';
import type { Path } from './tree.ts';

/** Texts on what a reference must be, by all that it accepts. */
function acceptedText(accepts: readonly Referent[]): string {
  const kinds = Object.entries(stageKinds).flatMap(([kind, { makes }]) =>
    accepts.some((one) => one === makes && one !== 'model') ? [kind] : [],
  );
  const texts = [
    ...(accepts.includes('model') ? ['a model or an earlier stage that trains one'] : []),
    ...(kinds.length > 0 ? [`an earlier ${listed(kinds)} stage`] : []),
    ...(accepts.includes('environment') ? ['an environment'] : []),
  ];
  return accepts.join() === 'environment' ? "one of the recipe's environments" : texts.join(', or ');
}

/** The word for the training set where a stage's `data` could name another stage. */
const TRAINING_SET = 'train';

interface Named {
  readonly what: string;
  /** Referent that it can be; undefined for a stage of an unknown kind, a fault that is told elsewhere. */
  readonly is: string | undefined;
  /** The first stage that may refer to it. */
  readonly from: number;
}

const fits = ({ is }: Named, accepts: readonly string[]): boolean => is === undefined || accepts.includes(is);

function named({ kind }: Readonly<Record<string, unknown>>, index: number): Named {
  const isKnown = typeof kind === 'string' && Object.hasOwn(stageKinds, kind);
  const is = isKnown ? stageKinds[kind as KindName].makes : undefined;
  return { what: `a ${String(kind)} stage`, is, from: index + 1 };
}

/** Wrong references and names, found on the raw values so that they are told together with a schema's complaints. */
export function referenceProblems(recipe: unknown): readonly Problem[] {
  const { models, environments, stages } = isFields(recipe) ? recipe : {};
  const problems: Problem[] = [];
  const names = new Map<string, Named>();
  const problem = (path: Path, text: string): void => {
    problems.push({ path, part: 'value', text });
  };
  const add = (path: Path, name: string, thing: Named): void => {
    const taken = names.get(name);
    const owner =
      name === TRAINING_SET ? 'the training set' : taken?.from === 0 ? taken.what : 'an earlier stage';
    if (taken === undefined && name !== TRAINING_SET) names.set(name, thing);
    else
      problem(
        path,
        `the name ${name} is taken by ${owner}; rename this ${path[0] === 'stages' ? 'stage' : 'environment'}.`,
      );
  };

  if (isFields(models))
    for (const name of Object.keys(models)) names.set(name, { what: 'a model', is: 'model', from: 0 });
  if (isFields(environments))
    for (const name of Object.keys(environments))
      add(['environments', name], name, { what: 'an environment', is: 'environment', from: 0 });
  if (Array.isArray(stages))
    for (const [index, stage] of stages.entries())
      if (isFields(stage) && typeof stage['name'] === 'string')
        add(['stages', index, 'name'], stage['name'], named(stage, index));

  for (const { path, value, rule } of placesIn(recipe)) {
    const accepts: readonly Referent[] | undefined = rule.accepts;
    if (accepts === undefined) continue;
    const thing = names.get(value);
    const stage = path[0] === 'stages' ? Number(path[1]) : Infinity;
    const isEarlier = thing !== undefined && thing.from <= stage;
    if ((value === TRAINING_SET && accepts.includes('train')) || (isEarlier && fits(thing, accepts)))
      continue;
    const text = acceptedText(accepts);
    const fitting = [...names].filter(([, other]) => other.from <= stage && fits(other, accepts));
    const known = [...(accepts.includes('train') ? [TRAINING_SET] : []), ...fitting.map(([name]) => name)];
    const why =
      thing === undefined
        ? `which is not ${text}${suggestion(value, known)}`
        : `${isEarlier ? thing.what : 'which does not come earlier'}; it must be ${text}.`;
    problem(path, `${pathText(recipe, path)} refers to ${value}, ${why}`);
  }
  return problems;
}
