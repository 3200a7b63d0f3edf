import { type Violation, violation } from "../model/errors";
import { DEFAULT_PARAMETERS, type InstanceSettings } from "../model/instance";
import { ownEntry } from "../model/json";
import { IGNORES_SET_ROLE } from "../model/minor-versions";
import { checkEach } from "../model/rule";
import type { WholeRule } from "../model/target";
import { ifReadable } from "../model/unreadable";
import { CLASSES, classAbove, classOf } from "./classes";
import type { AwsInstance } from "./instance-fields";
import { CHECKED, GUIDE } from "./rules";
import type { awsFields } from "./section";
import { NETWORK, region } from "./section-rules";

type Rule = WholeRule<typeof awsFields>;
type Subject = Parameters<Rule["check"]>[0];

/** Checks the AWS settings of each created instance. */
const eachCreated =
  (check: (own: AwsInstance, instance: InstanceSettings, path: string, subject: Subject) => readonly Violation[]): Rule["check"] =>
  (subject) =>
    checkEach(subject.section.instances, (own, name) => {
      const instance = ownEntry(subject.instances, name);
      return instance === undefined || instance.existing !== null ? [] : check(own, instance, `aws.instances.${name}`, subject);
    });

/** Returns parameters that the spec sets, except the defaults and the one that the budget needs. */
const writtenIn = ({ parameters }: InstanceSettings): readonly string[] =>
  Object.keys(parameters).filter((name) => name !== "max_connections" && parameters[name] !== DEFAULT_PARAMETERS[name]);

