// Figures to a table for people.

export const median = (values) => percentile(values, 50);

/** Nearest rank. */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)];
}

const figure = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const cell = (value, after = '') => (value === undefined ? '' : `${figure(value)}${after}`);

/** The comparison, its bound, and whether it holds: times the bare proxy, added to it, or the gateway's own figure. */
function judge({ unit, gateway, ratio, target, added, targetAdded, limit }) {
  if (ratio !== undefined)
    return [cell(ratio, ' ×'), cell(target, ' ×'), target === undefined ? '' : verdict(ratio <= target)];
  if (added !== undefined)
    return [`+ ${cell(added, ` ${unit}`)}`, `+ ${cell(targetAdded, ` ${unit}`)}`, verdict(added <= targetAdded)];
  return ['', cell(limit, ` ${unit}`), limit === undefined ? '' : verdict(gateway <= limit)];
}

const verdict = (holds) => (holds ? 'yes' : 'no');

export function print(rows) {
  const head = ['', 'unit', 'bare proxy', 'gateway', 'gateway / bare', 'target', 'met'];
  const table = [head, ...rows.map((row) => [row.measure, row.unit, cell(row.bare), cell(row.gateway), ...judge(row)])];
  const widths = head.map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table) {
    console.log(
      line.map((text, column) => (column < 2 ? text.padEnd(widths[column]) : text.padStart(widths[column]))).join('  '),
    );
  }
}
