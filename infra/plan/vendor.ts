import type { MajorVersion } from "../../constructs/model/instance";
import type { Facts } from "./facts";

/** Differences between clouds when an instance changes. */
export interface Vendor {
  /** The service's name. */
  readonly name: "RDS" | "Cloud SQL";
  /** The name of the cloud's section in a spec. */
  readonly cloud: "aws" | "gcp";
  /** Whether a parameter takes effect only when the server starts. */
  isStatic(parameter: string, majorVersion: MajorVersion): boolean;
  /** Whether the service automatically restarts an instance for such a parameter. */
  readonly restartsForParameters: boolean;
  /** When a change that interrupts an instance takes effect. */
  when(has: Facts): string;
  /** How a change of the size interrupts an instance. */
  resize(had: Facts, has: Facts): string;
  /** What a major upgrade does to logical replication slots. */
  readonly slots: "refused" | "deleted";
  /** Parameter that turns logical replication on. */
  readonly logicalReplication: string;
  /** Whether an upgrade includes the read replicas. If not, it is refused while there are any. */
  readonly upgradesReplicas: boolean;
  /** Command that shows whether an upgrade is done; null if a deployment waits for it. */
  readonly versions: string | null;
  /** How changes interrupt an instance; null if they do not. */
  readonly interruptions: {
    readonly addStandby: string | null;
    readonly removeStandby: string | null;
    readonly turnBackupsOn: string | null;
    readonly turnRecoveryOn: string | null;
    addReplica(has: Facts): string | null;
  };
  /** Whether backups that are kept in another region are copies, or the only ones. */
  readonly copiesBackups: boolean;
  /** How a new standby slows a running instance; empty if it does not. */
  readonly standbyLoad: string;
  /** Whether a disk must grow by 10 % or more. */
  readonly growsByTenth: boolean;
  /** Further effects of changing the disk; empty if there are none. */
  diskChange(had: Facts, has: Facts): string;
  /** Whether a size is ignored if the disk has automatically grown beyond it. */
  readonly keepsGrownDisk: boolean;
}
