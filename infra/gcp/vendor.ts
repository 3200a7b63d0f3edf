import { restarts } from "../../constructs/gcp/flags";
import type { Facts } from "../plan/facts";
import type { Vendor } from "../plan/vendor";

const isPlus = (facts: Facts): boolean => facts["section.edition"] === "ENTERPRISE_PLUS";

/**
 * Cloud SQL for PostgreSQL. No change waits: the maintenance window is for Google's own maintenance.
 * https://cloud.google.com/sql/docs/postgres/instance-settings, https://cloud.google.com/sql/docs/postgres/availability
 */
export const gcpVendor: Vendor = {
  name: "Cloud SQL",
  cloud: "gcp",
  isStatic: restarts,
  restartsForParameters: true,
  when: () => "at once",
  resize: (had, has) =>
    isPlus(had) && isPlus(has)
      ? "and is unavailable for less than 1 second if this is the first time in 3 hours"
      : "and is unavailable for less than 60 seconds",
  // https://cloud.google.com/sql/docs/postgres/upgrade-major-db-version-inplace
  slots: "deleted",
  logicalReplication: "cloudsql.logical_decoding",
  upgradesReplicas: true,
  versions: null,
  interruptions: {
    // https://cloud.google.com/sql/docs/postgres/configure-ha
    addStandby: "restarts at once, and is unavailable for some minutes, longer with a large disk or a high load",
    removeStandby: "may restart at once",
    turnBackupsOn: null,
    // https://cloud.google.com/sql/docs/postgres/backup-recovery/configure-pitr
    turnRecoveryOn: "restarts at once",
    addReplica: () => null,
  },
  copiesBackups: false,
  standbyLoad: "",
  growsByTenth: false,
  diskChange: () => "",
  keepsGrownDisk: true,
};
