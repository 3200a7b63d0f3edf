import { hasRoomToGrow, largestBefore, type MajorVersion } from "../../constructs/model/instance";
import type { Change } from "./change";
import { type Facts, type Scalar, show } from "./facts";
import type { Vendor } from "./vendor";

/** A changed setting of an instance. */
export interface Setting {
  /** Name of the instance. */
  readonly instance: string;
  readonly key: string;
  readonly before: Scalar;
  readonly after: Scalar;
  /** Facts of the whole instance before and after. */
  readonly had: Facts;
  readonly has: Facts;
  readonly vendor: Vendor;
  /** Settings with which platforms read from the instance's replica, with the value that ends it. */
  readonly readers: readonly string[];
}

/** The effect of a change. */
type Outcome = Pick<Change, "level" | "effect" | "remedy">;
type Effect = (setting: Setting) => Outcome;

const outcome =
  (level: Change["level"]) =>
  (effect: string, remedy = ""): Outcome => ({ level, effect, remedy });
const lost = outcome("lost");
const refused = outcome("refused");
const outage = outcome("outage");
const cost = outcome("cost");
const other = outcome("other");

const TAKE_BACK = "undo that change";

/** The effect of a change that the vendor can only make on a new instance. */
const replaces =
  (what: string): Effect =>
  ({ instance }) =>
    lost(`${instance} would be replaced by an empty instance, because ${what} cannot change`, TAKE_BACK);

/** CloudFormation replaces an instance when this is added, changed or removed. */
const restoredFrom: Effect = ({ instance, after }) =>
  after === null
    ? lost(`${instance} would be replaced by an empty instance`, "keep restoredFrom for as long as the instance exists")
    : lost(
        `${instance} would be replaced by an instance with the data of ${after}; everything written since then is lost`,
        `${TAKE_BACK}, and restore into an instance with a new name`,
      );

const QUERY_SLOTS = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'logical'";

/** Steps that remove obstacles to an upgrade. The next plan accepts each of them. */
function stepsAround({ replicas, slots }: Obstacles, setting: string, { vendor, readers }: Setting): string {
  const drop = slots ? `drop the slots (${QUERY_SLOTS}); ` : "";
  const off = [...(replicas ? ["readReplicas to 0", ...readers] : []), ...(slots ? [`${vendor.logicalReplication} to off`] : [])];
  const wait =
    vendor.versions === null
      ? ""
      : `wait until ${vendor.versions} shows the new version (at once with applyImmediately, else after the maintenance window); `;
  const back = off.length === 1 ? off[0]?.split(" ")[0] : "them";
  return `${drop}set ${off.join(", and ")}, and deploy; change ${setting}, and deploy; ${wait}then set ${back} back, and deploy`;
}

interface Obstacles {
  /** Read replicas. */
  readonly replicas: boolean;
  /** Slots of logical replication. */
  readonly slots: boolean;
}

/** A vendor that does not upgrade replicas refuses this, or creating a new replica fails until the source has the new version. */
const refuseReplicas = ({ vendor }: Setting): string => `${vendor.name} refuses it, or the deployment fails, while there are read replicas`;

const majorVersion: Effect = (setting) => {
  const { before, after, had, has, vendor } = setting;
  if (Number(after) < Number(before))
    return refused(
      `PostgreSQL cannot go back to an older version, and ${vendor.name} refuses this`,
      `${TAKE_BACK}; to have ${after}, restore a dump into a new instance`,
    );
  const obstacles = {
    replicas: !vendor.upgradesReplicas && hasReplicas(has),
    slots: had[`parameters.${vendor.logicalReplication}`] === "on",
  };
  const reasons = [
    ...(obstacles.replicas ? [refuseReplicas(setting)] : []),
    ...(obstacles.slots
      ? [
          vendor.slots === "refused"
            ? `${vendor.name} refuses the upgrade while there is a logical replication slot`
            : "the upgrade would delete logical replication slots, and their readers would have to start again",
        ]
      : []),
  ];
  if (reasons.length > 0)
    return (obstacles.replicas || vendor.slots === "refused" ? refused : lost)(
      reasons.join("; "),
      stepsAround(obstacles, "majorVersion", setting),
    );
  const replicas = vendor.upgradesReplicas && hasReplicas(has) ? ", and its read replicas with it" : "";
  return outage(
    `is upgraded to PostgreSQL ${after} ${vendor.when(has)}${replicas}, and is unavailable until that is done, even with a standby; it cannot go back`,
    ["try it first on another instance that you restore from a backup; run ANALYZE after it", ...waitWithReplicas(setting)].join("; "),
  );
};

