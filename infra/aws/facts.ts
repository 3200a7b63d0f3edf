import { createHash } from "node:crypto";
import { classNamed } from "../../constructs/aws/classes";
import { findRdsParameter } from "../../constructs/aws/parameters";
import type { MajorVersion } from "../../constructs/model/instance";
import { isObject } from "../../constructs/model/json";
import { type ParameterValue, toWrittenValue } from "../../constructs/model/parameters";
import type { Facts, Scalar } from "../plan/facts";
import { showSource } from "./homes";
import type { Resource, Template } from "./templates";

type Properties = Readonly<Record<string, unknown>>;
type Resources = Readonly<Record<string, Resource>>;

/** The servers of an instance in a template: its primary, whose ID contains the instance's name, and its replicas. */
export interface StoredInstance {
  readonly id: string;
  readonly primary: Properties;
  readonly replicas: readonly string[];
  readonly deletionPolicy: string | null;
}

const INSTANCE = "AWS::RDS::DBInstance";

/**
 * The ID that the CDK derives from a resource's path in its stack. The hash distinguishes names that differ only in hyphens, which the CDK
 * drops. https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/core/lib/private/uniqueid.ts
 */
export function logicalId(...path: readonly string[]): string {
  const readable = path.filter((part) => part !== "Resource").map((part) => part.replaceAll(/[^A-Za-z0-9]/g, ""));
  return `${readable.join("")}${createHash("md5").update(path.join("/")).digest("hex").slice(0, 8).toUpperCase()}`;
}

/** Returns the name from which an instance's ID was derived. For unknown names, the start of the ID, or all of it if another has that name. */
export function instanceOf(id: string, names: readonly string[]): string {
  const stem = id.replace(/Instance[0-9A-F]{8}$/, "");
  return names.find((name) => logicalId(name, "Instance", "Resource") === id) ?? (names.includes(stem) ? id : stem);
}

export const resourcesOf = (templates: Readonly<Record<string, Template>>): Resources =>
  Object.assign({}, ...Object.values(templates).map(({ Resources }) => Resources));

/** The instances of an environment's templates by name. @param names those of the spec; others get the start of their ID. */
export function findInstances(resources: Resources, names: readonly string[]): Readonly<Record<string, StoredInstance>> {
  const entries = Object.entries(resources).filter(([, { Type }]) => Type === INSTANCE);
  return Object.fromEntries(
    entries
      .filter(([, resource]) => !isReplica(resource))
      .map(([id, { Properties = {}, DeletionPolicy = null }]) => {
        const replicas = entries.filter(([, other]) => mentions(other.Properties?.SourceDBInstanceIdentifier, id)).map(([other]) => other);
        return [instanceOf(id, names), { id, primary: Properties, replicas, deletionPolicy: DeletionPolicy }];
      }),
  );
}

/** Whether a resource is a read replica. An instance that was restored to a moment has a source, too. */
export function isReplica(resource: Resource | undefined): boolean {
  const { SourceDBInstanceIdentifier, RestoreTime, UseLatestRestorableTime } = resource?.Properties ?? {};
  return SourceDBInstanceIdentifier !== undefined && RestoreTime === undefined && UseLatestRestorableTime !== true;
}

/** Whether a value refers to a resource, in this template or through an output of its stack. */
const mentions = (value: unknown, id: string): boolean =>
  new RegExp(`(\\W|Ref)${id}(\\W|[0-9A-F]{8}\\W)`).test(JSON.stringify(value ?? ""));

/** Reads facts of instances from an environment's templates, in the spec's words. */
export function awsFacts(templates: Readonly<Record<string, Template>>, names: readonly string[]): Readonly<Record<string, Facts>> {
  const resources = resourcesOf(templates);
  const found = findInstances(resources, names);
  return Object.fromEntries(Object.entries(found).map(([name, instance]) => [name, toFacts(instance, resources)]));
}

