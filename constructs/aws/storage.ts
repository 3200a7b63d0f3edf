import type { InstanceSettings } from "../model/instance";

/**
 * gp3 on RDS for PostgreSQL: below 400 GiB one volume with fixed performance, from there on four, striped.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage
 */
export const GP3 = {
  /** Performance of one volume: operations per second, and MiB/s. */
  baseline: { iops: 3_000, throughput: 125 },
  stripedFromGib: 400,
  iops: { min: 12_000, max: 64_000 },
  /** MiB/s. */
  throughput: { min: 500, max: 4_000 },
  /** MiB/s for each operation per second. */
  throughputPerIops: 0.25,
} as const;

/** Returns the performance settings of an instance's volume; none if RDS accepts none. */
export function performanceOf(instance: InstanceSettings): { readonly iops: number; readonly throughputMibps: number } | null {
  if (instance.storageGib < GP3.stripedFromGib) return null;
  return { iops: instance.iops ?? GP3.iops.min, throughputMibps: instance.throughputMibps ?? GP3.throughput.min };
}
