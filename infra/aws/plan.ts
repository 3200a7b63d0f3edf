import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ResourceImpact } from "@aws-cdk/cloudformation-diff";
import { UserError } from "../../constructs/model/errors";
import { examplesIn, idOf } from "../../constructs/model/fields";
import { hasRoomToGrow } from "../../constructs/model/instance";
import { mapValues } from "../../constructs/model/json";
import type { DeploymentPlan } from "../cloud";
import { fromUser } from "../command-line";
import { LOST, moved } from "../lost";
import { type AwsEnvironment, PARTS, stackName } from "./environment";
import { findNotes } from "./notes";
import { synthesize } from "./synthesize";
import { innerOf, parentOf, type Resource, readTemplates, type Template } from "./templates";

/** What holds data, or what data cannot be read or reached without. */
export const STATEFUL = [
  "AWS::RDS::DBInstance",
  "AWS::RDS::DBSubnetGroup",
  "AWS::KMS::Key",
  "AWS::SecretsManager::Secret",
  "AWS::EC2::VPC",
  "AWS::EC2::Subnet",
];

/**
 * Properties of an instance that replace it in some cases, none of which is ours: the schema marks them because of snapshots, clusters
 * and other engines. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
 */
const UPDATED_IN_PLACE = [
  "AutoMinorVersionUpgrade",
  "BackupRetentionPeriod",
  "DBParameterGroupName",
  "MultiAZ",
  "PreferredMaintenanceWindow",
  "StorageType",
];

/** Numbers of an instance that RDS only lets grow. */
const ONLY_GROW = ["AllocatedStorage", "EngineVersion"];

const ENDING = ".template.json";

export function planAws(environment: AwsEnvironment, against: string | null): DeploymentPlan {
  const stored = against === null ? null : readStored(against, environment.name);
  const templates = synthesize(environment);
  const compare = (find: typeof findDangers) =>
    Object.entries(stored?.templates ?? {}).flatMap(([stack, before]) => find(stack, before, templates[stack] ?? { Resources: {} }));
  return {
    resources: [...new Set(Object.keys(templates).map(parentOf))].flatMap((stack) => count(stack, templates)),
    examples: examplesIn(environment.section, "aws"),
    dangers: [...findMoves(stored?.places ?? {}, environment), ...compare(findDangers)],
    notes: compare(findNotes),
    compared: stored === null ? null : Object.keys(stored.templates).filter((stack) => innerOf(stack) === null),
  };
}

/** Of a stack and its nested ones. */
function count(stack: string, templates: Readonly<Record<string, Template>>): DeploymentPlan["resources"] {
  const its = Object.entries(templates).filter(([name]) => parentOf(name) === stack);
  const types = its.flatMap(([, { Resources }]) => Object.values(Resources).map((resource) => resource.Type));
  return [...new Set(types)].sort().map((type) => ({ stack, type, count: types.filter((each) => each === type).length }));
}

/** What was synthesized before. */
interface Stored {
  readonly templates: Readonly<Record<string, Template>>;
  /** By stack, such as `aws://111122223333/eu-central-1`; none where the manifest is not there. */
  readonly places: Readonly<Record<string, string>>;
}

/** The environment's stacks: one file, or all of a folder such as `cdk.out`. @throws UserError */
function readStored(path: string, environment: string): Stored {
  const found = statSync(fromUser(path), { throwIfNoEntry: false });
  if (found === undefined) throw new UserError(`there is no file or folder ${path}; give a folder that cdk synth has written`);
  const files = found.isDirectory() ? readdirSync(fromUser(path)).map((file) => join(path, file)) : [path];
  const its = PARTS.map((part) => `${stackName(environment, part)}${ENDING}`);
  const written = files.filter((file) => its.includes(basename(file)));
  const listed = found.isDirectory() ? placesIn(join(path, "manifest.json")) : {};
  // The CDK leaves templates of earlier runs in its folder.
  const isListed = (file: string): boolean => Object.hasOwn(listed, stackOf(file));
  const own = written.some(isListed) ? written.filter(isListed) : written;
  if (own.length === 0)
    throw new UserError(
      `${path} contains no template of ${environment}; give a folder that cdk synth has written, or one of ${its.join(", ")}`,
    );
  const stacks = own.map(stackOf);
  return {
    templates: Object.assign({}, ...own.map(readStack)),
    places: Object.fromEntries(Object.entries(listed).filter(([stack]) => stacks.includes(stack))),
  };
}

