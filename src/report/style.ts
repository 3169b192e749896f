/** The report's look and its one script: the value under the pointer. */

export const STYLE = `
:root {
  --paper: #fff; --ink: #1b1f24; --soft: #667080; --line: #e4e7ec; --panel: #f7f8fa; --accent: #2b62d9;
  --good: #2a9461; --bad: #c9503f; --s1: #2b62d9; --s2: #d27a1f; --s3: #2a9461; --s4: #8a57c9; --s5: #c9503f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171c; --ink: #e4e7ec; --soft: #929cab; --line: #2a303a; --panel: #1b1f26; --accent: #7aa5ff;
    --good: #52c08a; --bad: #ea7f6e; --s1: #7aa5ff; --s2: #f0a75a; --s3: #52c08a; --s4: #b892f0; --s5: #ea7f6e;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 34px; line-height: 1.15; letter-spacing: -0.02em; margin: 2px 0 20px; font-weight: 650; }
h2 { font-size: 21px; letter-spacing: -0.01em; margin: 56px 0 14px; font-weight: 620; }
h3 { font-size: 16px; margin: 32px 0 10px; font-weight: 620; }
h4 { font-size: 13px; margin: 12px 0 6px; color: var(--soft); font-weight: 550; }
p.lead { margin: -6px 0 16px; color: var(--soft); max-width: 74ch; }
.brand { margin: 0; font-weight: 650; color: var(--accent); } .brand span { color: var(--soft); font-weight: 400; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 3px 20px; margin: 0; font-size: 14px; }
.facts div { display: contents; } .facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); margin: 32px 0 0; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--line); gap: 1px; }
.figures div { background: var(--paper); padding: 16px 20px 14px; display: flex; flex-direction: column; }
.figures b { font-size: 30px; line-height: 1.2; letter-spacing: -0.02em; font-weight: 620; font-variant-numeric: tabular-nums; }
.figures small { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 12px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: middle; }
th:first-child, td:first-child { padding-left: 0; } th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 500; font-size: 13px; color: var(--soft); vertical-align: bottom; }
tbody th { font-weight: 550; white-space: nowrap; } .n { text-align: right; white-space: nowrap; }
.soft, .from, .unit, .kind { color: var(--soft); } .from, .kind { font-weight: 400; font-size: 13px; }
.overall .wide { width: 44%; min-width: 160px; } .own th, .own b { color: var(--accent); }
.bar { position: relative; height: 14px; background: var(--panel); border-radius: 3px; }
.bar i { position: absolute; inset: 0 auto 0 0; background: color-mix(in srgb, var(--soft) 45%, var(--paper)); border-radius: 3px; }
.own .bar i { background: var(--accent); }
.bar u { position: absolute; top: 50%; height: 9px; margin-top: -4.5px; border: solid var(--ink); border-width: 0 1.5px; background: linear-gradient(var(--ink), var(--ink)) center / 100% 1.5px no-repeat; }
.matrix { table-layout: auto; } .matrix td { border: 2px solid var(--paper); border-bottom-color: var(--paper); padding: 6px 10px; }
.matrix thead th { border: 0; padding: 6px 10px; line-height: 1.25; } .matrix thead th:first-child, .matrix tbody th { padding-left: 0; border: 0; }
.matrix thead th:not(:first-child) { white-space: normal; max-width: 92px; } .matrix small { display: block; font-size: 11px; opacity: .75; }
.tint { border-radius: 5px; } .tint.good { background: color-mix(in srgb, var(--good) calc(var(--share) * .55), var(--panel)); }
.tint.bad { background: color-mix(in srgb, var(--bad) min(70%, calc(var(--share) * 1.8)), var(--panel)); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 14px; }
.card { margin: 0; padding: 12px 14px 10px; border: 1px solid var(--line); border-radius: 10px; min-width: 0; }
.card figcaption { display: flex; justify-content: space-between; gap: 8px; font-size: 14px; margin-bottom: 6px; } .card strong { font-weight: 600; }
.unit { font-size: 12px; padding-top: 2px; } .meaning { margin: 1px 0 0; font-size: 12px; color: var(--soft); }
svg { display: block; width: 100%; height: auto; overflow: visible; touch-action: pan-y; }
svg text { font-size: 10px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); } svg path { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; } svg .raw { stroke-width: 1; opacity: .32; }
svg .cursor { stroke: var(--soft); stroke-dasharray: 2 2; visibility: hidden; } svg .dot { stroke: none; }
path.s1 { stroke: var(--s1); } path.s2 { stroke: var(--s2); } path.s3 { stroke: var(--s3); } path.s4 { stroke: var(--s4); } path.s5 { stroke: var(--s5); }
i.s1, .dot.s1 { background: var(--s1); fill: var(--s1); } i.s2, .dot.s2 { background: var(--s2); fill: var(--s2); } i.s3, .dot.s3 { background: var(--s3); fill: var(--s3); }
i.s4, .dot.s4 { background: var(--s4); fill: var(--s4); } i.s5, .dot.s5 { background: var(--s5); fill: var(--s5); }
.legend { display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 12px; margin-top: 4px; color: var(--soft); }
.key i { display: inline-block; width: 10px; height: 3px; border-radius: 2px; margin-right: 5px; vertical-align: 3px; } .key b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; } .key.at { margin-left: auto; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); gap: 14px; align-items: start; }
.sample { border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; min-width: 0; }
.sample header { display: flex; justify-content: space-between; gap: 14px; margin-bottom: 8px; } .sample .kind { white-space: nowrap; }
q { quotes: "“" "”"; font-weight: 550; }
pre { margin: 0; font: 12.5px/1.5 ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.answer { display: grid; grid-template-columns: minmax(72px, max-content) 14px 1fr; gap: 8px; padding: 5px 0; border-top: 1px solid var(--line); align-items: baseline; }
.who { font-size: 13px; color: var(--soft); max-width: 110px; overflow-wrap: anywhere; } .right .mark, .reward.right { color: var(--good); } .wrong .mark, .reward.wrong { color: var(--bad); } .wrong pre { color: var(--soft); }
details summary { cursor: pointer; color: var(--soft); font-size: 13px; } .sample summary { padding: 5px 0 0; border-top: 1px solid var(--line); }
.block { border: 1px solid var(--line); border-radius: 10px; margin: 10px 0; padding: 10px 16px; } .block summary { font-size: 14px; color: var(--ink); } .block[open] summary { margin-bottom: 10px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 28px; } .drawn tbody th { font-weight: 400; white-space: normal; } .drawn tbody > tr > * { vertical-align: top; } .drawn pre { color: var(--soft); margin-top: 3px; }
.yaml i { font-style: normal; color: var(--accent); } .notes { color: var(--soft); font-size: 14px; padding-left: 18px; overflow-wrap: anywhere; }
footer { margin-top: 64px; padding-top: 14px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; }
@media (max-width: 600px) { main { padding: 24px 16px 48px; } h1 { font-size: 28px; } .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 6px; } }
@media print { details:not([open]) { display: none; } .card, .sample { break-inside: avoid; } }
`;

