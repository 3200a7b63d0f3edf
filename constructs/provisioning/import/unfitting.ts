/** A value that its column in the target does not take; the message is the rule that it breaks. */
export class Unfitting extends Error {
  override readonly name = "Unfitting";
}
