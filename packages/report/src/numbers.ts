/** Numbers as the report shows them, and the interval around a share. */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Wilson's 95% score interval of `correct` out of `total`: right also near 0% and 100% and for small totals. */
export function wilson(correct: number, total: number): Interval {
  if (total === 0) return { low: 0, high: 1 };
  const z = 1.959963984540054;
  const p = correct / total;
  const spread = 1 + (z * z) / total;
  const centre = (p + (z * z) / (2 * total)) / spread;
  const half = (z / spread) * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Answers that were judged, and how many of them were right. */
export interface Count {
  readonly correct: number;
  readonly total: number;
}

/** Share of right answers; 0 of none. */
export const shareOf = ({ correct, total }: Count): number => (total === 0 ? 0 : correct / total);

/** `82.3 – 87.1`: an interval of shares, in percent. */
export const rangeText = ({ low, high }: Interval): string =>
  `${(100 * low).toFixed(1)} – ${(100 * high).toFixed(1)}`;

/** The interval around a share, in percent. */
export const intervalText = ({ correct, total }: Count): string => rangeText(wilson(correct, total));

/** `+4.2`, `−0.3`: a difference of shares, in points. */
export function pointsText(gain: number): string {
  return `${gain < 0 ? '−' : '+'}${(100 * Math.abs(gain)).toFixed(1)}`;
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Mean of numbers; NaN of none. */
export const mean = (values: readonly number[]): number => sum(values) / values.length;

/** Three significant digits, grouped thousands, exponents only where the zeros would be many. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return '–';
  if (size === 0) return '0';
  if (size < 1e-3 || size >= 1e7)
    return value.toExponential(2).replace('e-', 'e−').replace('e+', 'e').replace(/^-/, '−');
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en', { maximumFractionDigits: digits }).replace(/^-/, '−');
}

/** `82.4%` of a share. */
export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

/** `1 h 04 min`, `3 min 20 s`, `12.3 s`. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  const pad = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** `12.3M`, `456k`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 3 });
}

/** `8.5 MB`, `640 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const megabytes = bytes / 2 ** 20;
  return megabytes < 1000
    ? `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`
    : `${(bytes / 2 ** 30).toFixed(1)} GB`;
}
