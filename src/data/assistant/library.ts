/** All functions of the assistant, and the words that their definitions and phrases use. */
import { calendar } from './domains/calendar.ts';
import { clock } from './domains/clock.ts';
import { cooking } from './domains/cooking.ts';
import { fitness } from './domains/fitness.ts';
import { heldOut } from './domains/held-out.ts';
import { home } from './domains/home.ts';
import { info, money } from './domains/info.ts';
import { lists } from './domains/lists.ts';
import { media } from './domains/media.ts';
import { music } from './domains/music.ts';
import { navigation } from './domains/navigation.ts';
import { settings } from './domains/settings.ts';
import { shopping } from './domains/shopping.ts';
import { calls, messages } from './domains/talk.ts';
import { travel } from './domains/travel.ts';
import { weather } from './domains/weather.ts';
import type { FunctionSpec } from './spec.ts';

export const TRAINING_FUNCTIONS: readonly FunctionSpec[] = [
  ...clock,
  ...home,
  ...music,
  ...messages,
  ...calls,
  ...calendar,
  ...navigation,
  ...lists,
  ...shopping,
  ...weather,
  ...fitness,
  ...settings,
  ...cooking,
  ...travel,
  ...media,
  ...info,
  ...money,
];

/** Functions that occur in evaluation only. */
export const HELD_OUT_FUNCTIONS: readonly FunctionSpec[] = heldOut;

/** The lower-case words of a text. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}

/** Every word by which training functions are defined or asked for: none of them can be a test word. */
export function trainingVocabulary(): Set<string> {
  const texts = TRAINING_FUNCTIONS.flatMap((spec) => [
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
