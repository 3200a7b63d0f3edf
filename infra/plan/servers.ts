/** A server that a deployment creates. */
export interface PlannedServer {
  /** Class or tier. */
  readonly size: { readonly name: string; readonly vcpus: number; readonly memoryGib: number };
  readonly disk: {
    /** `gp3`, or as Cloud SQL calls it. */
    readonly type: string;
    readonly gib: number;
    /** What it may grow to by itself, in GiB; null where it does not. */
    readonly ceilingGib: number | null;
    /** Operations per second; null where they follow from the size. */
    readonly iops: number | null;
    /** MiB/s; null where it follows from the size. */
    readonly throughputMibps: number | null;
  };
  /** Days back to any moment of which it can be restored; 0 for none. */
  readonly recoveryDays: number;
  /** What its name will be; null where the cloud chooses one. */
  readonly endpoint: string | null;
  /** The key that encrypts it, in words. */
  readonly key: string;
  /** What keeps it from being deleted, in words. */
  readonly guards: readonly string[];
}

/** Something that exists, which a deployment only reads. */
export interface Used {
  /** Where the spec names it. */
  readonly path: string;
  /** In words: `VPC`. */
  readonly what: string;
  readonly id: string;
}
