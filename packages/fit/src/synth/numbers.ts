/** Numbers, lengths of time and times of day, as people say them. */

/** A value in words; `form` tells which sayings may stand in each other's place ("25 minutes", "a 25 minute timer"). */
export interface Saying {
  readonly text: string;
  readonly form: string;
}

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = '_ _ twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** A whole number in words: "twenty five", "a hundred and twenty"; digits beyond 999. */
function numberWords(value: number): string {
  if (!Number.isInteger(value) || value < 0 || value > 999) return String(value);
  if (value < 20) return ONES[value] ?? '';
  if (value < 100) {
    const rest = value % 10 === 0 ? '' : ` ${ONES[value % 10] ?? ''}`;
    return (TENS[Math.floor(value / 10)] ?? '') + rest;
  }
  const hundreds = Math.floor(value / 100);
  const head = hundreds === 1 ? 'a hundred' : `${ONES[hundreds] ?? ''} hundred`;
  return value % 100 === 0 ? head : `${head} and ${numberWords(value % 100)}`;
}

const unique = (sayings: readonly Saying[]): Saying[] => [
  ...new Map(sayings.map((saying) => [`${saying.form}:${saying.text}`, saying])).values(),
];

/** A number alone: "21.5", "twenty one and a half", "twenty one point five". */
export function plainNumber(value: number): string[] {
  const digits = String(value);
  if (value < 0) return [digits, ...plainNumber(-value).map((text) => `minus ${text}`)];
  if (Number.isInteger(value)) {
    const words = numberWords(value);
    const grouped = value >= 1000 ? [value.toLocaleString('en-US')] : [];
    const hyphened = value > 20 && value < 100 && value % 10 > 0 ? [words.replace(' ', '-')] : [];
    return words === digits ? [digits, ...grouped] : [digits, words, ...hyphened];
  }
  const whole = Math.floor(value);
  const fraction = digits.split('.')[1] ?? '';
  const point = `${numberWords(whole)} point ${Array.from(fraction, (digit) => ONES[Number(digit)]).join(' ')}`;
  const half = fraction === '5' ? [`${whole} and a half`, `${numberWords(whole)} and a half`] : [];
  return [digits, ...(whole < 100 ? [point, ...half] : [])];
}

/** Units by name, each with its words behind a number; the empty one leaves the number alone. */
const UNITS: Readonly<Record<string, readonly string[]>> = {
  percent: [' percent', '%', ' per cent', ' %'],
  degrees: ['', ' degrees', '°', ' degrees celsius', ' c'],
  fahrenheit: ['', ' degrees', '°', ' degrees fahrenheit', ' f'],
  money: ['', ' dollars', ' euros', ' bucks'],
  none: [''],
};
export type Unit = 'percent' | 'degrees' | 'fahrenheit' | 'money' | 'none';

/** A number with its unit; a percentage alone has the form "bare". */
export function measured(value: number, unit: Unit): Saying[] {
  const numbers = plainNumber(value);
  const written = String(value);
  const sayings = (UNITS[unit] ?? ['']).flatMap((word) =>
    numbers
      .filter((number) => number === written || !/^[%° ]?[%°cf]$/.test(word))
      .map((number) => ({
        text: number + (value === 1 ? word.replace(/(degree|dollar|euro|buck)s/, '$1') : word),
        form: 'number',
      })),
  );
  const halves =
    unit === 'percent' && value === 50
      ? [{ text: 'half', form: 'number' }]
      : unit === 'percent' && value === 100
        ? [{ text: 'full', form: 'number' }]
        : [];
  const bare = unit === 'percent' ? numbers.map((text) => ({ text, form: 'bare' })) : [];
  return unique([...sayings, ...halves, ...bare]);
}

/** Seconds of each unit. */
export const SECONDS_OF: Readonly<Record<TimeUnit, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
};
export type TimeUnit = 'second' | 'minute' | 'hour' | 'day' | 'week';
export const isTimeUnit = (text: string): text is TimeUnit => Object.hasOwn(SECONDS_OF, text);
const ABBREVIATED: Readonly<Record<string, readonly string[]>> = {
  second: ['sec', 'secs'],
  minute: ['min', 'mins'],
  hour: ['hr', 'hrs'],
};

const plural = (number: string, value: number, unit: string): string =>
  `${number} ${unit}${value === 1 ? '' : 's'}`;

function inUnit(amount: number, unit: string): Saying[] {
  const numbers = plainNumber(amount);
  const written = String(amount);
  const one = amount === 1 ? [unit === 'hour' ? 'an hour' : `a ${unit}`] : [];
  return [
    ...numbers.map((number) => ({ text: plural(number, amount, unit), form: 'length' })),
    ...(ABBREVIATED[unit] ?? []).map((short) => ({ text: `${written} ${short}`, form: 'length' })),
    ...one.map((text) => ({ text, form: 'length' })),
    ...numbers.flatMap((number) => [
      { text: `${number} ${unit}`, form: 'before' },
      ...(/ /.test(number) ? [] : [{ text: `${number}-${unit}`, form: 'before' }]),
    ]),
  ];
}

