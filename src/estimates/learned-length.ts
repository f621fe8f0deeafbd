/** Each answer counts for so much of what is believed, once there were some. */
const NEWEST_SHARE = 0.05;
/** From so few answers nothing is concluded but that there may be longer ones. */
const FEWEST = 5;
const UNLEARNED = 1_000;
const LONGEST = 200_000;

/** How long a model's answers hardly ever are: the mean of the latest, and two deviations. */
export class LearnedLength {
  #answers = 0;
  #mean = 0;
  #variance = 0;

  /** In tokens. */
  get bound(): number {
    const learned = this.#mean + 2 * Math.sqrt(this.#variance);
    return Math.ceil(this.#answers < FEWEST ? Math.max(UNLEARNED, learned) : learned);
  }

  /** A report far beyond all others moves it by a step only: it may be nonsense. */
  learn(tokens: number): void {
    const believed = Math.min(tokens, 4 * Math.max(this.bound, UNLEARNED), LONGEST);
    this.#answers += 1;
    const share = Math.max(NEWEST_SHARE, 1 / this.#answers);
    const off = believed - this.#mean;
    this.#mean += share * off;
    this.#variance = (1 - share) * (this.#variance + share * off * off);
  }
}
