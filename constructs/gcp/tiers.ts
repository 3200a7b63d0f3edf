import type { InstanceSettings } from "../model/instance";
import type { GcpSettings } from "./section";
import { MIB_PER_GIB, sharedConnections, sizeOfTier } from "./tier-names";

type Size = InstanceSettings["size"];

/** Limits of a disk's operations per second and MiB/s. */
interface Performance {
  readonly iops: number;
  readonly throughput: number;
}

/**
 * A machine series, which follows from an edition and a disk.
 *
 * https://cloud.google.com/sql/docs/postgres/machine-series-overview
 * https://cloud.google.com/sql/docs/postgres/storage-options-overview
 */
export interface MachineSeries {
  readonly name: string;
  /** Returns the tier of exactly this size, or null. */
  tier(size: Size): string | null;
  /** Sizes in words, for a message. */
  readonly sizes: string;
  /** Returns the nearest existing size. */
  near(size: Size): Size;
  /** Returns the most that a disk can have; null if it cannot be set. With a standby in a second zone, it may be less. */
  performance(vcpus: number, highAvailability: boolean): Performance | null;
}

/** Sizes are free within bounds: memory in steps of 256 MiB. */
interface FreeSizes {
  readonly prefix: string;
  readonly vcpus: { readonly min: number; readonly max: number };
  readonly gibPerVcpu: { readonly min: number; readonly max: number };
  readonly memoryGib: { readonly min: number; readonly max: number };
}

/** Steps of memory in a GiB. https://cloud.google.com/sql/docs/postgres/machine-series-overview, read 2026-11-30 */
const STEPS = 4;

function freeSeries(name: string, sizes: FreeSizes, performance: MachineSeries["performance"]): MachineSeries {
  const { prefix, vcpus: cpus, gibPerVcpu: ratio, memoryGib: memory } = sizes;
  const fits = ({ vcpus, memoryGib }: Size) =>
    Number.isInteger(memoryGib * STEPS) &&
    (vcpus % 2 === 0 || vcpus === cpus.min) &&
    vcpus >= cpus.min &&
    vcpus <= cpus.max &&
    memoryGib >= Math.max(memory.min, vcpus * ratio.min) &&
    memoryGib <= Math.min(memory.max, vcpus * ratio.max);
  const clamp = (value: number, min: number, max: number) => Math.min(Math.max(value, min), max);
  return {
    name,
    tier: (size) => (fits(size) ? `${prefix}-${size.vcpus}-${size.memoryGib * MIB_PER_GIB}` : null),
    sizes: `${cpus.min === 1 ? "1, or an even number up to" : `an even number of ${cpus.min} to`} ${cpus.max} vCPUs, with ${ratio.min} to ${ratio.max} GiB for each, and ${memory.min} to ${memory.max} GiB in total`,
    near: ({ vcpus, memoryGib }) => {
      const even = clamp(vcpus <= cpus.min ? cpus.min : Math.ceil(vcpus / 2) * 2, cpus.min, cpus.max);
      const up = (gib: number) => Math.ceil(gib * STEPS) / STEPS;
      const most = Math.floor(Math.min(memory.max, even * ratio.max) * STEPS) / STEPS;
      return { vcpus: even, memoryGib: clamp(up(memoryGib), up(Math.max(memory.min, even * ratio.min)), most) };
    },
    performance,
  };
}

function fixedSeries(name: string, prefix: string, vcpus: readonly number[], performance: MachineSeries["performance"]): MachineSeries {
  const sizes = vcpus.map((each) => sizeOfTier(`${prefix}-${each}`));
  const equals = (a: Size) => (b: Size) => a.vcpus === b.vcpus && a.memoryGib === b.memoryGib;
  return {
    name,
    tier: (size) => (sizes.some(equals(size)) ? `${prefix}-${size.vcpus}` : null),
    sizes: sizes.map(({ vcpus, memoryGib }) => `${vcpus}/${memoryGib}`).join(", "),
    near: (size) =>
      sizes.find(({ vcpus, memoryGib }) => vcpus >= size.vcpus && memoryGib >= size.memoryGib) ??
      sizes.at(-1) ?? { vcpus: 0, memoryGib: 0 },
    performance,
  };
}