/** What to wait for if an upgrade waits: a replica gets the new version's parameters at once, but its source may have the old version. */
const waitWithReplicas = ({ has, vendor }: Setting): readonly string[] =>
  vendor.versions === null || has["section.applyImmediately"] === true
    ? []
    : [`add read replicas only after that, when ${vendor.versions} shows the new version`];

const hasReplicas = (facts: Facts): boolean => Number(facts.readReplicas) > 0;

const size: Effect = ({ had, has, vendor }) => {
  const leading = ["edition", "disk"].find((setting) => had[`section.${setting}`] !== has[`section.${setting}`]);
  return leading === undefined
    ? outage(`restarts ${vendor.when(has)} with the new size, ${vendor.resize(had, has)}`)
    : other(`changes with ${vendor.cloud}.${leading}`);
};

const storageGib: Effect = ({ before, after, had, has, vendor }) => {
  const [old, next] = [Number(before), Number(after)];
  const grown = Number(had["real.storageGib"] ?? old);
  const grows = had.maxStorageGib !== null;
  if (next < grown && has.maxStorageGib !== null && vendor.keepsGrownDisk)
    return other(`its disk stays at ${grown} GiB, because a disk cannot shrink`);
  if (next < grown)
    return refused(
      `a disk cannot shrink, and ${vendor.name} refuses this`,
      `write ${grown}; to have less, restore a dump into a new instance`,
    );
  const done = `the disk grows while it is in use${vendor.diskChange(had, has)}`;
  if (!vendor.growsByTenth) return cost(done);
  const least = Math.ceil((old * 11) / 10);
  if (!grows)
    return hasRoomToGrow(old, next) ? cost(done) : refused(`${vendor.name} only grows a disk by 10 % or more`, `write ${least} or more`);
  // If a size is refused, the remedy is to write the size that the disk has grown to.
  if (!hasRoomToGrow(old, next))
    return cost(
      `${vendor.name} only grows a disk by 10 % or more, and refuses this unless the disk has grown to ${next} GiB automatically`,
      `write ${least} or more; ${REAL_SIZE}`,
    );
  return cost(
    `${done}; refused if the disk has grown beyond ${largestBefore(next)} GiB automatically, unless it is already ${next} GiB`,
    REAL_SIZE,
  );
};

const REAL_SIZE = "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,AllocatedStorage]' shows the real size";

const performance: Effect = ({ had, has, vendor }) => cost(`the disk changes while it is in use${vendor.diskChange(had, has)}`);

const readReplicas: Effect = ({ before, after, had, has, vendor }) => {
  const number = Number(after) - Number(before);
  if (number < 0)
    return outage(
      `${count(-number, "read replica")} would be deleted, and its clients must read elsewhere; a read replica has no data that its source does not have`,
    );
  const interruption = vendor.interruptions.addReplica(had);
  // From this size on, a replica has its own setting, and its source's disk may have grown.
  const check = vendor.growsByTenth && has.iops !== null && has.maxStorageGib !== null;
  const remedy = check
    ? `RDS refuses a replica that is smaller than its source: if the disk has grown automatically, raise storageGib to its real size first (${REAL_SIZE})`
    : "";
  const made = `${count(number, "read replica")} would be created`;
  return interruption === null
    ? cost(`${made} while the instance is in use`, remedy)
    : outage(`${made}: the instance ${interruption}`, remedy);
};

const count = (number: number, what: string): string => (number === 1 ? `a ${what}` : `${number} ${what}s`);

