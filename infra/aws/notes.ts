import { isStatic } from "../../constructs/aws/parameters";
import { largestBefore, type MajorVersion } from "../../constructs/model/instance";
import type { Resource, Template } from "./templates";

/** Changes that restart an instance, at once or in its maintenance window. */
const RESTARTING = ["DBInstanceClass", "EngineVersion"];

type Properties = Readonly<Record<string, unknown>>;

/** A resource that both templates have, or one of them. */
interface Change {
  readonly id: string;
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

/** Sentences about harmless effects of a changed template, and about manual steps that it needs. */
export function findNotes(stack: string, before: Template, after: Template): readonly string[] {
  const ids = [...new Set([...Object.keys(before.Resources), ...Object.keys(after.Resources)])];
  return ids.flatMap((id) => {
    const change = { id, before: before.Resources[id], after: after.Resources[id] };
    switch ((change.after ?? change.before)?.Type) {
      case "AWS::RDS::DBInstance":
        return noteInstance(stack, change, before, after);
      case "Custom::AWSCDK-EKS-HelmChart":
        return noteRelease(stack, change);
      case "AWS::EC2::VPCEndpoint":
        return change.after === undefined
          ? [
              `${stack}: the endpoint of Secrets Manager would be deleted; after that, everything in the VPC needs another way to Secrets Manager`,
            ]
          : [];
      default:
        return [];
    }
  });
}

const propertiesOf = (resource: Resource | undefined): Properties => resource?.Properties ?? {};
const isReplica = (resource: Resource | undefined): boolean => propertiesOf(resource).SourceDBInstanceIdentifier !== undefined;
const giB = (resource: Resource | undefined): number => Number(propertiesOf(resource).AllocatedStorage);

/** A replica gets the parameter group of the new version at once, and its source may still have the old one. */
const AFTER_UPGRADE =
  "add replicas only after that, when aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,EngineVersion]' shows the new version";

const REAL_SIZE = "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,AllocatedStorage]' shows the real size";

function noteInstance(stack: string, { id, before, after }: Change, had: Template, has: Template): readonly string[] {
  const thing = `${stack}: AWS::RDS::DBInstance ${id}`;
  if (after === undefined)
    return isReplica(before) ? [`${thing} would be deleted; a read replica has no data that its source does not have`] : [];
  if (before === undefined) return isReplica(after) ? noteNewReplica(thing, after) : [];
  return [
    ...noteGrowth(thing, before, after),
    ...noteVersion(thing, before, after),
    ...noteDeletion(thing, before, after),
    ...noteRestarts(thing, before, after, had, has),
  ];
}

/** Below 400 GiB a replica gets its source's real size; from 400 GiB on it has IOPS, and so the template states a size. */
function noteNewReplica(thing: string, replica: Resource): readonly string[] {
  const { MaxAllocatedStorage: ceiling, AllocatedStorage: size } = propertiesOf(replica);
  if (ceiling === undefined || size === undefined) return [];
  return [
    `${thing} is a new replica with ${size} GiB: RDS rejects one that is smaller than its source; if the source's disk has grown beyond that by itself, raise storageGib to its real size first (${REAL_SIZE})`,
  ];
}

function noteGrowth(thing: string, before: Resource, after: Resource): readonly string[] {
  if (!(giB(after) > giB(before)) || propertiesOf(before).MaxAllocatedStorage === undefined) return [];
  return [
    `${thing} would grow from ${giB(before)} to ${giB(after)} GiB: RDS rejects that if its disk has grown beyond ${largestBefore(giB(after))} GiB by itself, unless it is ${giB(after)} GiB already (${REAL_SIZE})`,
  ];
}

/** A pinned minor version, when automatic upgrades take over again or end. */
function noteVersion(thing: string, before: Resource, after: Resource): readonly string[] {
  const [had, has] = [before, after].map((each) => propertiesOf(each).AutoMinorVersionUpgrade);
  if (had === has) return [];
  return has === true
    ? [
        `${thing} would get minor upgrades by itself again; RDS rejects the change while its preferred minor version is older than the pinned one`,
      ]
    : [`${thing} would no longer get minor upgrades, and security fixes, by itself`];
}

function noteDeletion(thing: string, before: Resource, after: Resource): readonly string[] {
  if (before.DeletionPolicy === after.DeletionPolicy || isReplica(after)) return [];
  if (after.DeletionPolicy === "Delete") return [`${thing} would from then on be deleted with its stack, without a final snapshot`];
  if (after.DeletionPolicy === "Snapshot") return [`${thing} would from then on be deleted with its stack, after a final snapshot`];
  return [`${thing} would from then on outlive its stack`];
}

function noteRestarts(thing: string, before: Resource, after: Resource, had: Template, has: Template): readonly string[] {
  const [old, next] = [propertiesOf(before), propertiesOf(after)];
  const immediately = next.ApplyImmediately === true;
  const changed = RESTARTING.filter((name) => old[name] !== next[name]);
  const waiting = staticChanges(old, next, had, has);
  const reasons = [...changed, ...(immediately || changed.length > 0 ? waiting : [])];
  if (reasons.length > 0) {
    const when = immediately ? "at once" : "in its maintenance window";
    const more = !immediately && changed.includes("EngineVersion") && !isReplica(after) ? `; ${AFTER_UPGRADE}` : "";
    return [`${thing} would restart ${when}, because of ${reasons.join(", ")}${more}`];
  }
  if (waiting.length === 0) return [];
  return [
    `${thing}: ${waiting.join(", ")} would take effect only at its next restart; RDS does not restart it, and alarms and the connection budget use the new value from the deployment on. After the deployment, run aws rds reboot-db-instance --db-instance-identifier ID (the output Instances has the complete commands, replicas first), or set applyImmediately`,
  ];
}

/** Static parameters of an instance's group that differ. A major version brings another group, and a restart anyway. */
function staticChanges(old: Properties, next: Properties, had: Template, has: Template): readonly string[] {
  const [before, after] = [groupOf(old, had), groupOf(next, has)];
  // The content of an existing group is not known: RDS loads all of it at the next restart.
  if (typeof next.DBParameterGroupName === "string")
    return old.DBParameterGroupName === next.DBParameterGroupName ? [] : ["its parameter group"];
  const names = [...new Set([...Object.keys(before.parameters), ...Object.keys(after.parameters)])];
  return names.filter((name) => before.parameters[name] !== after.parameters[name] && isStatic(name, after.majorVersion));
}

/** The parameter group of an instance or replica, which alone says a replica's version. */
function groupOf({ DBParameterGroupName: group }: Properties, { Resources }: Template) {
  const id = (group as { readonly Ref?: string } | undefined)?.Ref ?? "";
  const { Family: family, Parameters: parameters = {} } = propertiesOf(Resources[id]);
  return { parameters: parameters as Properties, majorVersion: Number(String(family).replace("postgres", "")) as MajorVersion };
}

function noteRelease(stack: string, { before, after }: Change): readonly string[] {
  if (before === undefined || after !== undefined) return [];
  const { Release, Namespace } = propertiesOf(before);
  const thing = `${stack}: release ${Release} in namespace ${Namespace}`;
  return before.DeletionPolicy === "Retain"
    ? [`${thing} would stay, with everything that uses it, but this stack would no longer upgrade it; name a new owner`]
    : [`${thing} would be uninstalled, and its pods stopped; its databases and its secret stay`];
}