const stackOf = (file: string): string => basename(file).replace(ENDING, "");

/** What the last `cdk synth` has written into a folder, with the place of each stack; none if its manifest cannot be read. */
function placesIn(manifest: string): Readonly<Record<string, string>> {
  try {
    const { artifacts } = JSON.parse(readFileSync(fromUser(manifest), "utf8")) as {
      readonly artifacts: Readonly<Record<string, { readonly environment?: string }>>;
    };
    return mapValues(artifacts, (artifact) => artifact.environment ?? "");
  } catch {
    return {};
  }
}

/** Stacks that were made for another region, or another account. What is not known does not differ. */
function findMoves(places: Readonly<Record<string, string>>, { section }: AwsEnvironment): readonly string[] {
  const account = section.account === null ? null : idOf(section.account);
  return Object.entries(places).flatMap(([stack, place]) => {
    const [, before = "", region = ""] = /^aws:\/\/([^/]+)\/(.+)$/.exec(place) ?? [];
    if (/^[a-z]+(-[a-z]+)+-\d$/.test(region) && region !== section.region) return [moved(stack, region, section.region)];
    return /^\d{12}$/.test(before) && account !== null && before !== account
      ? [moved(stack, `account ${before}`, `account ${account}`)]
      : [];
  });
}

/** The stack of a file, and its nested ones. @throws UserError */
function readStack(file: string): Readonly<Record<string, Template>> {
  try {
    return mapValues(readTemplates(dirname(fromUser(file)), stackOf(file), basename(file)), ({ template }) => template);
  } catch (error) {
    const isMissing = (error as { readonly code?: string }).code !== undefined;
    throw new UserError(
      isMissing
        ? `templates of the nested stacks of ${file} are missing beside it; give a folder that cdk synth has written`
        : `${file} is not a template in JSON; give one that cdk synth has written`,
    );
  }
}

/** What a change of templates would lose, or RDS would refuse, a sentence each. */
export function findDangers(stack: string, before: Template, after: Template): readonly string[] {
  // Loaded when asked for, with the schema of every resource that there is.
  const { fullDiff } = require("@aws-cdk/cloudformation-diff") as typeof import("@aws-cdk/cloudformation-diff");
  const dangers: string[] = [...refuseUpgradeWithReplicas(stack, before, after)];
  fullDiff(structuredClone(before), structuredClone(after)).resources.forEachDifference((id, change) => {
    const type = change.oldResourceType ?? "";
    const thing = `${stack}: ${type} ${id}`;
    if (type === "AWS::EC2::SecurityGroup" && change.propertyUpdates.VpcId !== undefined && !change.isRemoval)
      dangers.push(`${thing} would move to another VPC, and RDS keeps an instance in its own; take that change back`);
    if (!STATEFUL.includes(type) || (change.isRemoval && isDisposable(id, before))) return;
    if (change.isRemoval) dangers.push(`${thing} would ${fateOf(change.oldValue)}; keep it in the spec`);
    const replacing = Object.entries(change.propertyUpdates)
      .filter(([, update]) => isReplacing(update.changeImpact))
      .map(([name]) => name)
      .filter((name) => !UPDATED_IN_PLACE.includes(name));
    if (replacing.length > 0)
      dangers.push(`${thing} would be replaced by an empty one, because of ${replacing.join(", ")}; take that change back`);
    for (const name of ONLY_GROW) {
      const [had, has] = [change.oldProperties?.[name], change.newProperties?.[name]];
      if (!change.isRemoval && isLess(has, had)) dangers.push(`${thing}: ${name} cannot go from ${had} to ${has}; RDS lets it only grow`);
    }
    const [had, has] = [Number(change.oldProperties?.AllocatedStorage), Number(change.newProperties?.AllocatedStorage)];
    if (!change.isRemoval && losesBackups(change.oldProperties, change.newProperties)) dangers.push(LOST.backups(thing));
    // A disk that grows by itself may have this size already.
    if (has > had && !hasRoomToGrow(had, has) && change.oldProperties?.MaxAllocatedStorage === undefined)
      dangers.push(`${thing}: AllocatedStorage cannot go from ${had} to ${has}; RDS grows a disk by a tenth or more`);
  });
  return [...dangers, ...findUnprotected(stack, before, after)];
}