const backupRetentionDays: Effect = ({ before, after, has, vendor }) => {
  const [old, next] = [Number(before), Number(after)];
  if (next === 0)
    return lost(
      "would have no automated backups, and no point-in-time recovery; existing automated backups would be deleted",
      `keep it at ${old}, unless nobody needs them`,
    );
  if (old === 0) {
    const interruption = vendor.interruptions.turnBackupsOn;
    return interruption === null ? cost("gets automated backups while it is in use") : outage(`${interruption}, ${vendor.when(has)}`);
  }
  return next < old
    ? lost(
        `backups older than ${next === 1 ? "a day" : `${next} days`} would be deleted soon after the deployment`,
        `keep it at ${old}, unless nobody needs them`,
      )
    : cost(`backups from now on are kept for ${next} days`);
};

const pointInTimeRecovery: Effect = ({ after, vendor }) => {
  if (after !== true)
    return lost("would have no point-in-time recovery, only recovery to the time of a backup; its logs would be deleted", "keep it true");
  const interruption = vendor.interruptions.turnRecoveryOn;
  return interruption === null ? cost("can be restored to any moment from the change on") : outage(interruption);
};

const highAvailability: Effect = ({ after, vendor }) => {
  const { addStandby, removeStandby } = vendor.interruptions;
  if (after === true)
    return addStandby === null ? cost(`gets a standby in a second zone while it is in use${vendor.standbyLoad}`) : outage(addStandby);
  const without = "would have no standby: if its zone fails, nobody can connect until the zone is back";
  return outage(removeStandby === null ? without : `${removeStandby}, and ${without}`, "keep it true, unless you intend this");
};

const parameter: Effect = ({ key, had, has, vendor }) => {
  const name = key.slice("parameters.".length);
  if (!vendor.isStatic(name, Number(has.majorVersion) as MajorVersion)) return other("takes effect without a restart");
  return vendor.restartsForParameters || restartsAnyway({ had, has }) ? outage(`restarts ${vendor.when(has)}`) : waits(has);
};

/** Effect of a static setting. CloudFormation only restarts an instance of RDS with `applyImmediately`. */
const waits = (has: Facts, what = ""): Outcome =>
  has["section.applyImmediately"] === true
    ? outage("restarts at once")
    : outage(
        `${what === "" ? "" : `${what} `}waits for the next restart, which RDS does not start; alarms and the connection budget use the new value from the deployment on`,
        "after the deployment, run aws rds reboot-db-instance --db-instance-identifier ID (the output Instances has the complete commands, replicas first), or set applyImmediately",
      );

/** Whether an instance restarts for another reason. */
const restartsAnyway = ({ had, has }: Pick<Setting, "had" | "has">): boolean =>
  ["majorVersion", "own.version", "size"].some((key) => had[key] !== has[key]);

const version: Effect = (setting) => {
  const { before, after, had, has, vendor } = setting;
  if (had.majorVersion !== has.majorVersion) return other("changes with majorVersion");
  if (after === null)
    return other(
      "gets minor versions automatically again",
      "RDS refuses this while its preferred minor version is older than the pinned one",
    );
  if (before !== null && minorOf(after) < minorOf(before))
    return refused(`PostgreSQL cannot go back to an older version, and ${vendor.name} refuses this`, TAKE_BACK);
  // Replicas are deleted after their source is changed.
  if (hasReplicas(had) || hasReplicas(has))
    return refused(refuseReplicas(setting), stepsAround({ replicas: true, slots: false }, "version", setting));
  const pinned = before === null ? "; minor versions and security fixes are no longer installed automatically" : "";
  return outage(`restarts into ${after} ${vendor.when(has)}, even with a standby${pinned}`, waitWithReplicas(setting).join(""));
};

const minorOf = (value: Scalar): number => Number(String(value).split(".")[1]);

const finalSnapshot: Effect = ({ after }) => {
  if (after === null) return other("would be kept if its stack is deleted");
  return after === true
    ? other("would be deleted with its stack, after a final snapshot")
    : lost("would be deleted with its stack, without a final snapshot", "keep it null, or write true");
};

const copies: Effect = ({ before, after, vendor }) => {
  if (after === null) return lost("would no longer have backups outside its region", "keep it, unless the region's own backups are enough");
  if (before === null && vendor.copiesBackups) return cost(`backups are also kept in ${after}`);
  return cost(`new backups are kept in ${after}; those in ${before ?? "its region"} stay until they expire`);
};

