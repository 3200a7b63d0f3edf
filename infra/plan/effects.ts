import { hasRoomToGrow, largestBefore, type MajorVersion } from "../../constructs/model/instance";
import type { Change } from "./change";
import { type Facts, type Scalar, show } from "./facts";
import type { Vendor } from "./vendor";

/** A setting of an instance that would change. */
export interface Setting {
  /** Name of the instance. */
  readonly instance: string;
  readonly key: string;
  readonly before: Scalar;
  readonly after: Scalar;
  /** What there is of the whole instance, and what there would be. */
  readonly had: Facts;
  readonly has: Facts;
  readonly vendor: Vendor;
  /** Settings of platforms by which they read from the instance's replica, with the value that ends it. */
  readonly readers: readonly string[];
}

/** What a change does. */
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

const TAKE_BACK = "take that change back";

/** What a change of such a setting does to an instance that the vendor cannot move. */
const replaces =
  (what: string): Effect =>
  ({ instance }) =>
    lost(`${instance} would be replaced by an empty instance, because ${what} cannot change`, TAKE_BACK);

const QUERY_SLOTS = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'logical'";

/** Steps that get an upgrade past what is in its way, each of which the next plan takes. */
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

/** A vendor that does not upgrade replicas with their source refuses it, or makes a new replica fail until the source has the new version. */
const refuseReplicas = ({ vendor }: Setting): string => `${vendor.name} refuses it, or the deployment fails, while there are read replicas`;

const majorVersion: Effect = (setting) => {
  const { before, after, had, has, vendor } = setting;
  if (Number(after) < Number(before))
    return refused(
      `PostgreSQL goes to no older version, and ${vendor.name} refuses it`,
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
            : "the upgrade would delete logical replication slots, and their readers would have to begin again",
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
    `is upgraded to PostgreSQL ${after} ${vendor.when(has)}${replicas}, and is away until that is done, even with a standby; it cannot go back`,
    ["try it first on another instance that you restore from a backup; run ANALYZE after it", ...waitWithReplicas(setting)].join("; "),
  );
};

/** What to wait for where an upgrade does: a replica gets the new version's parameters at once, and its source may still have the old version. */
const waitWithReplicas = ({ has, vendor }: Setting): readonly string[] =>
  vendor.versions === null || has["section.applyImmediately"] === true
    ? []
    : [`add read replicas only after that, when ${vendor.versions} shows the new version`];

const hasReplicas = (facts: Facts): boolean => Number(facts.readReplicas) > 0;

const size: Effect = ({ had, has, vendor }) => {
  const leading = ["edition", "disk"].find((setting) => had[`section.${setting}`] !== has[`section.${setting}`]);
  return leading === undefined
    ? outage(`restarts ${vendor.when(has)} with the new size, ${vendor.resize(had, has)}`)
    : other(`goes with ${vendor.cloud}.${leading}`);
};

const storageGib: Effect = ({ before, after, had, has, vendor }) => {
  const [old, next] = [Number(before), Number(after)];
  const grown = Number(had["real.storageGib"] ?? old);
  const grows = had.maxStorageGib !== null;
  if (next < grown && has.maxStorageGib !== null && vendor.keepsGrownDisk)
    return other(`its disk of ${grown} GiB stays, because it does not shrink`);
  if (next < grown)
    return refused(
      `a disk does not shrink, and ${vendor.name} refuses it`,
      `write ${grown}; to have less, restore a dump into a new instance`,
    );
  const done = `the disk grows while it is in use${vendor.diskChange(had, has)}`;
  if (!vendor.growsByTenth) return cost(done);
  const least = Math.ceil((old * 11) / 10);
  if (!grows)
    return hasRoomToGrow(old, next) ? cost(done) : refused(`${vendor.name} grows a disk by a tenth or more`, `write ${least} or more`);
  // To write what a disk has grown to is the way on where a size is refused.
  if (!hasRoomToGrow(old, next))
    return cost(
      `${vendor.name} grows a disk by a tenth or more, and refuses this unless the disk has grown to ${next} GiB by itself`,
      `write ${least} or more; ${REAL_SIZE}`,
    );
  return cost(
    `${done}; refused where the disk has grown beyond ${largestBefore(next)} GiB by itself, unless it is ${next} GiB already`,
    REAL_SIZE,
  );
};