type Properties = Readonly<Record<string, unknown>> | undefined;

const losesBackups = (before: Properties, after: Properties): boolean =>
  Number(before?.BackupRetentionPeriod) > 0 && after?.BackupRetentionPeriod === 0;

/** Instances from which the protection is taken, of which the resource that sets it has a list. */
function findUnprotected(stack: string, before: Template, after: Template): readonly string[] {
  const released = ({ Resources }: Template) =>
    Object.values(Resources)
      .filter(({ Type }) => Type === "Custom::PostgresDeletionProtection")
      .flatMap(({ Properties }) => (Properties?.release ?? []) as readonly unknown[]).length;
  const more = released(after) - released(before);
  return more > 0 ? [LOST.protection(`${stack}: ${more === 1 ? "an instance" : `${more} instances`}`)] : [];
}

/** Says what happens to a resource that is removed from a template. */
function fateOf(resource: object | undefined): string {
  switch ((resource as Partial<Resource> | undefined)?.DeletionPolicy) {
    case undefined:
    case "Delete":
      return "be deleted";
    case "Snapshot":
      return "be deleted, and a final snapshot would keep its data";
    default:
      return "stay, but nothing would look after it";
  }
}

/** Whether a size or a version is below another; a major version alone is not compared with one of its minors. */
function isLess(value: unknown, other: unknown): boolean {
  const [parts, others] = [value, other].map((each) =>
    String(each ?? "")
      .split(".")
      .map(Number),
  );
  const at = parts?.findIndex((part, index) => part !== others?.[index]) ?? -1;
  return at >= 0 && Number(parts?.[at]) < Number(others?.[at]);
}

/** Whether removing a resource deletes it without losing data: a read replica, or a key that encrypts nothing that lasts, such as a topic's. */
function isDisposable(id: string, { Resources }: Template): boolean {
  const resource = Resources[id];
  if (resource?.DeletionPolicy !== "Delete") return false;
  if (resource.Type !== "AWS::KMS::Key") return Object.hasOwn(resource.Properties ?? {}, "SourceDBInstanceIdentifier");
  return !Object.values(Resources).some(
    (other) => STATEFUL.includes(other.Type) && JSON.stringify(other.Properties ?? {}).includes(`"${id}"`),
  );
}

const isReplacing = (impact: ResourceImpact | undefined): boolean => impact === "WILL_REPLACE" || impact === "MAY_REPLACE";

const majorOf = (version: unknown): number => Number.parseInt(String(version), 10);

/**
 * RDS upgrades replicas with their source, and CloudFormation then changes them once more, to a parameter group of the new version.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.MajorVersion.html
 */
function refuseUpgradeWithReplicas(stack: string, before: Template, after: Template): readonly string[] {
  const upgraded = Object.keys(after.Resources).filter((id) => {
    const [had, has] = [before, after].map((template) => template.Resources[id]?.Properties?.EngineVersion);
    return had !== undefined && majorOf(has) > majorOf(had);
  });
  const replicas = Object.values(after.Resources).map((resource) => JSON.stringify(resource.Properties?.SourceDBInstanceIdentifier ?? ""));
  return upgraded
    .filter((id) => replicas.some((source) => source.includes(`"${id}"`)))
    .map(
      (id) =>
        `${stack}: AWS::RDS::DBInstance ${id} cannot be upgraded together with its replicas; set readReplicas to 0 and deploy, change majorVersion and deploy, wait until the instance has the new version (at once with applyImmediately, else after its maintenance window), and set readReplicas back`,
    );
}
