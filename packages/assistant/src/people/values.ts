/** Values that a function wants in another form than people say them: numbers, times of day. */

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** An integer from 0 to 99 in digits or words ("7", "seven", "twenty five"); undefined for anything else. */
export function spokenInteger(text: string): number | undefined {
  const words = text.trim().toLowerCase().replaceAll('-', ' ').split(/\s+/);
  const [first = '', second, ...more] = words;
  if (more.length > 0) return undefined;
  if (/^\d{1,2}$/.test(first) && second === undefined) return Number(first);
  const one = ONES.indexOf(first);
  const ten = TENS.indexOf(first);
  if (second === undefined) return one >= 0 ? one : ten >= 0 ? 20 + 10 * ten : undefined;
  const rest = ONES.indexOf(second);
  return ten >= 0 && rest > 0 && rest < 10 ? 20 + 10 * ten + rest : undefined;
}

const MINUTES: Readonly<Record<string, number>> = {
  thirty: 30,
  fifteen: 15,
  'forty five': 45,
  twenty: 20,
  ten: 10,
};

/** A time of day as HH:MM, of "seven am", "7:30 pm", "five thirty in the evening"; undefined where it does not say which half of the day. */
export function spokenTime(text: string): string | undefined {
  const said =
    /^(?:at )?(\d{1,2}|[a-z]+)(?::(\d\d)| (thirty|fifteen|forty five|twenty|ten))? ?(a\.? ?m\.?|p\.? ?m\.?|in the (?:morning|afternoon|evening))$/.exec(
      text.trim().toLowerCase(),
    );
  if (said === null) return undefined;
  const [, hourWords = '', digits, words, half = ''] = said;
  const hour = spokenInteger(hourWords);
  if (hour === undefined || hour < 1 || hour > 12) return undefined;
  const minute = digits === undefined ? (words === undefined ? 0 : MINUTES[words]) : Number(digits);
  const isMorning = half.startsWith('a') || half.endsWith('morning');
  const hours = (hour % 12) + (isMorning ? 0 : 12);
  const two = (n: number): string => String(n).padStart(2, '0');
  return minute === undefined || minute > 59 ? undefined : `${two(hours)}:${two(minute)}`;
}
