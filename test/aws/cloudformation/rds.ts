import { GP3 } from "../../../constructs/aws/storage";

type Properties = Readonly<Record<string, unknown>>;

/** An instance or replica of RDS, as far as this double knows it. */
export interface DbInstance {
  readonly id: string;
  /** Identifier of its source; null for a primary. */
  readonly source: string | null;
  /** What its data comes from; null if it was created empty. */
  readonly restoredFrom: string | null;
  /** GiB that it really has: it may have grown by itself. */
  sizeGib: number;
  iops: number | null;
  majorVersion: number;
  family: string;
  deletionProtection: boolean;
  /** Major version that waits for the maintenance window; null where none does. */
  pendingVersion: number | null;
}

/**
 * A double of RDS and of CloudFormation's handler of AWS::RDS::DBInstance, after its source
 * (aws-cloudformation/aws-cloudformation-resource-providers-rds, 2025-07): sizes and IOPS, replicas, upgrades, deletion protection.
 *
 * It does not prove what RDS itself refuses besides, how long anything takes, or what a restart does.
 */
export class RdsWorld {
  readonly instances = new Map<string, DbInstance>();

  create(id: string, properties: Properties): void {
    const source = sourceOf(properties);
    const size = properties.AllocatedStorage === undefined ? null : Number(properties.AllocatedStorage);
    const of = source === null ? null : this.find(source);
    if (of !== null && size !== null && size < of.sizeGib)
      throw new Error(`The storage of a read replica must not be smaller than that of its source (${size} of ${of.sizeGib} GiB)`);
    const sizeGib = size ?? of?.sizeGib ?? 0;
    const iops = checkedIops(properties, sizeGib);
    const majorVersion = of?.majorVersion ?? Number(properties.EngineVersion);
    // A replica is given its group by a change after its creation, which the handler applies at once.
    checkFamily(familyOf(properties), majorVersion);
    const protection = { deletionProtection: properties.DeletionProtection === true, pendingVersion: null };
    const restoredFrom = (properties.DBSnapshotIdentifier ?? (source === null ? properties.SourceDBInstanceIdentifier : null) ?? null) as
      | string
      | null;
    if (restoredFrom !== null && properties.MasterUsername !== undefined)
      throw new Error("The master user name of a restored instance is that of its source");
    this.instances.set(id, { id, source, restoredFrom, sizeGib, iops, majorVersion, family: familyOf(properties), ...protection });
  }

  /** The call that the handler makes, and RDS's answer. gp3 is always sent a size: the template's, or else the larger of real and template. */
  update(id: string, before: Properties, after: Properties, isRollback: boolean): void {
    const instance = this.find(id);
    const written = after.AllocatedStorage === undefined ? null : Number(after.AllocatedStorage);
    // On the way back it sends the largest of all, because no disk shrinks.
    const isChanged = before.AllocatedStorage !== after.AllocatedStorage && written !== null && !isRollback;
    const sizeGib = isChanged ? written : Math.max(instance.sizeGib, written ?? 0);
    if (sizeGib < instance.sizeGib) throw new Error(`Invalid storage size: ${sizeGib} GiB is less than the ${instance.sizeGib} GiB it has`);
    if (sizeGib > instance.sizeGib && sizeGib * 10 < instance.sizeGib * 11)
      throw new Error(`Invalid storage size: a disk of ${instance.sizeGib} GiB grows by at least 10 percent`);
    const iops = checkedIops(after, sizeGib);
    const version = Number(after.EngineVersion ?? instance.majorVersion);
    checkFamily(familyOf(after), version);
    Object.assign(instance, { sizeGib, iops, family: familyOf(after) });
    instance.pendingVersion = version === instance.majorVersion ? null : version;
    if (after.ApplyImmediately === true) this.maintain();
    if (typeof after.DeletionProtection === "boolean") instance.deletionProtection = after.DeletionProtection;
  }

  /** The maintenance window: what waits is applied, and "any read replicas associated with the database are also upgraded". */
  maintain(): void {
    for (const instance of this.instances.values()) {
      const { id, pendingVersion: version } = instance;
      if (version === null) continue;
      for (const each of this.instances.values()) if (each.id === id || each.source === id) each.majorVersion = version;
      instance.pendingVersion = null;
    }
  }

  delete(id: string): void {
    if (this.instances.get(id)?.deletionProtection)
      throw new Error("Cannot delete protected DB Instance, please disable deletion protection and try again.");
    this.instances.delete(id);
  }

  private find(id: string): DbInstance {
    const found = this.instances.get(id);
    if (found === undefined) throw new Error(`DBInstance ${id} not found.`);
    return found;
  }
}

/** Source of a replica: an instance that is restored to a moment becomes a primary. */
const sourceOf = ({ SourceDBInstanceIdentifier: arn, RestoreTime, UseLatestRestorableTime }: Properties): string | null =>
  typeof arn === "string" && RestoreTime === undefined && UseLatestRestorableTime !== true ? (arn.split(":").at(-1) ?? null) : null;

const familyOf = ({ DBParameterGroupName: name }: Properties): string => String(name).split("|").at(-1) ?? "";

function checkFamily(family: string, version: number): void {
  if (family !== `postgres${version}`)
    throw new Error(`The Parameter Group of family ${family} cannot be used for this instance of postgres ${version}`);
}

function checkedIops({ Iops }: Properties, sizeGib: number): number | null {
  if (Iops === undefined) return null;
  if (sizeGib < GP3.stripedFromGib)
    throw new Error(`You can't specify IOPS or storage throughput for engine postgres and a storage size less than ${GP3.stripedFromGib}.`);
  return Number(Iops);
}