const edition: Effect = ({ before, after, had, has }) => {
  if (after === "ENTERPRISE_PLUS") return outage("moves to another machine at once, and is unavailable for less than 1 second");
  const moves = "moves to another machine at once, and is unavailable for some time";
  const [old, next] = [had, has].map((facts) => Number(facts["real.recoveryDays"] ?? 0));
  return next !== undefined && old !== undefined && next < old
    ? lost(`${moves}; older logs would be deleted, so that recovery reaches ${next} days back instead of ${old}`, `keep ${show(before)}`)
    : outage(`${moves}; recovery reaches at most 7 days back`);
};

/** Effects of settings on all clouds, by key. Missing settings have the effect `other`. */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  majorVersion,
  size,
  storageGib,
  maxStorageGib: ({ after }) =>
    after === null
      ? other(
          "the disk would no longer grow automatically, and a full disk stops the database",
          "keep a ceiling, or watch the alarm on free storage",
        )
      : other(`the disk grows automatically up to ${after} GiB`),
  iops: performance,
  throughputMibps: performance,
  highAvailability,
  readReplicas,
  backupRetentionDays,
  pointInTimeRecovery,
  backupWindow: () => other("the next backup is taken then"),
  maintenanceWindow: () => other("pending maintenance is done then"),
  "backupReplication.region": copies,
  iamAuthentication: ({ after, has, vendor }) =>
    after === true
      ? other(`also accepts logins with a cloud identity, ${vendor.when(has)}`)
      : outage(`logins with a cloud identity no longer work, ${vendor.when(has)}; passwords still work`),
  deletionProtection: ({ after }) =>
    after === true
      ? other("nobody can delete it until this is false again")
      : lost("would no longer be protected from deletion", "keep it true, unless you want to delete it"),
  allowedSources: ({ before, after }) => {
    const gone = without(before, after);
    return gone.length === 0 ? other("also accepts connections from there") : outage(`connections from ${gone.join(", ")} are refused`);
  },
  "own.version": version,
  "own.parameterGroup": ({ has }) => waits(has, "any static parameter in it"),
  "own.finalSnapshot": finalSnapshot,
  "own.subnetGroup": replaces("its subnet group"),
  "own.identifier": replaces("its name"),
  "own.restoredFrom": restoredFrom,
  "own.name": replaces("its name"),
  "own.monitoringIntervalSeconds": () => other("the interval of measurements changes while it is in use"),
  "own.zone": ({ has, vendor }) => outage(`restarts ${vendor.when(has)}, if it runs in another zone by then`),
  "section.kmsKey": replaces("its key"),
  "section.encryptionKey": replaces("its key"),
  "section.network": () => lost("would leave its network, and lose its address and its route", TAKE_BACK),
  "section.region": replaces("its region"),
  "section.project": replaces("its project"),
  "section.edition": edition,
  "section.disk": ({ vendor }) =>
    refused(`${vendor.name} cannot change an instance's type of disk`, `${TAKE_BACK}; to have another, restore a dump into a new instance`),
  "section.serverCaPool": () =>
    outage(
      "gets a certificate of another authority; clients that verify it can only reconnect after they get that authority's certificate",
      "deploy at a quiet time, and restart pods that do not connect",
    ),
  "section.denyMaintenance": ({ after }) =>
    other(after === null ? "maintenance is possible on any day again" : "Google does not do maintenance on these days"),
  "section.applyImmediately": ({ after }) =>
    other(
      after === true
        ? "changes no longer wait for the maintenance window"
        : "changes that restart the instance wait for the maintenance window",
    ),
};

const without = (before: Scalar, after: Scalar): readonly string[] => {
  const list = (value: Scalar) => (value === null ? [] : String(value).split(", "));
  return list(before).filter((each) => !list(after).includes(each));
};

/** Returns the effect of a changed setting. */
export function effectOf(setting: Setting): Change {
  const { key, before, after } = setting;
  const effect = key.startsWith("parameters.") ? parameter : EFFECTS[key];
  const { level, effect: sentence, remedy } = effect?.(setting) ?? other("changes while it is in use");
  return { level, path: key, before: show(before), after: show(after), effect: sentence, remedy };
}
