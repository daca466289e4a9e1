/** Something that cannot be used; the message says what to do instead. */
export class NovaSRError extends Error {
  override name = "NovaSRError";
}
