import { violation } from "../model/errors";
import { choice, type Elsewhere, type Field, flag, group, nullable, text } from "../model/fields";
import { type Implied, type OwnInstance, ownInstances } from "../model/own-instance";
import { suggest } from "../model/suggest";
import { UNREADABLE } from "../model/unreadable";
import { CLASS_NAMES, classNamed } from "./classes";

/** Classes of generations that end before PostgreSQL 15. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html */
const OLD_CLASS = /^db\.(t1|t2|m1|m2|m3|m4|r3|r4)\./;
/** Classes of other engines, and of clusters. */
const OTHER_CLASS = /^db\.(serverless$|c6gd\.|z1d\.|x1e?\.|x2i|m7i\.metal|r7i\.metal)/;

function adviseClass(name: unknown): string {
  if (typeof name !== "string") return "";
  if (OLD_CLASS.test(name))
    return "that generation supports PostgreSQL up to 14; the oldest x86 classes for newer versions are db.t3, db.m5 and db.r5";
  if (OTHER_CLASS.test(name)) return "write a class of db.t3, t4g, m5 to m8g or r5 to r8g";
  const full = name.startsWith("db.") ? name : `db.${name}`;
  if (classNamed(full) !== undefined) return `write "${full}"`;
  const [, family = ""] = full.split(".");
  const ofFamily = CLASS_NAMES.filter((each) => each.startsWith(`db.${family}.`));
  return suggest(full, ofFamily.length > 0 ? ofFamily : CLASS_NAMES).replace(/^known are .{200,}/s, "such as db.m7g.large or db.m7i.large");
}

/** An RDS class by its name. */
const className: Field<string, true> = {
  required: true,
  default: undefined,
  form: "an instance class of RDS for PostgreSQL",
  schema: { description: "an instance class of RDS for PostgreSQL", enum: CLASS_NAMES },
  read(written, path, report) {
    if (typeof written === "string" && classNamed(written) !== undefined) return written;
    report(violation(path, "must be an instance class of RDS for PostgreSQL, such as db.m7g.large", written, adviseClass(written)));
    return UNREADABLE;
  },
};

/** The login that provisions. Some names are reserved. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html */
export const MASTER = "platform_admin";

const IDENTIFIER = "(?=.{1,63}$)[a-z](-?[a-z0-9])*";

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html */
const INTERVALS = [0, 1, 5, 10, 15, 30, 60] as const;

