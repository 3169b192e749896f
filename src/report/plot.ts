/** Line plots as SVG, drawn by hand: a faint line of what was measured, a strong one of the trend. */
import { html, trusted } from './html.ts';
import type { Html } from './html.ts';
import { formatNumber } from './numbers.ts';

export interface Series {
  readonly name: string;
  /** Known without noise, so that nothing is to be smoothed. */
  readonly exact?: boolean;
  /** [x, y], x rising. */
  readonly points: readonly (readonly [number, number])[];
}

const WIDTH = 340;
const HEIGHT = 150;
const LEFT = 44;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;
/** More points than this cannot be told apart at the plot's width. */
const MAX_POINTS = 240;

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** Round values that span `low` to `high` in about `count` steps, with as many digits as tell them apart. */
export function ticks(low: number, high: number, count: number): Tick[] {
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
function thinned(points: Series['points']): Series['points'] {
  const size = Math.ceil(points.length / MAX_POINTS);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const bin = points.slice(i * size, (i + 1) * size);
    const mean = (axis: 0 | 1): number => bin.reduce((total, point) => total + point[axis], 0) / bin.length;
    return [mean(0), mean(1)] as const;
  });
}

/** The trend: at each point a line fitted to its neighbours under a bell, which neither lags nor bends at the ends. */
function trend(points: Series['points']): Series['points'] {
  const width = Math.max(1, points.length / 24);
  const reach = Math.ceil(3 * width);
  return points.map(([x], i) => {
    let [s0, s1, s2, t0, t1] = [0, 0, 0, 0, 0];
    const from = Math.max(0, i - reach);
    for (const [index, [, y]] of points.slice(from, i + reach + 1).entries()) {
      const offset = from + index - i;
      const weight = Math.exp(-0.5 * (offset / width) ** 2);
      s0 += weight;
      s1 += weight * offset;
      s2 += weight * offset * offset;
      t0 += weight * y;
      t1 += weight * offset * y;
    }
    return [x, (s2 * t0 - s1 * t1) / (s0 * s2 - s1 * s1)] as const;
  });
}

interface Range {
  readonly low: number;
  readonly high: number;
}

function rangeOf(values: readonly number[]): Range {
  // Not Math.min(...values): a long run has more values than a call takes arguments.
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (low < high) return { low, high };
  const margin = low === 0 ? 1 : Math.abs(low) * 0.1;
  return { low: low - margin, high: high + margin };
}

/** A plot with its own axes; `data-plot` carries the points for the page's script, which reads values under the pointer. */
export function linePlot(title: string, all: readonly Series[]): Html {
  const series = all.map((one) => ({ ...one, points: thinned(one.points) }));
  const xs = rangeOf(all.flatMap(({ points }) => points.map(([x]) => x)));
  const ys = padded(rangeOf(series.flatMap(({ points }) => points.map(([, y]) => y))));
  const px = (x: number): number => LEFT + ((x - xs.low) / (xs.high - xs.low)) * (WIDTH - LEFT - RIGHT);
  const py = (y: number): number => TOP + (1 - (y - ys.low) / (ys.high - ys.low)) * (HEIGHT - TOP - BOTTOM);
  const line = (points: Series['points']): string =>
    points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join('');
  const first = series[0]?.points[0]?.[1] ?? 0;
  const level = series.every(({ points }) => points.every(([, y]) => y === first));
  // A constant needs its own value on the axis, and no other.
  const shown = level ? [{ value: first, label: formatNumber(first) }] : ticks(ys.low, ys.high, 4);
  const grid = shown.map(
    ({ value: y, label }) =>
      html`<line
          class="grid"
          x1="${LEFT}"
          x2="${WIDTH - RIGHT}"
          y1="${py(y).toFixed(1)}"
          y2="${py(y).toFixed(1)}"
        /><text x="${LEFT - 6}" y="${(py(y) + 3).toFixed(1)}" text-anchor="end">${label}</text>`,
  );
  const last = series[0]?.points.length === 1 ? [] : [axisLabel(px(xs.high), 'end', xs.high)];
  const data = series.map(({ name, points }) => ({
    name,
    points: points.map(([x, y]) => [x, Number(y.toPrecision(4))]),
  }));
  return html`<svg
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    role="img"
    aria-label="${title}"
    data-plot="${JSON.stringify({ left: LEFT, right: WIDTH - RIGHT, low: xs.low, high: xs.high, series: data })}"
  >
    ${grid}${axisLabel(LEFT, 'start', xs.low)}${last}${series.map((one, i) => curves(one, i, line, px, py))}
    <line class="cursor" y1="${TOP}" y2="${HEIGHT - BOTTOM}" />
  </svg>`;
}

function padded({ low, high }: Range): Range {
  const margin = (high - low) * 0.06;
  // Nothing measured here goes below zero unless it already did: the axis should not suggest it.
  return { low: low >= 0 ? Math.max(0, low - margin) : low - margin, high: high + margin };
}

function axisLabel(x: number, anchor: 'start' | 'end', value: number): Html {
  return html`<text x="${x.toFixed(1)}" y="${HEIGHT - 5}" text-anchor="${anchor}"
    >${formatNumber(Math.round(value))}</text
  >`;
}

function curves(
  { points, exact }: Series,
  index: number,
  line: (points: Series['points']) => string,
  px: (x: number) => number,
  py: (y: number) => number,
): Html {
  const colour = trusted(`s${(index % 5) + 1}`);
  const only = points.length === 1 ? points[0] : undefined;
  if (only !== undefined) {
    return html`<circle
      class="dot ${colour}"
      cx="${px(only[0]).toFixed(1)}"
      cy="${py(only[1]).toFixed(1)}"
      r="3"
    />`;
  }
  if (points.length < 12 || exact === true) return html`<path class="${colour}" d="${line(points)}" />`;
  return html`<path class="raw ${colour}" d="${line(points)}" /><path
      class="${colour}"
      d="${line(trend(points))}"
    />`;
}
