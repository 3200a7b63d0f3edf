import { isSharedCore, sizeOfTier } from "../../constructs/gcp/tier-names";

/** How an instance's processor and memory are billed: one price for both, or one for each. */
export type Machine =
  | { readonly kind: "whole"; readonly item: string }
  | { readonly kind: "parts"; readonly series: string; readonly vcpus: number; readonly memoryGib: number };

/** A class of RDS, such as `db.m7g.large`. */
export const rdsMachine = (className: string): Machine => ({ kind: "whole", item: className });

/** Prefixes of tiers, which identify Cloud SQL's machine series. https://cloud.google.com/sql/docs/postgres/machine-series-overview */
const SERIES = [
  ["db-custom-N4-", "ENTERPRISE N4"],
  ["db-custom-", "ENTERPRISE"],
  ["db-perf-optimized-N-", "ENTERPRISE_PLUS N2"],
  ["db-c4a-highmem-", "ENTERPRISE_PLUS C4A"],
] as const;

/** Names of the series in the table. */
export type Series = (typeof SERIES)[number][1];

/**
 * A tier of Cloud SQL: shared cores have one price, the others one for each vCPU and GiB.
 *
 * @throws TypeError for a tier that PostgreSQL does not support.
 */
export function cloudSqlMachine(tier: string): Machine {
  if (isSharedCore(tier)) return { kind: "whole", item: tier };
  const series = SERIES.find(([beginning]) => tier.startsWith(beginning))?.[1];
  if (series === undefined) throw new TypeError(`${tier} is not a tier of Cloud SQL for PostgreSQL`);
  return { kind: "parts", series, ...sizeOfTier(tier) };
}
