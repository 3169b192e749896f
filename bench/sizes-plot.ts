/** `npx tsx bench/sizes-plot.ts > docs/sizes.svg`: right answers of docs/sizes.jsonl by a student's weights, a curve for each task. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { html } from '../packages/report/src/html.ts';
import { formatCount, wilson } from '../packages/report/src/numbers.ts';

const lineSchema = z.object({ task: z.string(), weights: z.number(), right: z.number(), total: z.number() });

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 300, 48, 130, 12, 40];
// Colours that are told apart on white and on black, and by those who see no red or green.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];
const GREY = '#808080';

const lines = readFileSync('docs/sizes.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => lineSchema.parse(JSON.parse(line)))
  .toSorted((a, b) => a.weights - b.weights);
const weights = [...new Set(lines.map((line) => line.weights))];
const [low, high] = [Math.log(weights.at(0) ?? 1) - 0.2, Math.log(weights.at(-1) ?? 2) + 0.2];
const px = (value: number): string =>
  (LEFT + ((Math.log(value) - low) / (high - low)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
const py = (share: number): string => (TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)).toFixed(1);

const grid = [0, 0.25, 0.5, 0.75, 1].map(
  (share) =>
    html`<line
        x1="${LEFT}"
        x2="${WIDTH - RIGHT}"
        y1="${py(share)}"
        y2="${py(share)}"
        stroke="${GREY}"
        stroke-opacity="0.3"
      />
      <text x="${LEFT - 8}" y="${py(share)}" dy="4" text-anchor="end">${100 * share}%</text>`,
);
const names = weights.map(
  (value) =>
    html`<text x="${px(value)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle"
      >${formatCount(value)}</text
    >`,
);
const curves = [...new Set(lines.map(({ task }) => task))].map((task, index) => {
  const colour = COLOURS[index % COLOURS.length] ?? GREY;
  const points = lines.filter((line) => line.task === task);
  const marks = points.map(({ weights: x, right, total }) => {
    const interval = wilson(right, total);
    return html`<line
        x1="${px(x)}"
        x2="${px(x)}"
        y1="${py(interval.low)}"
        y2="${py(interval.high)}"
        stroke="${colour}"
      />
      <circle cx="${px(x)}" cy="${py(right / total)}" r="3.5" fill="${colour}" />`;
  });
  const path = points.map(({ weights: x, right, total }) => `${px(x)} ${py(right / total)}`).join('L');
  const last = points.at(-1);
  const end =
    last === undefined
      ? ''
      : html`<text x="${WIDTH - RIGHT + 10}" y="${TOP + 16 + 20 * index}" fill="${colour}">${task}</text>`;
  return html`<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.5" />${marks}${end}`;
});
console.log(
  html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    font-family="system-ui, sans-serif"
    font-size="12"
    fill="${GREY}"
    role="img"
    aria-label="Right answers by weights"
  >
    ${grid}${names}
    <text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">weights</text>
    ${curves}
  </svg>`.html,
);