function toFacts({ id, primary, replicas, deletionPolicy }: StoredInstance, resources: Resources): Facts {
  const version = String(primary.EngineVersion);
  return {
    majorVersion: Number.parseInt(version, 10),
    "own.version": version.includes(".") ? version : null,
    size: showClass(String(primary.DBInstanceClass)),
    "real.machine": String(primary.DBInstanceClass),
    storageGib: Number(primary.AllocatedStorage),
    maxStorageGib: scalar(primary.MaxAllocatedStorage),
    iops: scalar(primary.Iops),
    throughputMibps: scalar(primary.StorageThroughput),
    highAvailability: primary.MultiAZ === true,
    readReplicas: replicas.length,
    backupRetentionDays: Number(primary.BackupRetentionPeriod ?? 1),
    backupWindow: scalar(primary.PreferredBackupWindow),
    maintenanceWindow: scalar(primary.PreferredMaintenanceWindow),
    "backupReplication.region": scalar(primary.AutomaticBackupReplicationRegion),
    iamAuthentication: primary.EnableIAMDatabaseAuthentication === true,
    ...protectionOf(id, resources),
    ...parametersOf(primary, resources),
    ...sourcesOf(primary, resources),
    "own.subnetGroup": scalar(primary.DBSubnetGroupName),
    "own.identifier": scalar(primary.DBInstanceIdentifier),
    "own.restoredFrom": sourceOf(primary),
    "own.monitoringIntervalSeconds": Number(primary.MonitoringInterval ?? 0),
    "own.finalSnapshot": { Delete: false, Snapshot: true }[deletionPolicy ?? ""] ?? null,
    "section.kmsKey": scalar(primary.KmsKeyId),
    "section.applyImmediately": primary.ApplyImmediately === true,
  };
}

/** Returns a plain value; null for a value that the template creates, and for none. */
const scalar = (value: unknown): Scalar => (typeof value === "string" || typeof value === "number" ? value : null);

function sourceOf({ DBSnapshotIdentifier: snapshot, SourceDBInstanceIdentifier: instance, RestoreTime }: Properties): string | null {
  return snapshot === undefined && instance === undefined
    ? null
    : showSource(scalarText(snapshot), scalarText(instance), scalarText(RestoreTime));
}

const scalarText = (value: unknown): string | null => (value === undefined ? null : String(value));

function showClass(name: string): string {
  const its = classNamed(name);
  return its === undefined ? name : `${name} (${its.vcpus} vCPUs, ${its.memoryGib} GiB)`;
}

/** Set by a resource of a later stack: not known if that stack was not stored. */
function protectionOf(id: string, resources: Resources): Facts {
  const those = Object.values(resources).filter(({ Type }) => Type === "Custom::PostgresDeletionProtection");
  if (those.length === 0) return {};
  return { deletionProtection: those.some(({ Properties }) => mentions(Properties?.protect, id)) };
}

/** Set by this project, independently of the spec. */
const OWNED = ["rds.force_ssl"];

function parametersOf({ DBParameterGroupName: group }: Properties, resources: Resources): Facts {
  if (typeof group === "string") return { "own.parameterGroup": group };
  const { Family: family, Parameters = {} } = resources[isObject(group) ? String(group.Ref) : ""]?.Properties ?? {};
  const majorVersion = Number(String(family).replace("postgres", "")) as MajorVersion;
  const written = Object.entries(Parameters as Readonly<Record<string, ParameterValue>>).filter(([name]) => !OWNED.includes(name));
  return {
    "own.parameterGroup": null,
    ...Object.fromEntries(written.map(([name, value]) => [`parameters.${name}`, showParameter(name, value, majorVersion)])),
  };
}

function showParameter(name: string, value: ParameterValue, majorVersion: MajorVersion): string {
  // This project's formula ends in the number that the budget uses.
  const [, most] = /^LEAST\(\{DBInstanceClassMemory\/\d+\},(\d+)\)$/.exec(String(value)) ?? [];
  // PostgreSQL 18 has a list instead of a switch.
  if (name === "log_connections" && value === "all") return "on";
  const parameter = findRdsParameter(name, majorVersion);
  return most ?? (parameter === null ? String(value) : toWrittenValue(parameter, value));
}

function sourcesOf({ VPCSecurityGroups: groups = [] }: Properties, resources: Resources): Facts {
  const own = Object.entries(resources).filter(([id, { Type }]) => Type === "AWS::EC2::SecurityGroup" && mentions(groups, id));
  const rules = own.flatMap(([, { Properties }]) => (Properties?.SecurityGroupIngress ?? []) as readonly Properties[]);
  return { allowedSources: rules.map(({ CidrIp }) => CidrIp).join(", ") || null };
}
