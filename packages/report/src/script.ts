/** The report's one script: it tells the values under the pointer. */
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
