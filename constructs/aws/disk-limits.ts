/** The most that a class can read and write on gp3 over its network, regardless of the volume: operations per second, and MiB/s. */
export interface DiskLimit {
  readonly iops: number;
  readonly throughputMibps: number;
}

const limit = (iops: number, throughputMibps: number): DiskLimit => ({ iops, throughputMibps });

type Sizes = Readonly<Record<string, DiskLimit>>;

const BURSTABLE: Sizes = {
  micro: limit(11_800, 260),
  small: limit(11_800, 260),
  medium: limit(11_800, 260),
  large: limit(15_700, 347),
  xlarge: limit(15_700, 347),
  "2xlarge": limit(15_700, 347),
};
/** Smaller sizes reach this only in bursts, for half an hour a day. */
const upTo4xlarge = (most: DiskLimit): Sizes => ({ large: most, xlarge: most, "2xlarge": most, "4xlarge": most });

const X86_OF_GENERATION_5: Sizes = {
  ...upTo4xlarge(limit(18_750, 593)),
  "8xlarge": limit(30_000, 850),
  "12xlarge": limit(40_000, 1_187),
  "16xlarge": limit(60_000, 1_700),
  "24xlarge": limit(80_000, 2_375),
};
const GRAVITON_2: Sizes = {
  ...upTo4xlarge(limit(20_000, 593)),
  "8xlarge": limit(40_000, 1_187),
  "12xlarge": limit(50_000, 1_781),
  "16xlarge": limit(80_000, 2_375),
};
const LATER: Sizes = {
  ...upTo4xlarge(limit(40_000, 1_250)),
  "8xlarge": limit(40_000, 1_250),
  "12xlarge": limit(60_000, 1_875),
  "16xlarge": limit(80_000, 2_500),
  "24xlarge": limit(120_000, 3_750),
};

/**
 * By family. Families for networks and disks (`in`, `idn`, `r5b`) exceed gp3 on RDS, or nearly do.
 *
 * The maximum, not the baseline: https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html,
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/mo.html, as of 2024-12.
 */
const FAMILIES: readonly (readonly [families: string, sizes: Sizes])[] = [
  ["t3 t4g", BURSTABLE],
  ["m5 m5d r5 r5d", X86_OF_GENERATION_5],
  ["m6g m6gd r6g r6gd x2g", GRAVITON_2],
  ["m6i m6id m7g m7i m8g m8gd r6i r6id r7g r7i r8g r8gd", LATER],
];

/** Returns the most that a class, such as `db.m7g.large`, gets from a disk; null if a volume cannot exceed it, or if it is unknown. */
export function diskLimitOf(className: string): DiskLimit | null {
  const [, family = "", size = ""] = className.split(".");
  const found = FAMILIES.find(([families]) => families.split(" ").includes(family));
  return found?.[1][size] ?? null;
}
