const BYTES = Symbol('bytes');

/** Remembers the bytes an answer arrived in, so that an answer that needs no change is sent on without serialising it. */
export function keepBytes(answer: object, bytes: Uint8Array): void {
  // Not enumerable, so that a changed copy of the answer does not take the bytes along.
  Object.defineProperty(answer, BYTES, { value: bytes });
}

/** The bytes of an answer: as it arrived, or serialised once. From then on it must not be changed. */
export function bytesOf(answer: object): Uint8Array {
  const { [BYTES]: kept } = answer as { readonly [BYTES]?: Uint8Array };
  if (kept !== undefined) return kept;
  const bytes = Buffer.from(JSON.stringify(answer));
  keepBytes(answer, bytes);
  return bytes;
}
