/** A metric and its samples, by their labels as JSON, in the order of the labels' names. */
export interface Metric {
  readonly type: string;
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,(?!$)|$)/y;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`);

/** The name of a series: its labels. */
export const labelled = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Reads the Prometheus text format; throws where it is not as the format, or good custom with counters, demands. */
export function readExposition(text: string): ReadonlyMap<string, Metric> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end.');
  const metrics = new Map<string, Metric & { readonly samples: Map<string, number> }>();
  let [helped, current] = ['', ''];
  for (const line of text.split('\n')) {
    const [, word, name = '', rest = ''] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line) ?? [];
    if (line === '') continue;
    if (word === 'HELP') helped = name;
    else if (word === 'TYPE') {
      if (helped !== name || metrics.has(name)) throw new Error(`"${name}" has no help of its own, or two types.`);
      if (name.endsWith('_total') !== (rest === 'counter')) throw new Error(`"${name}" is no name of a ${rest}.`);
      current = name;
      metrics.set(name, { type: rest, samples: new Map() });
    } else {
      const [, of, labels = '', value] = SAMPLE.exec(line) ?? [];
      const samples = metrics.get(current)?.samples;
      if (of !== current || samples === undefined) throw new Error(`Not a sample of "${current}": ${line}`);
      const series = labelled(labelsIn(labels));
      if (samples.has(series)) throw new Error(`There are two of ${line}`);
      samples.set(series, Number(value));
    }
  }
  return metrics;
}

function labelsIn(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (LABEL.lastIndex = 0; LABEL.lastIndex < text.length;) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (name === '' || name in labels) throw new Error(`These are no labels: ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}