/** A length of time: "half an hour", "90 seconds", "an hour and a half"; `before` a noun: "25 minute". */
export function durations(value: number, unit: TimeUnit): Saying[] {
  const seconds = Math.round(value * SECONDS_OF[unit] * 1000) / 1000;
  const sayings: Saying[] = [];
  if (!Number.isInteger(seconds) || seconds <= 0)
    return [
      { text: `${value} ${unit}s`, form: 'length' },
      ...plainNumber(value).map((text) => ({ text, form: 'bare' })),
    ];
  for (const [name, length] of Object.entries(SECONDS_OF)) {
    const amount = seconds / length;
    if (Number.isInteger(amount) && amount <= (name === 'second' ? 120 : name === 'minute' ? 180 : 99))
      sayings.push(...inUnit(amount, name));
  }
  const [hours, minutes] = [Math.floor(seconds / 3600), (seconds % 3600) / 60];
  const length = (text: string): void => void sayings.push({ text, form: 'length' });
  if (seconds === 1800) ['half an hour', 'a half hour', 'half hour'].forEach(length);
  if (seconds === 900) ['a quarter of an hour', 'quarter of an hour'].forEach(length);
  if (seconds === 2700) ['three quarters of an hour'].forEach(length);
  if (seconds === 30) ['half a minute'].forEach(length);
  if (seconds === 5400)
    ['an hour and a half', 'one and a half hours', '1.5 hours', 'one and a half hour'].forEach(length);
  if (seconds % 60 === 30 && seconds > 60 && seconds < 1200) {
    const whole = Math.floor(seconds / 60);
    [`${whole} and a half minutes`, `${numberWords(whole)} and a half minutes`].forEach(length);
    if (whole === 1) ['a minute and a half', 'one and a half minutes'].forEach(length);
    else
      [
        `${whole}.5 minutes`,
        `${whole} minutes 30`,
        `${whole} minutes and 30 seconds`,
        `${numberWords(whole)} minutes thirty`,
      ].forEach(length);
  }
  if (hours > 0 && hours < 25 && minutes > 0 && Number.isInteger(minutes)) {
    const head =
      hours === 1 ? ['an hour', '1 hour', 'one hour'] : [`${hours} hours`, `${numberWords(hours)} hours`];
    for (const one of head) {
      length(`${one} and ${minutes} minutes`);
      length(`${one} ${minutes} minutes`);
      if (minutes === 30 && hours > 1) length(`${one.split(' ')[0] ?? ''} and a half hours`);
      if (minutes === 15) length(`${one} and a quarter`);
    }
    length(`${head.at(-1) ?? ''} and ${numberWords(minutes)} minutes`);
  }
  sayings.push(...plainNumber(value).map((text) => ({ text, form: 'bare' })));
  return unique(sayings);
}

/** Words for a time of day: a form per way of speaking, as "at 7" and "7 in the morning" may stand in each other's place. */
export function clockTimes(time: string, morningIsBare: boolean): Saying[] {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const twelve = hour % 12 === 0 ? 12 : hour % 12;
  const isMorning = hour < 12;
  const two = String(minute).padStart(2, '0');
  const hourWords = numberWords(twelve);
  const texts: string[] = [];
  const numbers = minute === 0 ? [String(twelve), `${twelve}:00`] : [`${twelve}:${two}`, `${twelve}.${two}`];
  const minuteWords =
    minute === 0 ? '' : minute < 10 ? ` oh ${numberWords(minute)}` : ` ${numberWords(minute)}`;
  const words = [`${hourWords}${minuteWords}`];
  const past: string[] = [];
  const next = numberWords((twelve % 12) + 1);
  const nextDigits = String((twelve % 12) + 1);
  if (minute === 30) past.push(`half past ${hourWords}`, `half past ${twelve}`);
  if (minute === 15)
    past.push(`quarter past ${hourWords}`, `a quarter past ${hourWords}`, `quarter past ${twelve}`);
  if (minute === 45) past.push(`quarter to ${next}`, `a quarter to ${next}`, `quarter to ${nextDigits}`);
  if ([5, 10, 20, 25].includes(minute))
    past.push(`${numberWords(minute)} past ${hourWords}`, `${minute} past ${twelve}`);
  if ([35, 40, 50, 55].includes(minute))
    past.push(`${numberWords(60 - minute)} to ${next}`, `${60 - minute} to ${nextDigits}`);
  const oclock = minute === 0 ? [`${twelve} o'clock`, `${hourWords} o'clock`] : [];
  const half = isMorning ? ['am', 'a.m.'] : ['pm', 'p.m.'];
  const partOfDay = isMorning
    ? ['in the morning']
    : hour < 18
      ? ['in the afternoon']
      : hour < 21
        ? ['in the evening', 'tonight']
        : ['at night', 'in the evening', 'tonight'];
  if (!(hour === 12 && minute === 0) && hour !== 0)
    for (const base of [...numbers, ...words, ...oclock, ...past]) {
      for (const part of partOfDay) texts.push(`${base} ${part}`);
    }
  for (const base of [...numbers, ...words]) texts.push(`${base} ${half[0] ?? ''}`);
  for (const base of numbers) texts.push(`${base}${half[0] ?? ''}`);
  texts.push(`${numbers[0] ?? ''} ${half[1] ?? ''}`);
  // A time of the 24-hour clock is clear by itself where a time of the 12-hour clock could not be written so.
  if (hour > 12 || hour === 0 || morningIsBare) texts.push(`${String(hour).padStart(2, '0')}:${two}`);
  if (hour > 12) texts.push(`${hour}:${two}`);
  if (hour === 12 && minute === 0) texts.push('noon', 'midday', '12 noon', '12', "twelve o'clock", '12:00');
  if (hour === 0 && minute === 0) texts.push('midnight');
  if (isMorning && hour > 0 && morningIsBare) texts.push(...numbers, ...words, ...oclock, ...past);
  return unique(texts.map((text) => ({ text, form: 'time' })));
}
