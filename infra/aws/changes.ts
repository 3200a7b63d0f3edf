import { isObject } from "../../constructs/model/json";
import { type Change, keep, toChange, withoutRepetition } from "../plan/change";
import { compareInstances } from "../plan/compare";
import { awsFacts, findInstances, instanceOf, isReplica, logicalId, resourcesOf } from "./facts";
import { storedInstances, storedPlatforms } from "./homes";
import { changedNames, isStateful, replacedBy } from "./replacing";
import { parentOf, type Resource, type Template } from "./templates";
import { awsVendor } from "./vendor";

type Templates = Readonly<Record<string, Template>>;

const INSTANCE = "AWS::RDS::DBInstance";
const SECRET = "AWS::SecretsManager::Secret";
const LOGS = "AWS::Logs::LogGroup";

/** Settings under which a change is reported, by the resource that follows them. */
const REPLACED_BY: Readonly<Record<string, string>> = {
  "AWS::KMS::Key": "section.kmsKey",
  "AWS::RDS::DBSubnetGroup": "own.subnetGroup",
};

const RESTORED = ["own.restoredFrom"];

/** Settings under which a change is reported, by the property that they decide. */
const OF_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  KmsKeyId: ["section.kmsKey", ...RESTORED],
  StorageEncrypted: RESTORED,
  MasterUsername: RESTORED,
  DBSnapshotIdentifier: RESTORED,
  SourceDBInstanceIdentifier: RESTORED,
  RestoreTime: RESTORED,
  UseLatestRestorableTime: RESTORED,
  DBInstanceIdentifier: ["own.identifier"],
  DBSubnetGroupName: ["own.subnetGroup"],
  PerformanceInsightsKMSKeyId: ["section.kmsKey"],
};

/** Names of instances and platforms, as IDs contain them. */
export interface Names {
  readonly instances: readonly string[];
  readonly platforms: readonly string[];
  /** Settings with which platforms read from an instance's replica, by instance, with the value that ends it. */
  readonly readers: Readonly<Record<string, readonly string[]>>;
}

/** Returns the effects of changes to an environment's templates. */
export function findChanges(before: Templates, after: Templates, known: Names): readonly Change[] {
  const names = withStored(known, before, after);
  const [had, has] = [awsFacts(before, names.instances), awsFacts(after, names.instances)];
  const made = Object.keys(has).filter((name) => !Object.hasOwn(had, name));
  // If only some stacks were stored, the others are not new.
  const knowsDatabases = Object.keys(before).some((stack) => stack.endsWith("-database"));
  return withoutRepetition([
    ...findGoing(before, after, names),
    ...compareInstances(had, has, awsVendor, names.readers),
    ...(knowsDatabases ? made : []).map((name) => toChange("cost", `instances.${name}`, "would be created")),
    ...stacksOf(before, after).flatMap((stack) => {
      const changed = (key: string) => Object.keys(has).some((name) => had[name] !== undefined && had[name]?.[key] !== has[name]?.[key]);
      return findInStack(stack, before[stack] ?? EMPTY, after[stack] ?? EMPTY, names, changed);
    }),
  ]);
}

const EMPTY: Template = { Resources: {} };

/** Stored stacks, and the nested stacks that they would get. */
const stacksOf = (before: Templates, after: Templates): readonly string[] => [
  ...new Set([...Object.keys(before), ...Object.keys(after).filter((stack) => before[parentOf(stack)] !== undefined)]),
];

interface AllNames extends Names {
  /** Platforms that exist before and after. A platform's secret may move to another instance's nested stack. */
  readonly staying: readonly string[];
}

/** Adds the names that only the stored templates have. */
function withStored(names: Names, before: Templates, after: Templates): AllNames {
  const [stored, next] = [storedPlatforms(before), storedPlatforms(after)];
  return {
    ...names,
    instances: [...names.instances, ...storedInstances(before)],
    platforms: [...names.platforms, ...Object.keys(stored)],
    staying: Object.keys(stored).filter((name) => Object.hasOwn(next, name)),
  };
}

/** Instances that leave the templates, with everything that belongs to them. */
function findGoing(before: Templates, after: Templates, names: Names): readonly Change[] {
  const [had, has] = [before, after].map((templates) => findInstances(resourcesOf(templates), names.instances));
  const resources = resourcesOf(before);
  return Object.entries(had ?? {})
    .filter(([name]) => has?.[name] === undefined)
    .map(([name, { id }]) => toChange("lost", `instances.${name}`, `would ${fateOf(resources[id])}`, "keep it in the spec"));
}