/** Rules about settings of instances that exist only on AWS. */
export const awsOwnInstanceRules: readonly Rule[] = [
  {
    id: "aws-size-has-a-class",
    source: `${GUIDE}/Concepts.DBInstanceClass.Summary.html`,
    why: "RDS has no instance class of any other size, and rejects unknown class names.",
    date: CHECKED,
    severity: "error",
    check: ({ section, instances }) =>
      checkEach(instances, ({ size, existing }, name) => {
        const isNamed = ifReadable(() => section.instances[name]?.class ?? null, "") !== null;
        if (existing !== null || isNamed || classOf(size) !== undefined) return [];
        const above = classAbove(size) ?? CLASSES.at(-1);
        const next = `the next is { vcpus: ${above?.vcpus}, memoryGib: ${above?.memoryGib} } (${above?.name})`;
        const got = `${size.vcpus} vCPUs and ${size.memoryGib} GiB`;
        const remedy = `${next}; or name any class in aws.instances.${name}.class`;
        return [violation(`instances.${name}.size`, "must be the size of an instance class", got, remedy)];
      }),
    passing: { section: { region }, instances: { main: { size: { vcpus: 4, memoryGib: 32 } } } },
    failing: { section: { region }, instances: { main: { size: { vcpus: 3, memoryGib: 8 } } } },
  },
  {
    id: "aws-version-is-of-its-major",
    source: `${GUIDE}/USER_UpgradeDBInstance.PostgreSQL.html`,
    why: "RDS would create or upgrade to the other major version, which cannot be undone.",
    date: CHECKED,
    severity: "error",
    check: eachCreated(({ version }, { majorVersion }, path) =>
      version === null || version.split(".", 1)[0] === String(majorVersion)
        ? []
        : [violation(`${path}.version`, `must be a minor version of majorVersion (${majorVersion})`, version, "change one of the two")],
    ),
    passing: { section: { region, instances: { main: { version: "17.6" } } }, instances: { main: {} } },
    failing: { section: { region, instances: { main: { version: "16.9" } } }, instances: { main: {} } },
  },
  {
    id: "aws-version-heeds-the-owner-role",
    source: "https://www.postgresql.org/docs/release/17.2/",
    why: "Tables that one login creates would belong to that login alone, and the next rotation would lock the platform out of them.",
    date: CHECKED,
    severity: "error",
    check: eachCreated(({ version }, _instance, path) =>
      version !== null && IGNORES_SET_ROLE.includes(version)
        ? [
            violation(
              `${path}.version`,
              "ignores ALTER ROLE ... SET role, which lets both logins of a platform own the same tables",
              version,
              "write the next minor version or a later one",
            ),
          ]
        : [],
    ),
    passing: { section: { region, instances: { main: { version: "17.2" } } }, instances: { main: {} } },
    failing: { section: { region, instances: { main: { version: "17.1" } } }, instances: { main: {} } },
  },
  {
    id: "aws-version-is-upgraded-by-hand",
    source: `${GUIDE}/USER_UpgradeDBInstance.PostgreSQL.Minor.html`,
    why: "RDS installs no security fixes on an instance whose minor version is set.",
    date: CHECKED,
    severity: "warning",
    check: eachCreated(({ version }, { readReplicas }, path) =>
      version === null
        ? []
        : [
            violation(
              `${path}.version`,
              "disables automatic minor upgrades, including security fixes",
              version,
              `change it at least every quarter${readReplicas === 0 ? "" : ", after the replicas: RDS requires their upgrade first, each with aws rds modify-db-instance --engine-version"}`,
            ),
          ],
    ),
    passing: { section: { region, instances: { main: {} } }, instances: { main: {} } },
    failing: { section: { region, instances: { main: { version: "17.6" } } }, instances: { main: {} } },
  },
  {
    id: "aws-parameter-group-takes-the-place-of-parameters",
    source: `${GUIDE}/USER_WorkingWithParamGroups.html`,
    why: "An instance has one parameter group, so parameters would be ignored next to an existing group.",
    date: CHECKED,
    severity: "error",
    check: eachCreated(({ parameterGroup }, instance, path) => {
      const written = parameterGroup === null ? [] : writtenIn(instance);
      return written.length === 0
        ? []
        : [
            violation(
              `${path}.parameterGroup`,
              `cannot be combined with parameters (${written.join(", ")})`,
              parameterGroup,
              "set them in that group and remove them here (those for other clouds go into gcp.instances), or remove parameterGroup",
            ),
          ];
    }),
    passing: {
      section: { region, instances: { main: { parameterGroup: "ml-postgres17" } } },
      instances: { main: { parameters: { max_connections: 300 } } },
    },
    failing: {
      section: { region, instances: { main: { parameterGroup: "ml-postgres17" } } },
      instances: { main: { parameters: { work_mem: "16MB" } } },
    },
  },
  {
    id: "aws-parameter-group-is-yours",
    source: `${GUIDE}/PostgreSQL.Concepts.General.SSL.html`,
    why: "A group without `rds.force_ssl` accepts passwords in plain text, and another `max_connections` makes the budget wrong.",
    date: CHECKED,
    severity: "warning",
    check: eachCreated(({ parameterGroup }, { majorVersion, parameters }, path) =>
      parameterGroup === null
        ? []
        : [
            violation(
              `${path}.parameterGroup`,
              `must be of family postgres${majorVersion} and set rds.force_ssl to 1 and ${
                parameters.max_connections === undefined ? "no max_connections" : `max_connections to ${parameters.max_connections}`
              }; nothing here checks or sets it`,
              parameterGroup,
              parameters.max_connections === undefined
                ? "if it sets max_connections, write the same number into parameters.max_connections of the instance"
                : "",
            ),
          ],
    ),
    passing: { section: { region, instances: { main: {} } }, instances: { main: {} } },
    failing: { section: { region, instances: { main: { parameterGroup: "ml-postgres17" } } }, instances: { main: {} } },
  },
  {
    id: "aws-subnet-group-needs-its-network",
    source: `${GUIDE}/USER_VPC.WorkingWithRDSInstanceinaVPC.html`,
    why: "RDS rejects security groups from a VPC other than the subnet group's.",
    date: CHECKED,
    severity: "error",
    check: eachCreated(({ subnetGroup }, _instance, path, { section: { network } }) =>
      subnetGroup !== null && network === null
        ? [
            violation(
              `${path}.subnetGroup`,
              "needs aws.network, because an existing subnet group is never in a new network",
              subnetGroup,
              "write the VPC of the group, with its private subnets, into aws.network",
            ),
          ]
        : [],
    ),
    passing: { section: { region, network: NETWORK, instances: { main: { subnetGroup: "databases" } } }, instances: { main: {} } },
    failing: { section: { region, instances: { main: { subnetGroup: "databases" } } }, instances: { main: {} } },
  },
  {
    id: "aws-restored-from-names-one-source",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html",
    why: "RDS restores a snapshot, or the backups of an instance; without a source it would create an empty instance.",
    date: CHECKED,
    severity: "error",
    check: eachCreated(({ restoredFrom }, _instance, path) => {
      if (restoredFrom === null) return [];
      const { snapshot, instance, moment } = restoredFrom;
      const at = `${path}.restoredFrom`;
      if ((snapshot === null) === (instance === null))
        return [violation(at, "must name either a snapshot or an instance", snapshot === null ? "neither" : "both", "")];
      return moment !== null && instance === null
        ? [
            violation(
              `${at}.moment`,
              "has no effect on a snapshot, which is of one moment",
              moment,
              "remove it, or name the instance instead",
            ),
          ]
        : [];
    }),
    passing: {
      section: { region, instances: { main: { restoredFrom: { instance: "ml-main", moment: "2026-11-30T12:00:00Z" } } } },
      instances: { main: {} },
    },
    failing: {
      section: { region, instances: { main: { restoredFrom: { snapshot: "before-upgrade", instance: "ml-main" } } } },
      instances: { main: {} },
    },
  },
  {
    id: "aws-restored-instance-keeps-its-key",
    source: `${GUIDE}/Overview.Encryption.html`,
    why: "RDS encrypts a restored instance with the key of its source, or not at all, and never changes that.",
    date: CHECKED,
    severity: "warning",
    check: eachCreated(({ restoredFrom }, _instance, path) =>
      restoredFrom === null
        ? []
        : [
            violation(
              `${path}.restoredFrom`,
              "keeps the encryption of the source: its key, or none",
              restoredFrom.snapshot ?? restoredFrom.instance,
              "to change that, copy the snapshot (aws rds copy-db-snapshot --kms-key-id KEY), and restore the copy",
            ),
          ],
    ),
    passing: { section: { region, instances: { main: {} } }, instances: { main: {} } },
    failing: { section: { region, instances: { main: { restoredFrom: { snapshot: "before-upgrade" } } } }, instances: { main: {} } },
  },
  {
    id: "aws-identifier-names-one-instance",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html",
    why: "RDS rejects a second instance with the same identifier in a region and account.",
    date: CHECKED,
    severity: "error",
    check: (subject) => {
      const seen = new Map<string, string>();
      return eachCreated(({ identifier }, _instance, path) => {
        const other = identifier === null ? undefined : seen.get(identifier);
        if (identifier !== null && other === undefined) seen.set(identifier, path.replace("aws.instances.", ""));
        return other === undefined ? [] : [violation(`${path}.identifier`, `is also the identifier of ${other}`, identifier)];
      })(subject, "");
    },
    passing: {
      section: { region, instances: { main: { identifier: "ml-main" }, other: { identifier: "ml-other" } } },
      instances: { main: {}, other: {} },
    },
    failing: {
      section: { region, instances: { main: { identifier: "ml" }, other: { identifier: "ml" } } },
      instances: { main: {}, other: {} },
    },
  },
  {
    id: "aws-identifier-blocks-a-replacement",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html",
    why: "CloudFormation creates the replacement before it deletes the original, and RDS rejects the name that is still in use.",
    date: CHECKED,
    severity: "warning",
    check: eachCreated(({ identifier, finalSnapshot }, _instance, path) =>
      identifier === null
        ? []
        : [
            violation(
              `${path}.identifier`,
              `blocks every change that replaces the instance${
                finalSnapshot === null ? ", and the next deployment after its stack is deleted, because the instance is kept" : ""
              }: RDS accepts a name once in a region`,
              identifier,
              "leave it out unless something looks the instance up by this name",
            ),
          ],
    ),
    passing: { section: { region, instances: { main: {} } }, instances: { main: {} } },
    failing: { section: { region, instances: { main: { identifier: "ml-main" } } }, instances: { main: {} } },
  },
  {
    id: "aws-instance-is-deleted-with-its-stack",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
    why: "Removing the instance from the spec immediately deletes its data, without a snapshot.",
    date: CHECKED,
    severity: "warning",
    check: eachCreated(({ finalSnapshot }, { deletionProtection, backupRetentionDays }, path) => {
      if (finalSnapshot !== false) return [];
      const rest =
        backupRetentionDays === 0
          ? "nothing remains"
          : `only its automated backups remain, for ${backupRetentionDays} ${backupRetentionDays === 1 ? "day" : "days"}`;
      return [
        violation(
          `${path}.finalSnapshot`,
          `deletes the data when the instance is removed from the spec or its stack is deleted: ${rest}`,
          false,
          deletionProtection ? "deletionProtection prevents that until you set it to false" : "write true for a final snapshot",
        ),
      ];
    }),
    passing: { section: { region, instances: { main: { finalSnapshot: true } } }, instances: { main: {} } },
    failing: { section: { region, instances: { main: { finalSnapshot: false } } }, instances: { main: {} } },
  },
];