/** Settings of an instance that exist only on AWS. */
export const awsInstanceFields = {
  /**
   * Instance class, x86 or Graviton, such as `db.m7i.large`; null uses the Graviton class with `size`. The class decides `size`, so you cannot
   * set both in this section. Changing it restarts the instance.
   *
   * @defaultValue `null`
   */
  class: nullable(className),
  /**
   * Minor version of `majorVersion`, such as `17.6`; null uses RDS's preferred one. Setting a version turns off automatic minor upgrades: to
   * install security fixes, change it.
   *
   * @defaultValue `null`
   */
  version: nullable(text({ pattern: /^\d{2}\.\d{1,2}$/, form: "a minor version such as 17.6" })),
  /**
   * Existing DB subnet group of the network, by its name in lower case; null creates one. An instance cannot move to another group.
   *
   * @defaultValue `null`
   */
  subnetGroup: nullable(
    text({
      pattern: /^(?!default$)[a-z0-9 ._-]{1,255}$/,
      form: "a DB subnet group's name in lower case, not default",
    }),
  ),
  /**
   * Existing DB parameter group, by its name in lower case; null creates one from `parameters`. It replaces `parameters`, of which you may
   * then set only `max_connections`: to the group's value, which the connection budget uses.
   *
   * @defaultValue `null`
   */
  parameterGroup: nullable(text({ pattern: /^[a-z](-?[a-z0-9.]){0,254}$/, form: "a DB parameter group's name in lower case" })),
  /**
   * The instance's name in RDS; null lets CloudFormation choose a unique one. RDS allows each name once per region and account, so a chosen
   * name blocks a replacement, and a second deployment next to an instance that has outlived its stack. Changing it replaces the
   * instance.
   *
   * @defaultValue `null`
   */
  identifier: nullable(
    text({ pattern: new RegExp(`^${IDENTIFIER}$`), form: "1 to 63 of a-z, 0-9 and single hyphens, starting with a letter" }),
  ),
  /**
   * Creates the instance with the data of another: of a snapshot, or of an instance at a moment. Use it with a new name under `instances`.
   * It must stay in the spec for as long as the instance exists: adding, changing or removing it replaces the instance. Encryption and its
   * key come from the source; `aws.kmsKey` then encrypts secrets only.
   * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
   *
   * @defaultValue `null`
   */
  restoredFrom: nullable(
    group({
      /** Identifier of a DB snapshot, or its ARN if it is shared with the account. @defaultValue `null` */
      snapshot: nullable(
        text({
          pattern: /^(arn:aws:rds:[a-z0-9-]+:\d{12}:snapshot:)?(rds:)?[a-z](-?[a-z0-9])*$/,
          form: "the identifier of a DB snapshot, or its ARN",
        }),
      ),
      /** Identifier of an instance of the same region and account, with automated backups. @defaultValue `null` */
      instance: nullable(text({ pattern: new RegExp(`^${IDENTIFIER}$`), form: "an instance's identifier in RDS, in lower case" })),
      /** Moment to which `instance` is restored, in UTC; null restores the latest that is possible. @defaultValue `null` */
      moment: nullable(
        text({ pattern: /^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?Z$/, form: "a moment in UTC, such as 2026-11-30T12:00:00Z" }),
      ),
      /** Name of the master user of the source, which the restored instance keeps. @defaultValue `"platform_admin"` */
      masterUsername: text({
        pattern: /^[a-z][a-z0-9_]{0,62}$/,
        form: "a master user's name: a-z, 0-9 and _, starting with a letter",
        default: MASTER,
      }),
    }),
  ),
  /** Interval of Enhanced Monitoring in seconds; 0 turns it off. @defaultValue `60` */
  monitoringIntervalSeconds: choice(INTERVALS, 60),
  /**
   * What happens to the instance when you remove it from the spec or delete its stack. Null keeps it, with its data. True lets RDS delete it
   * and take a final snapshot; false lets RDS delete it without one. Automated backups remain for `backupRetentionDays` in either case. While
   * `deletionProtection` is on, nothing is deleted.
   *
   * @defaultValue `null`
   */
  finalSnapshot: nullable(flag(false)),
};

/** A class decides memory and vCPUs, from which other settings follow. */
const implied: Implied<typeof awsInstanceFields> = {
  size: {
    from: "class",
    value: ({ class: name }) => {
      const its = name === null ? undefined : classNamed(name);
      return its === undefined ? null : { vcpus: its.vcpus, memoryGib: its.memoryGib };
    },
  },
};

/** Names of these settings in other tools. */
const ELSEWHERE: Elsewhere = new Map([
  ...["instanceclass", "dbinstanceclass", "instancetype"].map((key) => [key, "use class"] as const),
  ...["engineversion", "postgresversion"].map((key) => [key, "use version for a minor, majorVersion for a major version"] as const),
  ...["dbsubnetgroup", "dbsubnetgroupname", "subnetgroupname"].map((key) => [key, "use subnetGroup"] as const),
  ...["dbparametergroup", "dbparametergroupname", "parametergroupname"].map((key) => [key, "use parameterGroup"] as const),
  ...["dbinstanceidentifier", "instanceidentifier", "name"].map((key) => [key, "use identifier"] as const),
  ["monitoringinterval", "use monitoringIntervalSeconds"] as const,
  ...["dbsnapshotidentifier", "snapshotidentifier", "restorefrom", "restore"].map((key) => [key, "use restoredFrom"] as const),
  ["skipfinalsnapshot", "use finalSnapshot: true takes a snapshot, false takes none"] as const,
  ["finalsnapshotidentifier", "use finalSnapshot: true; CloudFormation names the snapshot"] as const,
]);

/** The setting `instances` of the section `aws`. */
export const awsInstances = ownInstances(awsInstanceFields, implied, ELSEWHERE);

/** Settings of an instance that exist only on AWS, complete. */
export type AwsInstance = OwnInstance<typeof awsInstanceFields>;