/** Describes what happens to a resource that is removed from a template. */
function fateOf(resource: Partial<Resource> | undefined): string {
  switch (resource?.DeletionPolicy) {
    case undefined:
    case "Delete":
      return "be deleted";
    case "Snapshot":
      return "be deleted, and a final snapshot would keep its data";
    default:
      return "stay, but would no longer be managed";
  }
}

/** Changes of resources with data, except settings of instances. @param changed whether a setting of an instance changes. */
function findInStack(
  stack: string,
  before: Template,
  after: Template,
  names: AllNames,
  changed: (key: string) => boolean,
): readonly Change[] {
  const going = Object.keys(findInstances(before.Resources, names.instances)).filter(
    (name) => findInstances(after.Resources, names.instances)[name] === undefined,
  );
  const isTold = (id: string) => going.some((name) => isOf(name, id, before.Resources[id]));
  return [...new Set([...Object.keys(before.Resources), ...Object.keys(after.Resources)])].flatMap((id) => {
    const [had, has] = [before.Resources[id], after.Resources[id]];
    const path = pathOf(id, had ?? has, stack, names);
    const isMoved = (had === undefined || has === undefined) && names.staying.some((name) => path === `platforms.${name}`);
    return isMoved ? [] : findInResource({ id, had, has, path }, { before, isTold, changed });
  });
}

/** Whether a resource belongs to an instance: by its id, or as a rule of its security group. */
const isOf = (name: string, id: string, rule: Resource | undefined): boolean =>
  INSTANCE_PARTS.some((part) => logicalId(name, ...part) === id) ||
  JSON.stringify(rule?.Properties?.GroupId ?? "").includes(`"${logicalId(name, "SecurityGroup", "Resource")}"`);

const INSTANCE_PARTS = [["Key", "Resource"], ["MasterSecret", "Resource"], ["SubnetGroup"]] as const;

/** A resource in both templates, or in one of them. */
interface Difference {
  readonly id: string;
  readonly path: string;
  readonly had: Resource | undefined;
  readonly has: Resource | undefined;
}

interface Context {
  readonly before: Template;
  /** Whether it is removed together with its instance. */
  readonly isTold: (id: string) => boolean;
  readonly changed: (key: string) => boolean;
}

function findInResource({ id, path, had, has }: Difference, { before, isTold, changed }: Context): readonly Change[] {
  if (had === undefined)
    return has?.Type === SECRET && path.startsWith("platforms.")
      ? [toChange("other", path, "gets its databases, its logins and its secret")]
      : [];
  const type = had.Type;
  if (type === "AWS::EC2::SecurityGroupIngress" && !isTold(id)) return findClosed({ id, path, had, has });
  if (has === undefined) {
    if (type === "AWS::EC2::VPCEndpoint")
      return [
        toChange(
          "outage",
          "aws.secretsManagerEndpoint",
          "the endpoint would be deleted; after that, everything in the VPC needs another way to Secrets Manager",
        ),
      ];
    const isSaid = type === INSTANCE || isTold(id) || changed(REPLACED_BY[type] ?? "");
    return !isStateful(type) || isSaid || isDisposable(id, before)
      ? []
      : [toChange("lost", path, `${whatOf(type)} would ${fateOf(had)}`, keep(path))];
  }
  if (type === LOGS) return findOlderLogs({ id, path, had, has });
  const [old, next] = [had.Properties ?? {}, has.Properties ?? {}];
  if (type === "AWS::EC2::SecurityGroup" && changedNames(old, next).includes("VpcId"))
    return [toChange("refused", "aws.network.vpc", "RDS cannot move an instance to another VPC, and refuses this", "undo that change")];
  if (type === SECRET && changedNames(old, next).includes("GenerateSecretString"))
    return [toChange("lost", path, "its secret would get a new password, which the database does not get", "undo that change")];
  if (!isStateful(type) || isReplica(had)) return [];
  const isSetting = (name: string) => type === INSTANCE && (OF_SETTINGS[name] ?? []).some(changed);
  const replacing = replacedBy(type, old, next).filter((name) => !isSetting(name));
  return replacing.length === 0
    ? []
    : [toChange("lost", path, `${whatOf(type)} would be replaced by an empty one, because of ${replacing.join(", ")}`, "undo that change")];
}

