/** A database as its cloud's API describes it to the user, who may have permission to read only one of the parts. */
export interface CloudView {
  readonly machine: Seen<Machine>;
  readonly backups: Seen<Backups>;
}

/** A part, or a sentence that explains why it is not visible. */
export type Seen<T> = { readonly value: T; readonly problem: null } | { readonly value: null; readonly problem: string };

export interface Machine {
  /** Class or tier, such as `db.m7g.large` or `db-perf-optimized-N-2`. */
  readonly type: string;
  readonly diskGib: number | null;
  /** In the cloud's words, such as `available` or `RUNNABLE`. */
  readonly state: string;
  /** Whether the instance can be used in that state. */
  readonly isUsable: boolean;
  readonly zone: string | null;
  /** The standby that takes over, to which nobody connects; null if there is none. */
  readonly standby: { /** Null if it is not known. */ readonly zone: string | null } | null;
}

export interface Backups {
  /** Whether backups are enabled. */
  readonly areOn: boolean;
  /** Number of past days of which any moment can be restored; null if only backups can be restored. */
  readonly days: number | null;
  /** Number of backups that are kept; null if they are kept for a number of days. */
  readonly kept: number | null;
  /** Oldest and latest moment that can be restored; null until the first backup is complete. */
  readonly oldest: Date | null;
  readonly latest: Date | null;
}

export const NO_BACKUPS: Backups = { areOn: false, days: null, kept: null, oldest: null, latest: null };

/** Requests a part; an error becomes a sentence. @param explain returns the sentence. */
export const see = <T>(part: Promise<T>, explain: (error: unknown) => string): Promise<Seen<T>> =>
  part.then(
    (value) => ({ value, problem: null }),
    (error: unknown) => ({ value: null, problem: explain(error) }),
  );