export const SCRIPT = `
for (const svg of document.querySelectorAll('svg[data-plot]')) {
  const plot = JSON.parse(svg.dataset.plot), card = svg.closest('.card'), cursor = svg.querySelector('.cursor');
  const at = card.querySelector('[data-at]'), shown = new Map();
  for (const { name } of plot.series) { const b = card.querySelector('[data-value="' + name + '"]'); shown.set(name, [b, b.textContent]); }
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const wanted = plot.low + (x - plot.left) / (plot.right - plot.left) * (plot.high - plot.low);
    let found;
    for (const { name, points } of plot.series) {
      const point = points.reduce((a, b) => Math.abs(b[0] - wanted) < Math.abs(a[0] - wanted) ? b : a);
      shown.get(name)[0].textContent = String(Number(point[1].toPrecision(3)));
      found ??= point[0];
    }
    const place = plot.left + (found - plot.low) / (plot.high - plot.low) * (plot.right - plot.left);
    cursor.setAttribute('x1', place); cursor.setAttribute('x2', place); cursor.style.visibility = 'visible';
    at.textContent = 'step ' + Math.round(found);
  });
  svg.addEventListener('pointerleave', () => {
    cursor.style.visibility = 'hidden'; at.textContent = '';
    for (const [b, text] of shown.values()) b.textContent = text;
  });
}
`;
