import type { InstanceSettings } from "../model/instance";

type Size = InstanceSettings["size"];

/**
 * Tiers that share a core: no SLA covers them, and their disks end at 3,054 GB. Memory in GiB, and `max_connections` as Cloud SQL sets it.
 *
 * https://cloud.google.com/sql/docs/postgres/instance-settings, https://cloud.google.com/sql/docs/postgres/flags, read 2026-11-30
 */
const SHARED_CORES: ReadonlyMap<string, { readonly size: Size; readonly connections: number }> = new Map([
  ["db-f1-micro", { size: { vcpus: 1, memoryGib: 0.6 }, connections: 25 }],
  ["db-g1-small", { size: { vcpus: 1, memoryGib: 1.7 }, connections: 50 }],
]);

/** Returns `max_connections` of the shared-core tier with this memory; null if there is none. */
export const sharedConnections = (memoryGib: number): number | null =>
  [...SHARED_CORES.values()].find(({ size }) => size.memoryGib === memoryGib)?.connections ?? null;

export const isSharedCore = (tier: string): boolean => SHARED_CORES.has(tier);

/** Tiers for PostgreSQL, shared cores and those of each series: `db-custom-<vCPUs>-<MiB>` and the like. */
export const TIER = {
  pattern: /^db-(f1-micro|g1-small|custom-(N4-)?[1-9]\d{0,2}-[1-9]\d{2,6}|(perf-optimized-N|c4a-highmem)-[1-9]\d{0,2})$/,
  form: "a Cloud SQL for PostgreSQL tier, such as db-custom-2-7680 (2 vCPUs, 7,680 MiB) or db-f1-micro",
};

export const MIB_PER_GIB = 1024;
const GIB_PER_VCPU = 8;
/** The only machine with less memory per vCPU. */
const LARGEST = { tier: "db-perf-optimized-N-128", memoryGib: 864 };

/** Returns the size of a tier of this form. */
export function sizeOfTier(tier: string): Size {
  const shared = SHARED_CORES.get(tier)?.size;
  if (shared !== undefined) return shared;
  const [, cpus, mib] = /-(\d+)(?:-(\d+))?$/.exec(tier) ?? [];
  const vcpus = Number(cpus);
  if (mib !== undefined) return { vcpus, memoryGib: Number(mib) / MIB_PER_GIB };
  return { vcpus, memoryGib: tier === LARGEST.tier ? LARGEST.memoryGib : vcpus * GIB_PER_VCPU };
}
