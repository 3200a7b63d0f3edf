/** One thing that `doctor` looked at. */
export interface Check {
  /** Platform, or instance. */
  readonly subject: string;
  /** What should be true. */
  readonly promise: string;
  /** What is wrong and what to do, or null where the promise holds. */
  readonly problem: string | null;
}
