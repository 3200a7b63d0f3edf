/** One thing that `doctor` looked at. */
export interface Check {
  /** Platform, or instance. */
  readonly subject: string;
  /** What should be true. */
  readonly promise: string;
  /** The problem and its remedy; null if the check passed. */
  readonly problem: string | null;
  /** Something to know although the check passed. Default: nothing. */
  readonly note?: string;
}
