import type { InstanceSettings } from "../instance";
import { atParameter, bytesOf, numberOf, setParameter, showBytes } from "../parameter-values";
import { checkItems } from "../rule";
import { created, type InstanceRule } from "../target";
import { manualPage } from "./parameter-row";

/** A parameter that has effect only up to another one, or a share of it. */
interface Limit {
  readonly name: string;
  readonly by: string;
  readonly share: number;
  /** Of the other one, if PostgreSQL and both clouds have the same; otherwise only two that the spec sets are compared. */
  readonly default: number | null;
}

const within = (name: string, by: string, share = 1, default_: number | null = null): Limit => ({ name, by, share, default: default_ });

/** Transactions. */
const FREEZE_AGE = 200_000_000;

/** https://www.postgresql.org/docs/17/runtime-config-resource.html#RUNTIME-CONFIG-RESOURCE-ASYNC-BEHAVIOR */
const LIMITS: readonly Limit[] = [
  within("max_parallel_workers", "max_worker_processes"),
  within("max_parallel_workers_per_gather", "max_parallel_workers"),
  within("max_parallel_maintenance_workers", "max_parallel_workers"),
  within("max_logical_replication_workers", "max_worker_processes"),
  within("max_sync_workers_per_subscription", "max_logical_replication_workers"),
  within("max_parallel_apply_workers_per_subscription", "max_logical_replication_workers"),
  within("autovacuum_max_workers", "autovacuum_worker_slots"),
  within("vacuum_freeze_min_age", "autovacuum_freeze_max_age", 0.5, FREEZE_AGE),
  within("vacuum_freeze_table_age", "autovacuum_freeze_max_age", 0.95, FREEZE_AGE),
];

/** Returns the number above which a parameter has no effect, with its origin in words; null if the value is below. */
function limitOf(instance: InstanceSettings, { name, by, share, default: byDefault }: Limit): string | null {
  const value = numberOf(instance, name);
  const other = numberOf(instance, by) ?? byDefault;
  if (value === null || other === null || value <= other * share) return null;
  return share === 1 ? `${by} (${other})` : `${Math.floor(other * share)}, ${share * 100} % of ${by}`;
}

/** Rules about parameters that another parameter limits. */
export const limitRules: readonly InstanceRule[] = [
  created({
    id: "parameters-within-their-limits",
    source: manualPage("resource", "max_parallel_workers"),
    why: "PostgreSQL silently uses the smaller of the two, so the server does not do what the spec says.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) =>
      checkItems(LIMITS, (limit) => {
        const most = limitOf(instance, limit);
        if (most === null) return [];
        return [atParameter(instance, path, limit.name, `has no effect above ${most}`, `lower it, or raise ${limit.by}`)];
      }),
    passing: { parameters: { max_worker_processes: 16, max_parallel_workers: 16 } },
    failing: { parameters: { max_worker_processes: 8, max_parallel_workers: 16 } },
  }),
  created({
    id: "wal-is-kept-below-its-ceiling",
    source: manualPage("wal", "min_wal_size"),
    why: "A checkpoint begins at max_wal_size, so a larger min_wal_size only keeps files on disk; often the two were swapped.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const least = bytesOf(instance, "min_wal_size");
      const most = bytesOf(instance, "max_wal_size");
      return least === null || most === null || least <= most
        ? []
        : [
            atParameter(
              instance,
              path,
              "min_wal_size",
              `is more than max_wal_size (${showBytes(most)}), at which a checkpoint begins`,
              "swap the two, or raise max_wal_size",
            ),
          ];
    },
    passing: { parameters: { min_wal_size: "4GB", max_wal_size: "4GB" } },
    failing: { parameters: { min_wal_size: "4GB", max_wal_size: "1GB" } },
  }),
  created({
    id: "auto-explain-is-for-slow-statements",
    source: "https://www.postgresql.org/docs/17/auto-explain.html",
    why: "Anyone who can read the log can read the data, and measuring and writing each plan slows down the statement.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const found = setParameter(instance, "auto_explain.log_min_duration");
      const share = numberOf(instance, "auto_explain.sample_rate") ?? 1;
      return found?.plain !== "0" || share < 1
        ? []
        : [
            atParameter(
              instance,
              path,
              "auto_explain.log_min_duration",
              "logs the plan of every statement, with the statement's values",
              "log only slow statements, such as 1s, or a sample with auto_explain.sample_rate",
            ),
          ];
    },
    passing: { parameters: { "auto_explain.log_min_duration": "1s" } },
    failing: { parameters: { "auto_explain.log_min_duration": 0 } },
  }),
];
