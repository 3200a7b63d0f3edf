import type { MajorVersion } from "../../constructs/model/instance";
import type { Facts } from "./facts";

/** In what clouds differ when an instance is changed. */
export interface Vendor {
  /** The service, as its vendor calls it. */
  readonly name: "RDS" | "Cloud SQL";
  /** The cloud, as its section of a spec is called. */
  readonly cloud: "aws" | "gcp";
  /** Whether a parameter takes effect only when the server starts. */
  isStatic(parameter: string, majorVersion: MajorVersion): boolean;
  /** Whether the service restarts an instance for such a parameter by itself. */
  readonly restartsForParameters: boolean;
  /** When a change takes effect that interrupts an instance. */
  when(has: Facts): string;
  /** How an instance is away when its size changes. */
  resize(had: Facts, has: Facts): string;
  /** What a major upgrade does to logical replication slots. */
  readonly slots: "refused" | "deleted";
  /** Parameter that turns logical replication on. */
  readonly logicalReplication: string;
  /** Whether an upgrade takes the read replicas along; where not, it is refused while there are any. */
  readonly upgradesReplicas: boolean;
  /** Command that shows whether an upgrade is done; null where a deployment waits for it. */
  readonly versions: string | null;
  /** What happens to an instance that is in use, where it does not go on; null where it does. */
  readonly interruptions: {
    readonly addStandby: string | null;
    readonly removeStandby: string | null;
    readonly turnBackupsOn: string | null;
    readonly turnRecoveryOn: string | null;
    addReplica(has: Facts): string | null;
  };
  /** Whether backups that are kept in another region are copies, or the only ones. */
  readonly copiesBackups: boolean;
  /** What an instance that goes on feels of a new standby; empty where nothing. */
  readonly standbyLoad: string;
  /** Whether a disk must grow by a tenth or more. */
  readonly growsByTenth: boolean;
  /** What a change of the disk brings besides; empty where nothing. */
  diskChange(had: Facts, has: Facts): string;
  /** Whether a size below what a disk has grown to by itself is ignored. */
  readonly keepsGrownDisk: boolean;
}
