const kept = new WeakMap<object, Uint8Array>();

/** Remembers the bytes an answer arrived in, so that an answer that needs no change is sent on without serialising it. */
export function keepBytes(answer: object, bytes: Uint8Array): void {
  kept.set(answer, bytes);
}

/** The bytes of an answer: as it arrived, or serialised now. */
export function bytesOf(answer: object): Uint8Array {
  return kept.get(answer) ?? Buffer.from(JSON.stringify(answer));
}