const REAL_SIZE = "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,AllocatedStorage]' shows the real size";

const performance: Effect = ({ had, has, vendor }) => cost(`the disk changes while it is in use${vendor.diskChange(had, has)}`);

const readReplicas: Effect = ({ before, after, had, has, vendor }) => {
  const number = Number(after) - Number(before);
  if (number < 0)
    return outage(
      `${count(-number, "read replica")} would be deleted, and who reads from it has to read elsewhere; a read replica has no data that its source does not have`,
    );
  const interruption = vendor.interruptions.addReplica(had);
  // From this size on a replica states one of its own, and its source's may have grown.
  const check = vendor.growsByTenth && has.iops !== null && has.maxStorageGib !== null;
  const remedy = check
    ? `RDS refuses a replica that is smaller than its source: where the disk has grown by itself, raise storageGib to its real size first (${REAL_SIZE})`
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
      "would have no automated backups, and no recovery to a moment; those that there are would be deleted",
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
  if (after !== true) return lost("would have no recovery to a moment, only to the time of a backup; its logs are deleted", "keep it true");
  const interruption = vendor.interruptions.turnRecoveryOn;
  return interruption === null ? cost("can be restored to any moment from then on") : outage(interruption);
};

const highAvailability: Effect = ({ after, vendor }) => {
  const { addStandby, removeStandby } = vendor.interruptions;
  if (after === true)
    return addStandby === null ? cost(`gets a standby in a second zone while it is in use${vendor.standbyLoad}`) : outage(addStandby);
  const without = "would have no standby: if its zone fails, nobody can connect until the zone is back";
  return outage(removeStandby === null ? without : `${removeStandby}, and ${without}`, "keep it true, unless that is meant");
};

const parameter: Effect = ({ key, had, has, vendor }) => {
  const name = key.slice("parameters.".length);
  if (!vendor.isStatic(name, Number(has.majorVersion) as MajorVersion)) return other("takes effect without a restart");
  return vendor.restartsForParameters || restartsAnyway({ had, has }) ? outage(`restarts ${vendor.when(has)}`) : waits(has);
};

/** What RDS heeds at the next restart, which CloudFormation brings about only with `applyImmediately`. */
const waits = (has: Facts, what = ""): Outcome =>
  has["section.applyImmediately"] === true
    ? outage("restarts at once")
    : outage(
        `${what === "" ? "" : `${what} `}waits for the next restart, which RDS does not bring about; alarms and the connection budget use the new value from the deployment on`,
        "after the deployment run aws rds reboot-db-instance --db-instance-identifier ID (the output Instances has the complete commands, replicas first), or set applyImmediately",
      );

/** Whether an instance restarts for another reason. */
const restartsAnyway = ({ had, has }: Pick<Setting, "had" | "has">): boolean =>
  ["majorVersion", "own.version", "size"].some((key) => had[key] !== has[key]);

const version: Effect = (setting) => {
  const { before, after, had, has, vendor } = setting;
  if (had.majorVersion !== has.majorVersion) return other("goes with majorVersion");
  if (after === null)
    return other("gets minor versions by itself again", "RDS refuses that while its preferred minor version is older than the pinned one");
  if (before !== null && minorOf(after) < minorOf(before))
    return refused(`PostgreSQL goes to no older version, and ${vendor.name} refuses it`, TAKE_BACK);
  // Those that go are deleted after their source is changed.
  if (hasReplicas(had) || hasReplicas(has))
    return refused(refuseReplicas(setting), stepsAround({ replicas: true, slots: false }, "version", setting));
  const pinned = before === null ? "; minor versions, and security fixes, no longer come by themselves" : "";
  return outage(`restarts into ${after} ${vendor.when(has)}, even with a standby${pinned}`, waitWithReplicas(setting).join(""));
};

const minorOf = (value: Scalar): number => Number(String(value).split(".")[1]);

const finalSnapshot: Effect = ({ after }) => {
  if (after === null) return other("would from then on outlive its stack");
  return after === true
    ? other("would from then on be deleted with its stack, after a final snapshot")
    : lost("would from then on be deleted with its stack, without a final snapshot", "keep it null, or write true");
};

