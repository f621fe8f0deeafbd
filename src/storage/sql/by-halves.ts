/** What takes several things at a time, all of them or none. */
export interface Taker<Thing> {
  take(things: readonly Thing[]): Promise<void>;
  /** Whether it failed for the sake of one of the things, and would take the others. */
  isOwnFault(error: unknown): boolean;
  /** Puts aside what cannot be taken. */
  refuse(thing: Thing, error: unknown): Promise<void>;
}

/**
 * Has all of them taken, in order. One that is refused for its own sake is found by halving, and put aside; any other
 * failure rejects, after a part of them may have been taken.
 */
export async function takenByHalves<Thing>(things: readonly Thing[], taker: Taker<Thing>): Promise<void> {
  try {
    await taker.take(things);
  } catch (error) {
    if (!taker.isOwnFault(error)) throw error;
    const [first] = things;
    if (things.length === 1 && first !== undefined) {
      await taker.refuse(first, error);
      return;
    }
    const middle = Math.ceil(things.length / 2);
    await takenByHalves(things.slice(0, middle), taker);
    await takenByHalves(things.slice(middle), taker);
  }
}
