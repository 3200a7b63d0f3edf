/** One check of `doctor`. */
export interface Check {
  /** Platform, or instance. */
  readonly subject: string;
  /** The condition that should be true. */
  readonly promise: string;
  /** The problem and its remedy; null if the check passed. */
  readonly problem: string | null;
  /** A note although the check passed. Default: none. */
  readonly note?: string;
}
