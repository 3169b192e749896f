/** Line plots as SVG: a faint line of what was measured, a strong one of the trend. */
import { html, type Html } from './html.ts';
import { formatNumber, type Interval, mean, sum } from './numbers.ts';

type Point = readonly [x: number, y: number];

export interface Series {
  readonly name: string;
  /** Known without noise, so that nothing is to be smoothed. */
  readonly exact?: boolean;
  /** In ascending order of x. */
  readonly points: readonly Point[];
}

const WIDTH = 340;
const HEIGHT = 150;
const LEFT = 44;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;
/** More points than this cannot be told apart at the plot's width. */
const MAX_POINTS = 240;

/** Round values that span `low` to `high` in about `count` steps, with as many digits as tell them apart. */
export function ticks(low: number, high: number, count: number): { value: number; label: string }[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999) ?? 10;
  const step = power * factor;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step)) + (factor === 2.5 ? 1 : 0));
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const value = Number(((first + i) * step).toPrecision(12));
    if (value === 0) return { value, label: '0' };
    const long = digits > 4 || Math.abs(value) >= 1e7;
    const label = long
      ? value.toExponential(factor === 2.5 ? 1 : 0)
      : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return { value, label: label.replaceAll('-', '−').replace('e+', 'e') };
  });
}

/** Means of neighbouring points, so that at most MAX_POINTS remain. */
function thinned(points: readonly Point[]): readonly Point[] {
  const size = Math.max(1, Math.ceil(points.length / MAX_POINTS));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const bin = points.slice(i * size, (i + 1) * size);
    return [mean(bin.map(([x]) => x)), mean(bin.map(([, y]) => y))];
  });
}

/** The trend: at each point a line fitted to its neighbours under a bell, which neither lags nor bends at the ends. */
function trend(points: readonly Point[]): readonly Point[] {
  const width = Math.max(1, points.length / 24);
  const reach = Math.ceil(3 * width);
  return points.map(([x], i) => {
    const from = Math.max(0, i - reach);
    const near = points.slice(from, i + reach + 1).map(([, y], at) => {
      const offset = from + at - i;
      return { y, offset, weight: Math.exp(-0.5 * (offset / width) ** 2) };
    });
    const moment = (power: number): number => sum(near.map(({ weight, offset }) => weight * offset ** power));
    const [s0, s1, s2] = [moment(0), moment(1), moment(2)];
    const weighted = sum(near.map(({ y, offset, weight }) => weight * y * (s2 - s1 * offset)));
    return [x, weighted / (s0 * s2 - s1 * s1)];
  });
}

function rangeOf(values: readonly number[]): Interval {
  // Not Math.min(...values): a long run has more values than a call takes arguments.
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (low < high) return { low, high };
  const margin = low === 0 ? 1 : Math.abs(low) * 0.1;
  return { low: low - margin, high: high + margin };
}

function padded({ low, high }: Interval): Interval {
  const margin = (high - low) * 0.06;
  // Nothing measured here goes below zero unless it already did: the axis should not suggest it.
  return { low: low >= 0 ? Math.max(0, low - margin) : low - margin, high: high + margin };
}

/** Coordinates, with one digit, of the values of a range on an axis between two pixels. */
function axis({ low, high }: Interval, from: number, to: number): (value: number) => string {
  return (value) => (from + ((value - low) / (high - low)) * (to - from)).toFixed(1);
}

/** A plot with its own axes; `data-plot` carries the points for the page's script, which reads values under the pointer. */
export function linePlot(title: string, all: readonly Series[]): Html {
  const series = all.map((one) => ({ ...one, points: thinned(one.points) }));
  const values = series.flatMap(({ points }) => points.map(([, y]) => y));
  const xs = rangeOf(all.flatMap(({ points }) => points.map(([x]) => x)));
  const ys = padded(rangeOf(values));
  const px = axis(xs, LEFT, WIDTH - RIGHT);
  const py = axis(ys, HEIGHT - BOTTOM, TOP);
  const [first = 0] = values;
  // A constant needs its own value on the axis, and no other.
  const isLevel = values.every((y) => y === first);
  const shown = isLevel ? [{ value: first, label: formatNumber(first) }] : ticks(ys.low, ys.high, 4);
  const grid = shown.map(
    ({ value, label }) =>
      html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${py(value)}" y2="${py(value)}" />
        <text x="${LEFT - 6}" y="${(Number(py(value)) + 3).toFixed(1)}" text-anchor="end">${label}</text>`,
  );
  const step = (x: number, anchor: 'start' | 'end'): Html =>
    html`<text x="${px(x)}" y="${HEIGHT - 5}" text-anchor="${anchor}">${formatNumber(Math.round(x))}</text>`;
  const line = (points: readonly Point[], look: string): Html =>
    html`<path class="${look}" d="M${points.map(([x, y]) => `${px(x)} ${py(y)}`).join('L')}" />`;
  const curves = series.map(({ points, exact }, index) => {
    const colour = `s${(index % 5) + 1}`;
    const [only] = points;
    if (only !== undefined && points.length === 1)
      return html`<circle class="dot ${colour}" cx="${px(only[0])}" cy="${py(only[1])}" r="3" />`;
    if (points.length < 12 || exact === true) return line(points, colour);
    return [line(points, `raw ${colour}`), line(trend(points), colour)];
  });
  const data = {
    left: LEFT,
    right: WIDTH - RIGHT,
    low: xs.low,
    high: xs.high,
    series: series.map(({ name, points }) => ({
      name,
      points: points.map(([x, y]) => [x, Number(y.toPrecision(4))]),
    })),
  };
  return html`<svg
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    role="img"
    aria-label="${title}"
    data-plot="${JSON.stringify(data)}"
  >
    ${grid}${step(xs.low, 'start')}${series[0]?.points.length !== 1 && step(xs.high, 'end')}${curves}
    <line class="cursor" y1="${TOP}" y2="${HEIGHT - BOTTOM}" />
  </svg>`;
}
