/** Requests out of others: several calls, one phrase for two things, corrections, negations. */
import type { Rng } from '../../../../src/base/rng.ts';
import type { JsonValue } from '../../../../src/json/value.ts';
import { SLOT, type Slot, slotIndex, slotMark, type Spoken, speak, type Wording } from './wording.ts';

const JOINTS = [
  ' and ',
  ' and ',
  ' and ',
  ' and ',
  ' and then ',
  ', then ',
  ', and ',
  ' and also ',
  ' then ',
  ', also ',
  '. also ',
  ', ',
  '. ',
  ' and after that ',
  ' plus ',
  '. then ',
  '. oh and ',
];

const PLAIN_JOINTS = [' and ', ', and ', '. ', ' and also ', '. also '];

const shiftMarks = (text: string, by: number): string =>
  text.replaceAll(SLOT, (mark) => slotMark(slotIndex(mark) + by));

/** Tells whether nothing can be said behind a wording: its last words are a message, or anything else of the user's own. */
export function endsOpen({ text, slots }: Wording): boolean {
  const last = text.trimEnd().at(-1) ?? '';
  const slot = /[\uE000-\uE0FF]/.test(last) ? slots[slotIndex(last)] : undefined;
  return (
    slot !== undefined &&
    slot.kind.copies &&
    ['message', 'task', 'thing', 'topic', 'title'].includes(slot.kind.of)
  );
}

/** Several wordings as one request. */
export function joined(parts: readonly Wording[], rng: Rng): Wording | undefined {
  const ordered = [...parts].sort((a, b) => Number(endsOpen(a)) - Number(endsOpen(b)));
  if (ordered.slice(0, -1).some(endsOpen)) return undefined;
  let text = '';
  const slots: Slot[] = [];
  const calls: Wording['calls'][number][] = [];
  const first = rng.pick(ordered.every(({ imperative }) => imperative) ? JOINTS : PLAIN_JOINTS);
  for (const [i, part] of ordered.entries()) {
    const joint = ordered.length > 2 && i < ordered.length - 1 ? ', ' : first;
    text +=
      (i === 0 ? '' : joint) +
      shiftMarks(i === 0 ? part.text : part.text.replace(/^(?:Please|please) /, ''), slots.length);
    const shift = calls.length;
    slots.push(
      ...part.slots.map((slot) => ({
        ...slot,
        targets: slot.targets.map((target) => ({ ...target, call: target.call + shift })),
      })),
    );
    calls.push(...part.calls);
  }
  return {
    text,
    slots,
    calls,
    reply: '',
    kind: 'several',
    made: 'several',
    imperative: ordered[0]?.imperative ?? false,
    source: ordered.map(({ source }) => source).join(' + '),
  };
}

/** Slot that a request can name two things at: one of an enum, alone in its call. */
function sharable(wording: Wording): number | undefined {
  if (wording.calls.length !== 1) return undefined;
  const at = wording.slots.findIndex(({ kind, form, targets }, i) => {
    const before = wording.text.slice(0, wording.text.indexOf(slotMark(i)));
    return (
      kind.sort === 'enum' &&
      form === 'noun' &&
      kind.values.length > 3 &&
      targets.length === 1 &&
      !/\ba\s*$/.test(before)
    );
  });
  return at < 0 ? undefined : at;
}

/** "lights on in the kitchen and the hallway": a call for each of two things that one slot names. */
export function sharedSlot(wording: Wording, rng: Rng): Wording | undefined {
  const at = sharable(wording);
  const slot = at === undefined ? undefined : wording.slots[at];
  const [call] = wording.calls;
  if (at === undefined || slot === undefined || call === undefined) return undefined;
  const number = rng.chance(0.8) ? 2 : 3;
  const marks = [
    slotMark(at),
    ...Array.from({ length: number - 1 }, (_, i) => slotMark(wording.slots.length + i)),
  ];
  const place = wording.text.indexOf(slotMark(at));
  const the = /\bthe\s*$/.test(wording.text.slice(0, place)) && rng.chance(0.6) ? 'the ' : '';
  const isBeforeNoun =
    /^\s*[a-z]/i.test(wording.text.slice(place + 1)) &&
    !/^\s*(?:to|at|on|off|in|for|please|and)\b/i.test(wording.text.slice(place + 1));
  const article = isBeforeNoun && rng.chance(0.7) ? '' : the;
  const both = rng.chance(0.1) && number === 2 && the === '' ? 'both ' : '';
  const list = `${both}${marks.slice(0, -1).join(`, ${article}`)} and ${article}${marks.at(-1) ?? ''}`;
  const others = wording.slots.map((other, i) =>
    i === at
      ? other
      : {
          ...other,
          targets: Array.from({ length: number }, (_, round) => ({
            call: round,
            path: other.targets[0]?.path ?? [],
          })),
        },
  );
  const path = slot.targets[0]?.path ?? [];
  const added = Array.from({ length: number - 1 }, (_, i) => ({ ...slot, targets: [{ call: i + 1, path }] }));
  return {
    ...wording,
    text: wording.text.replace(slotMark(at), list),
    slots: [...others, ...added],
    calls: Array.from({ length: number }, () => call),
    kind: 'several',
    made: 'shared',
    original: [],
  };
}

const SECOND_THOUGHTS = [
  'no wait,',
  'no,',
  'sorry,',
  'sorry, I mean',
  'I mean',
  'actually',
  'no, actually',
  'wait, no,',
  'make that',
  'no make that',
  'oops, I meant',
  'scratch that,',
  'or rather',
  'hmm no,',
  'uh no',
  'correction,',
  'no sorry',
  'no wait make that',
  'wait,',
  'ah no,',
  'or no,',
  'I meant',
  'er,',
  'actually no,',
  'no I said',
];

