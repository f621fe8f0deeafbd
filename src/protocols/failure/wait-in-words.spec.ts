import { waitInWords } from './wait-in-words.js';

describe('waitInWords', () => {
  it.each<readonly [string, number | undefined]>([
    ['Please try again in 1.146s.', 1146],
    ['Please try again in 84ms. Visit https://x', 84],
    ['Please try again in 6m0s.', 360_000],
    ['Please try again in 1h12m3.5s.', 4_323_500],
    ['Please try again in 2h.', 7_200_000],
    ['Please retry in 500µs', 1],
    ['Retry after 20 seconds', 20_000],
    ['Please retry after 1 second.', 1000],
    ['Retry after 2 minutes and 5 seconds or upgrade', 125_000],
    ['try again in 1 hour, 5 min', 3_900_000],
    ['Retry after 20.', 20_000],
    ['Retry after 0s', undefined],
    ['Try again in 3 attempts', undefined],
    ['Try again in 1h5x', undefined],
    ['Retry after 2026-11-22', undefined],
    ['Try again in a while', undefined],
    ['Limit 20s', undefined],
  ])('%s: %p', (message, wait) => expect(waitInWords(message)).toBe(wait));
});
