/** All functions of the assistant, and the words that their definitions and phrases use. */
import { once } from './once.ts';
import { domainOf, type FunctionSpec } from './spec.ts';

const DOMAINS =
  'clock home music messages calls calendar navigation lists shopping weather fitness settings cooking travel media info money'.split(
    ' ',
  );

export const trainingFunctions = once((): readonly FunctionSpec[] => DOMAINS.flatMap(domainOf));

/** Functions that occur in evaluation only: training sees none of them, under no name. */
export const heldOutFunctions = once((): readonly FunctionSpec[] => domainOf('held-out'));

/** The lower-case words of a text. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}

/** Every word by which training functions are defined or asked for: none of them can be a test word. */
export function trainingVocabulary(): Set<string> {
  const texts = trainingFunctions().flatMap((spec) => [
    ...spec.names,
    ...spec.descriptions,
    ...spec.params.flatMap((param) => [
      ...param.names,
      ...(param.kind.type === 'choice' ? param.kind.values : []),
    ]),
    ...[...spec.train, ...spec.many].map((template) => template.source),
  ]);
  return new Set(texts.flatMap(wordsOf));
}
