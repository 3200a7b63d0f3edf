import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fullDiff, ResourceImpact } from "@aws-cdk/cloudformation-diff";
import { UserError } from "../../constructs/model/errors";
import { examplesIn } from "../../constructs/model/fields";
import type { Plan } from "../clouds";
import type { AwsEnvironment } from "./environment";
import { synthesize, type Template } from "./synthesize";

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
const UPDATED_IN_PLACE = ["BackupRetentionPeriod", "DBParameterGroupName", "MultiAZ", "PreferredMaintenanceWindow", "StorageType"];

/** Numbers of an instance that RDS only lets grow. */
const ONLY_GROW = ["AllocatedStorage", "EngineVersion"];

const ENDING = ".template.json";

export function planAws(environment: AwsEnvironment, against: string | null): Plan {
  const templates = synthesize(environment);
  const stored = against === null ? null : readStored(against);
  const dangers = Object.entries(stored ?? {}).flatMap(([stack, before]) =>
    findDangers(stack, before, templates[stack] ?? { Resources: {} }),
  );
  return {
    resources: Object.entries(templates).flatMap(([stack, template]) => count(stack, template)),
    examples: examplesIn(environment.section, "aws"),
    dangers,
    compared: stored === null ? null : Object.keys(stored),
  };
}

function count(stack: string, { Resources }: Template): Plan["resources"] {
  const types = Object.values(Resources).map((resource) => resource.Type);
  return [...new Set(types)].sort().map((type) => ({ stack, type, count: types.filter((each) => each === type).length }));
}

/** Stored templates by stack: one file, or all of a folder such as `cdk.out`. @throws UserError */
function readStored(path: string): Readonly<Record<string, Template>> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const files = isFolder
    ? readdirSync(path)
        .filter((file) => file.endsWith(ENDING))
        .map((file) => join(path, file))
    : [path];
  if (files.length === 0) throw new UserError(`${path} holds no ${ENDING}; give a folder that cdk synth has written`);
  return Object.fromEntries(files.map((file) => [basename(file).replace(ENDING, ""), readTemplate(file)]));
}

function readTemplate(file: string): Template {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Template;
  } catch {
    throw new UserError(`${file} is no template in JSON; give one that cdk synth has written, named <stack>${ENDING}`);
  }
}

/** What a change of templates would lose, or RDS would refuse, a sentence each. */
export function findDangers(stack: string, before: Template, after: Template): readonly string[] {
  const dangers: string[] = [];
  fullDiff(structuredClone(before), structuredClone(after)).resources.forEachDifference((id, change) => {
    const type = change.oldResourceType ?? "";
    const thing = `${stack}: ${type} ${id}`;
    if (type === "AWS::EC2::SecurityGroup" && change.propertyUpdates.VpcId !== undefined && !change.isRemoval)
      dangers.push(`${thing} would move to another VPC, and RDS keeps an instance in its own; take that change back`);
    if (!STATEFUL.includes(type)) return;
    if (change.isRemoval) dangers.push(`${thing} would be deleted; keep it in the spec, or remove it from the stack on purpose first`);
    const replacing = Object.entries(change.propertyUpdates)
      .filter(([, update]) => isReplacing(update.changeImpact))
      .map(([name]) => name)
      .filter((name) => !UPDATED_IN_PLACE.includes(name));
    if (replacing.length > 0)
      dangers.push(`${thing} would be replaced by an empty one, because of ${replacing.join(", ")}; take that change back`);
    for (const name of ONLY_GROW) {
      const [had, has] = [change.oldProperties?.[name], change.newProperties?.[name]];
      if (!change.isRemoval && Number(has) < Number(had))
        dangers.push(`${thing}: ${name} cannot go from ${had} to ${has}; RDS lets it only grow`);
    }
  });
  return dangers;
}

const isReplacing = (impact: ResourceImpact | undefined): boolean =>
  impact === ResourceImpact.WILL_REPLACE || impact === ResourceImpact.MAY_REPLACE;
