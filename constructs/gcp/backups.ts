import type { InstanceSettings } from "../model/instance";
import type { GcpSettings } from "./section";

/** Most days that write-ahead logs can be kept for. https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr */
export const LOG_DAYS: Readonly<Record<GcpSettings["edition"], number>> = { ENTERPRISE: 7, ENTERPRISE_PLUS: 35 };

/** Backups that Cloud SQL keeps at most. https://cloud.google.com/sql/docs/postgres/backup-recovery/backups, read 2026-11-30 */
const MOST_BACKUPS = 365;

export interface Retention {
  /** Days back to any moment of which one can recover. */
  readonly logDays: number;
  /** Backups that are kept: a count, not days. One is made each day. */
  readonly backups: number;
}

/** Days of retention in Cloud SQL's units; null where nothing is kept. */
export function retentionOf(
  { backupRetentionDays, pointInTimeRecovery }: Pick<InstanceSettings, "backupRetentionDays" | "pointInTimeRecovery">,
  edition: GcpSettings["edition"],
): Retention | null {
  if (backupRetentionDays === 0) return null;
  return {
    logDays: pointInTimeRecovery ? Math.min(backupRetentionDays, LOG_DAYS[edition]) : 0,
    // A recovery to the oldest moment begins at the backup before it.
    backups: Math.min(backupRetentionDays + 1, MOST_BACKUPS),
  };
}
