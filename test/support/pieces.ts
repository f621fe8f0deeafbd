/** The bytes in pieces of one size, as a network might deliver them. */
export function piecesOf(bytes: Buffer, size: number): readonly Buffer[] {
  if (size >= bytes.length) return [bytes];
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}