const copies: Effect = ({ before, after, vendor }) => {
  if (after === null)
    return lost("would have no backups outside its region any more", "keep it, unless the region's own backups are enough");
  if (before === null && vendor.copiesBackups) return cost(`backups are kept in ${after}, too`);
  return cost(`new backups are kept in ${after}; those in ${before ?? "its region"} stay until they are too old`);
};

const edition: Effect = ({ before, after, had, has }) => {
  if (after === "ENTERPRISE_PLUS") return outage("moves to another machine at once, and is away for less than a second");
  const moves = "moves to another machine at once, and is away for some time";
  const [old, next] = [had, has].map((facts) => Number(facts["real.recoveryDays"] ?? 0));
  return next !== undefined && old !== undefined && next < old
    ? lost(`${moves}; older logs would be deleted, so that a recovery reaches ${next} days back, not ${old}`, `keep ${show(before)}`)
    : outage(`${moves}; a recovery reaches 7 days back at most`);
};

/** Settings of every cloud, by key; what is not here is `other`. */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  majorVersion,
  size,
  storageGib,
  maxStorageGib: ({ after }) =>
    after === null
      ? other("a full disk stops the database: it would no longer grow by itself", "keep a ceiling, or watch the alarm on free storage")
      : other(`the disk grows by itself up to ${after} GiB`),
  iops: performance,
  throughputMibps: performance,
  highAvailability,
  readReplicas,
  backupRetentionDays,
  pointInTimeRecovery,
  backupWindow: () => other("the next backup is made then"),
  maintenanceWindow: () => other("maintenance that waits is done then"),
  "backupReplication.region": copies,
  iamAuthentication: ({ after, has, vendor }) =>
    after === true
      ? other(`takes logins with a cloud identity ${vendor.when(has)}, too`)
      : outage(`logins with a cloud identity no longer work, ${vendor.when(has)}; passwords do`),
  deletionProtection: ({ after }) =>
    after === true
      ? other("nobody can delete it, until this is false again")
      : lost("would no longer be protected from deletion", "keep it true, unless it is to be deleted"),
  allowedSources: ({ before, after }) => {
    const gone = without(before, after);
    return gone.length === 0 ? other("can be reached from there, too") : outage(`connections from ${gone.join(", ")} are refused`);
  },
  "own.version": version,
  "own.parameterGroup": ({ has }) => waits(has, "what is static in it"),
  "own.finalSnapshot": finalSnapshot,
  "own.subnetGroup": replaces("its subnet group"),
  "own.identifier": replaces("its name"),
  "own.name": replaces("its name"),
  "own.monitoringIntervalSeconds": () => other("is measured that often, while it is in use"),
  "own.zone": ({ has, vendor }) => outage(`restarts ${vendor.when(has)}, if it runs in another zone by then`),
  "section.kmsKey": replaces("its key"),
  "section.encryptionKey": replaces("its key"),
  "section.network": () => lost("would leave its network, with its address there and the way to it", TAKE_BACK),
  "section.region": replaces("its region"),
  "section.project": replaces("its project"),
  "section.edition": edition,
  "section.disk": ({ vendor }) =>
    refused(`${vendor.name} keeps an instance on its type of disk`, `${TAKE_BACK}; to have another, restore a dump into a new instance`),
  "section.serverCaPool": () =>
    outage(
      "gets a certificate of another authority; clients that verify it connect again only when they have that authority's certificate",
      "deploy in a quiet time, and restart the pods that do not connect",
    ),
  "section.denyMaintenance": ({ after }) =>
    other(after === null ? "maintenance is possible on every day again" : "Google does no maintenance on these days"),
  "section.applyImmediately": ({ after }) =>
    other(after === true ? "changes no longer wait for the maintenance window" : "changes that restart wait for the maintenance window"),
};

const without = (before: Scalar, after: Scalar): readonly string[] => {
  const list = (value: Scalar) => (value === null ? [] : String(value).split(", "));
  return list(before).filter((each) => !list(after).includes(each));
};

/** What the change of a setting does. */
export function effectOf(setting: Setting): Change {
  const { key, before, after } = setting;
  const effect = key.startsWith("parameters.") ? parameter : EFFECTS[key];
  const { level, effect: sentence, remedy } = effect?.(setting) ?? other("changes while it is in use");
  return { level, path: key, before: show(before), after: show(after), effect: sentence, remedy };
}
