/** Of English, about. */
export const CHARACTERS_PER_TOKEN = 4;
/** What was learned fades with every further text. */
const KEPT = 0.98;
/** A text counts by its length, up to this: one book must not outweigh all letters. */
const LONGEST = 20_000;
/** No language and no tokenizer is beyond these; a provider's report may be. */
const [MOST_PER_CHARACTER, FEWEST_PER_CHARACTER] = [4, 1 / 40];

/** How many tokens a model makes of a character. It begins as English, with the weight of one long text. */
export class LearnedRatio {
  #characters = LONGEST / 5;
  #tokens = LONGEST / 5 / CHARACTERS_PER_TOKEN;

  tokens(characters: number): number {
    return Math.ceil((characters * this.#tokens) / this.#characters);
  }

  learn(characters: number, tokens: number): void {
    if (characters === 0 || tokens === 0) return;
    const believed = Math.min(Math.max(tokens, characters * FEWEST_PER_CHARACTER), characters * MOST_PER_CHARACTER);
    const weight = Math.min(1, LONGEST / characters);
    this.#characters = KEPT * this.#characters + weight * characters;
    this.#tokens = KEPT * this.#tokens + weight * believed;
  }
}
