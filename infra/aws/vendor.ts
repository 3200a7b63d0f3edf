import { isStatic } from "../../constructs/aws/parameters";
import { GP3 } from "../../constructs/aws/storage";
import type { Facts } from "../plan/facts";
import type { Vendor } from "../plan/vendor";

/** Waiting changes all take effect together. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.ApplyImmediately.html */
const when = (has: Facts): string =>
  has["section.applyImmediately"] === true ? "at once" : `in its maintenance window (${has.maintenanceWindow} UTC)`;

/** From this size on, RDS uses four volumes instead of one. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html */
const isStriped = (facts: Facts): boolean => Number(facts.storageGib) >= GP3.stripedFromGib;

/** RDS for PostgreSQL. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html */
export const awsVendor: Vendor = {
  name: "RDS",
  cloud: "aws",
  isStatic,
  restartsForParameters: false,
  when,
  // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html
  resize: (_had, has) =>
    has.highAvailability === true ? "by a failover, which typically takes 60 to 120 seconds" : "and is unavailable until it has restarted",
  // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.MajorVersion.html
  slots: "refused",
  logicalReplication: "rds.logical_replication",
  upgradesReplicas: false,
  versions: "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,EngineVersion]'",
  interruptions: {
    addStandby: null,
    removeStandby: null,
    // https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
    turnBackupsOn: "stops reading and writing for seconds or minutes",
    turnRecoveryOn: null,
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html
    addReplica: (has) =>
      has.highAvailability === true ? null : "stops reading and writing for about a minute, at once, while RDS takes a snapshot",
  },
  copiesBackups: true,
  standbyLoad: "; writes can be slow for hours, so deploy at a quiet time",
  growsByTenth: true,
  // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.ModifyingExisting.ScalingUp.html
  diskChange: (had, has) =>
    `${isStriped(had) === isStriped(has) ? "" : "; RDS copies all of it to four volumes, which makes it slow for hours"}; RDS accepts no other change of it for at least 6 hours, and until this one is done`,
  keepsGrownDisk: false,
};