/** Slots whose value somebody may correct. */
function correctable(wording: Wording): number[] {
  return wording.slots.flatMap(({ kind, targets }, i) => {
    const isShort =
      ['enum', 'number', 'duration', 'time', 'days'].includes(kind.sort) ||
      (kind.copies &&
        ['person', 'place', 'music', 'food', 'shopping'].includes(kind.of) &&
        kind.sort === 'text');
    return isShort && targets.length === 1 ? [i] : [];
  });
}

/** "a timer for 5, no wait, 10 minutes": the second value holds. */
export function corrected(wording: Wording, rng: Rng): Spoken | undefined {
  if (wording.calls.length === 0) return undefined;
  const places = correctable(wording);
  if (places.length === 0) return undefined;
  const at = rng.pick(places);
  const slot = wording.slots[at];
  const [wrong, right] = [speak(wording, rng), speak(wording, rng)];
  const first = wrong?.values[at];
  const second = right?.values[at];
  if (
    slot === undefined ||
    wrong === undefined ||
    first === undefined ||
    second === undefined ||
    right === undefined
  )
    return undefined;
  if (JSON.stringify(first.value) === JSON.stringify(second.value)) return undefined;
  const words = rng.pick(SECOND_THOUGHTS);
  const mark = slotMark(at);
  const extra = slotMark(wording.slots.length);
  const place = wording.text.indexOf(mark);
  const before =
    /\b(?:in|at|to|for|on|from) (?:the )?$|\bthe $/i.exec(wording.text.slice(0, place))?.[0] ?? '';
  const repeats = rng.chance(0.5) ? before : /\bthe $/.test(before) ? 'the ' : '';
  const comma = rng.chance(0.6) ? ',' : '';
  const isInline = rng.chance(0.45) || endsOpen(wording);
  const noun = /^ (?:lights?|door|speaker|camera)\b/i.exec(wording.text.slice(place + 1))?.[0] ?? '';
  const text = isInline
    ? wording.text.replace(
        mark,
        `${extra}${noun !== '' && rng.chance(0.5) ? noun : ''}${comma} ${words} ${repeats}${mark}`,
      )
    : `${wording.text.replace(mark, extra)}${comma} ${words} ${repeats}${mark}${noun !== '' && rng.chance(0.5) ? rng.pick([noun, ' one']) : ''}`;
  const made: Wording = {
    ...wording,
    text,
    slots: [...wording.slots, { ...slot, targets: [] }],
    kind: 'hard',
    made: 'correction',
    source: wording.source,
  };
  const values = right.values;
  return { wording: made, text, values: [...values, first] };
}

const NEGATIONS = [
  "don't ",
  'do not ',
  "please don't ",
  "no don't ",
  "you don't have to ",
  "I don't want you to ",
  'no need to ',
  "there's no need to ",
  'never ',
  "you shouldn't ",
  "you needn't ",
  "don't you dare ",
  "I didn't ask you to ",
  "I'd rather you didn't ",
  "whatever you do don't ",
  "let's not ",
];
const TAKEN_BACK = [
  ', no never mind',
  ', actually never mind',
  ', no forget it',
  '... actually forget it',
  ', on second thought, leave it',
  ', no wait, cancel that',
  ', never mind',
  ', ah forget it',
  ', no, leave it',
  ", actually don't",
  ', scratch that',
  ', nah never mind',
  ', or no, not now',
  ', wait, stop, not yet',
  ', just kidding',
  ", no, don't do it",
  ', changed my mind',
  ', nope, forget that',
];

/** "don't turn on the lights": nothing is called. */
export function negated(wording: Wording, rng: Rng): Wording | undefined {
  if (!wording.imperative || wording.calls.length !== 1) return undefined;
  const isTaken = rng.chance(0.4) && !endsOpen(wording);
  const start = wording.text.charAt(0).toLowerCase() + wording.text.slice(1);
  const text = isTaken ? wording.text + rng.pick(TAKEN_BACK) : rng.pick(NEGATIONS) + start;
  return {
    ...wording,
    text,
    slots: wording.slots.map((slot) => ({ ...slot, targets: [] })),
    calls: [],
    reply: isTaken ? 'Okay, I will leave it.' : "Okay, I won't.",
    kind: 'hard',
    made: 'negation',
    imperative: false,
    original: [],
  };
}

/** A value that an argument does not allow: a room that has no light, a number beyond the range. */
export function outside(
  wording: Wording,
  rng: Rng,
  others: (allowed: readonly JsonValue[]) => readonly string[],
  reply: string,
): Spoken | undefined {
  if (wording.calls.length !== 1) return undefined;
  const places = wording.slots.flatMap(({ kind }, i) => (kind.sort === 'enum' ? [i] : []));
  if (places.length === 0) return undefined;
  const at = rng.pick(places);
  const spoken = speak(wording, rng);
  const words = others(wording.slots[at]?.kind.values ?? []);
  if (spoken === undefined || words.length === 0) return undefined;
  const said = rng.pick(words);
  const made: Wording = {
    ...wording,
    slots: wording.slots.map((slot) => ({ ...slot, targets: [] })),
    calls: [],
    reply,
    kind: 'irrelevant',
    made: 'outside',
  };
  return {
    wording: made,
    text: wording.text,
    values: spoken.values.map((value, i) => (i === at ? { said, value: said, copies: false } : value)),
  };
}
