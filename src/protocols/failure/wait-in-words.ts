const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Units as Go writes durations, and as people do. A number alone means seconds. */
const UNITS: readonly (readonly [RegExp, ms: number])[] = [
  [/^(ns|nanoseconds?)$/i, 1e-6],
  [/^([uµμ]s|microseconds?)$/i, 1e-3],
  [/^(ms|milliseconds?)$/i, 1],
  [/^(s|secs?|seconds?)?$/i, SECOND],
  [/^(m|mins?|minutes?)$/i, MINUTE],
  [/^(h|hrs?|hours?)$/i, HOUR],
];

/** "try again in 1.146s", "retry after 20 seconds", "in 6m0s", "in 1 hour and 5 minutes"; undefined where it says none. */
export function waitInWords(message: string): number | undefined {
  const start = /(?:try again in|retry after|retry in) (?=\d)/i.exec(message);
  if (start === null) return undefined;
  const part = /(?:,? and |, ?| )?(\d+(?:\.\d+)?)(?: ?([a-zµμ]+)\b|(?: ?([a-zµμ]+)(?=\d))|(?![\w:-]|\.\d))/iy;
  part.lastIndex = start.index + start[0].length;
  let wait = 0;
  for (let found = part.exec(message); found !== null; found = part.exec(message)) {
    const [, amount, word, joined] = found;
    const unit = UNITS.find(([name]) => name.test(word ?? joined ?? ''));
    if (unit === undefined) return undefined; // half a duration would be too short a wait
    wait += Number(amount) * unit[1];
  }
  return wait > 0 ? Math.ceil(wait) : undefined;
}
