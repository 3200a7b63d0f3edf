/** A server that a deployment creates. */
export interface PlannedServer {
  /** Class or tier. */
  readonly size: { readonly name: string; readonly vcpus: number; readonly memoryGib: number };
  readonly disk: {
    /** `gp3`, or Cloud SQL's name. */
    readonly type: string;
    readonly gib: number;
    /** Size up to which it grows automatically, in GiB; null if it does not grow. */
    readonly ceilingGib: number | null;
    /** Operations per second; null if they follow from the size. */
    readonly iops: number | null;
    /** MiB/s; null if it follows from the size. */
    readonly throughputMibps: number | null;
  };
  /** Number of past days of which any moment can be restored; 0 for none. */
  readonly recoveryDays: number;
  /** Its host name; null if the cloud chooses it. */
  readonly endpoint: string | null;
  /** The key that encrypts it, in words. */
  readonly key: string;
  /** What protects it from deletion, in words. */
  readonly guards: readonly string[];
}

/** An existing resource, which a deployment only reads. */
export interface Used {
  /** Its path in the spec. */
  readonly path: string;
  /** In words: `VPC`. */
  readonly what: string;
  readonly id: string;
}