/** The least that Hyperdisk Balanced can have. */
export const HYPERDISK_FLOOR: Performance = { iops: 3_000, throughput: 140 };

/** The most that Hyperdisk Balanced can have, from a number of vCPUs on: in one zone, and with a standby in a second. */
type Ceilings = readonly { readonly from: number; readonly one: Performance; readonly two: Performance }[];

const ceiling = (from: number, one: readonly [number, number], two = one): Ceilings[number] => ({
  from,
  one: { iops: one[0], throughput: one[1] },
  two: { iops: two[0], throughput: two[1] },
});

const N4_CEILINGS: Ceilings = [
  ceiling(48, [160_000, 2_400], [100_000, 1_200]),
  ceiling(32, [100_000, 1_600], [100_000, 1_200]),
  ceiling(16, [80_000, 1_200]),
  ceiling(8, [15_000, 480]),
  ceiling(0, [15_000, 240]),
];
const C4A_CEILINGS: Ceilings = [
  ceiling(48, [160_000, 2_400], [100_000, 1_200]),
  ceiling(32, [120_000, 2_400], [100_000, 1_200]),
  ceiling(16, [80_000, 1_600], [80_000, 1_200]),
  ceiling(8, [50_000, 1_000]),
  ceiling(0, [50_000, 800]),
];

const within =
  (ceilings: Ceilings): MachineSeries["performance"] =>
  (vcpus, highAvailability) => {
    const found = ceilings.find(({ from }) => vcpus >= from);
    return (highAvailability ? found?.two : found?.one) ?? null;
  };
/** An SSD's performance follows from its size. */
const notChosen = () => null;

const SERIES: Readonly<Record<GcpSettings["edition"], Readonly<Record<GcpSettings["disk"], MachineSeries>>>> = {
  ENTERPRISE: {
    PD_SSD: freeSeries(
      "dedicated core",
      {
        prefix: "db-custom",
        vcpus: { min: 1, max: 96 },
        gibPerVcpu: { min: 0.9, max: 6.5 },
        memoryGib: { min: 3.75, max: 624 },
      },
      notChosen,
    ),
    HYPERDISK_BALANCED: freeSeries(
      "N4",
      { prefix: "db-custom-N4", vcpus: { min: 2, max: 80 }, gibPerVcpu: { min: 2, max: 8 }, memoryGib: { min: 4, max: 624 } },
      within(N4_CEILINGS),
    ),
  },
  ENTERPRISE_PLUS: {
    PD_SSD: fixedSeries("N2", "db-perf-optimized-N", [2, 4, 8, 16, 32, 48, 64, 80, 96, 128], notChosen),
    HYPERDISK_BALANCED: fixedSeries("C4A", "db-c4a-highmem", [2, 4, 8, 16, 32, 48, 64, 72], within(C4A_CEILINGS)),
  },
};

export const seriesOf = ({ edition, disk }: Pick<GcpSettings, "edition" | "disk">): MachineSeries => SERIES[edition][disk];

/** Cloud SQL's default `max_connections`, from this many GiB on. https://cloud.google.com/sql/docs/postgres/flags#postgres-m */
const CONNECTIONS: readonly (readonly [fromGib: number, connections: number])[] = [
  [120, 1000],
  [60, 800],
  [30, 600],
  [15, 500],
  [7.5, 400],
  [6, 200],
  [0, 100],
];

export const connectionsOf = (memoryGib: number): number =>
  sharedConnections(memoryGib) ?? CONNECTIONS.find(([from]) => memoryGib >= from)?.[1] ?? 0;