/** Retention of logs that becomes shorter. */
function findOlderLogs({ had, has }: Difference): readonly Change[] {
  const [before, after] = [had, has].map((resource) => Number(resource?.Properties?.RetentionInDays));
  if (before === undefined || after === undefined || !(after < before)) return [];
  const change = toChange(
    "lost",
    "aws.logRetentionDays",
    `log entries older than ${after === 1 ? "a day" : `${after} days`} would be deleted soon after the deployment`,
    `keep it at ${before}, unless nobody needs them`,
  );
  return [{ ...change, before: String(before), after: String(after) }];
}

/** Security groups of a cluster that lose access. */
function findClosed({ had, has }: Difference): readonly Change[] {
  const [before, after] = [had, has].map((resource) => resource?.Properties?.SourceSecurityGroupId);
  if (typeof before !== "string" || before === after) return [];
  const change = toChange("outage", "aws.cluster.securityGroups", `connections from ${before} are refused`);
  return [{ ...change, before, after: typeof after === "string" ? after : null }];
}

/** Names of resource types for people. */
const whatOf = (type: string): string =>
  ({
    [INSTANCE]: "the instance",
    [SECRET]: "its secret",
    "AWS::KMS::Key": "its key",
    "AWS::RDS::DBSubnetGroup": "its subnet group",
    "AWS::EC2::VPC": "its network",
    "AWS::EC2::Subnet": "a subnet",
  })[type] ?? type;

/** Returns the spec's path of the instance or platform to which a resource belongs. */
function pathOf(id: string, resource: Resource | undefined, stack: string, names: Names): string {
  const type = resource?.Type ?? "";
  if (type === INSTANCE) return `instances.${instanceOf(id, names.instances)}`;
  const stem = /^(.+)secret[0-9A-F]{8}$/.exec(id)?.[1];
  if (type === SECRET && stem !== undefined)
    return `platforms.${names.platforms.find((name) => logicalId(`${name}-secret`, "Resource") === id) ?? stem}`;
  const instance = names.instances.find((name) => isOf(name, id, undefined));
  if (instance !== undefined) return `instances.${instance}`;
  return type.startsWith("AWS::EC2::") ? "aws.network" : `${stack} ${type} ${id}`;
}

/** Whether removing a resource deletes it without losing data: a read replica, or a key that encrypts nothing that lasts, such as a topic's. */
function isDisposable(id: string, { Resources }: Template): boolean {
  const resource = Resources[id];
  if (resource?.DeletionPolicy !== "Delete") return false;
  if (resource.Type !== "AWS::KMS::Key") return isReplica(resource);
  return !Object.values(Resources).some((other) => isStateful(other.Type) && JSON.stringify(other.Properties ?? {}).includes(`"${id}"`));
}

/** Releases that are removed, stay without an owner, or get another version of their chart. */
export function findReleases(before: Templates, after: Templates): readonly Change[] {
  const [had, has] = [before, after].map(releasesOf);
  return Object.entries(had ?? {}).flatMap(([name, { resource, version, cluster }]) => {
    const next = has?.[name];
    if (next !== undefined && next.cluster !== cluster)
      return [
        {
          ...toChange(
            "outage",
            `release ${name}`,
            "would be installed in the new cluster, and also stay in the old one",
            `uninstall it there first: helm uninstall ${name.split("/")[1]} --namespace ${name.split("/")[0]}`,
          ),
          before: `cluster ${cluster}`,
          after: `cluster ${next.cluster}`,
        },
      ];
    if (next !== undefined)
      return next.version === version
        ? []
        : [
            {
              ...toChange("other", `release ${name}`, "the chart is upgraded, and its pods restart"),
              before: version,
              after: next.version,
            },
          ];
    return [
      resource.DeletionPolicy === "Retain"
        ? toChange(
            "other",
            `release ${name}`,
            "would stay, with everything that uses it, but this stack would no longer upgrade it",
            "name a new owner",
          )
        : toChange("outage", `release ${name}`, "would be uninstalled, and its pods stopped; its databases and its secret stay"),
    ];
  });
}

interface Release {
  readonly resource: Resource;
  readonly version: string | null;
  /** Name of the cluster that it is installed in. */
  readonly cluster: string;
}

/** By `namespace/release`. */
function releasesOf(templates: Templates): Readonly<Record<string, Release>> {
  const charts = Object.values(resourcesOf(templates)).filter(({ Type }) => Type === "Custom::AWSCDK-EKS-HelmChart");
  return Object.fromEntries(
    charts.map((resource) => {
      const { Release, Namespace, Version, ClusterName } = resource.Properties ?? {};
      const version = isObject(Version) || Version === undefined ? null : String(Version);
      return [`${Namespace}/${Release}`, { resource, version, cluster: String(ClusterName) }];
    }),
  );
}
