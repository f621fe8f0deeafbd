const BYTES = Symbol('bytes');

/** Remembers the bytes an answer arrived in, so that an answer that needs no change is sent on without serialising it. */
export function keepBytes(answer: object, bytes: Uint8Array): void {
  // Not enumerable, so that a changed copy of the answer does not take the bytes along.
  Object.defineProperty(answer, BYTES, { value: bytes });
}

/** The bytes of an answer: as it arrived, or serialised now. */
export function bytesOf(answer: object): Uint8Array {
  return (answer as { readonly [BYTES]?: Uint8Array })[BYTES] ?? Buffer.from(JSON.stringify(answer));
}
