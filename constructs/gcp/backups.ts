import type { InstanceSettings } from "../model/instance";
import type { GcpSettings } from "./section";

/** Most days that write-ahead logs can be kept for. https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr */
export const LOG_DAYS: Readonly<Record<GcpSettings["edition"], number>> = { ENTERPRISE: 7, ENTERPRISE_PLUS: 35 };

/** The most backups that Cloud SQL keeps. https://cloud.google.com/sql/docs/postgres/backup-recovery/backups, read 2026-11-30 */
const MOST_BACKUPS = 365;

export interface Retention {
  /** Days within which recovery to any moment is possible. */
  readonly logDays: number;
  /** Number of backups to keep: a count, not days. Cloud SQL takes one each day. */
  readonly backups: number;
}

/** Converts days of retention to Cloud SQL's units; null if no backups are kept. */
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
