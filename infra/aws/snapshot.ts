import { Stack } from "aws-cdk-lib";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { isObject, mapValues } from "../../constructs/model/json";
import { type Snapshot, type StackSnapshot, toReadable } from "../snapshot";
import { createStacks } from "./stacks";
import { synthesize } from "./synthesize";
import type { Resource, Template } from "./templates";

/** Parts that the CDK adds for itself. They change with the CDK's version, but change no resource. */
const OF_CDK = ["Parameters BootstrapVersion", "Rules CheckBootstrapVersion", "Conditions CDKMetadataAvailable"];

/** What `cdk deploy` would create: the templates of all stacks, and each stack's settings that the CLI passes to CloudFormation. */
export function snapshotAws(environment: AwsEnvironment): Snapshot {
  const settings = new Map<string, object>();
  const templates = synthesize(environment, (app, its) => {
    createStacks(app, its);
    for (const each of app.node.children)
      if (Stack.isStack(each))
        settings.set(each.stackName, { environment: each.environment, terminationProtection: each.terminationProtection ?? false });
  });
  return mapValues(templates, (template, name) => toStackSnapshot(maskTemplate(template) as Template, settings.get(name) ?? {}));
}

export function toStackSnapshot({ Resources, ...sections }: Template, settings: object): StackSnapshot {
  const own = Object.entries(sections).filter(([, section]) => !isObject(section));
  const others = Object.entries(sections).flatMap(([section, entries]) =>
    isObject(entries) ? Object.entries(entries).map(([id, each]) => [`${section} ${id}`, each] as const) : [],
  );
  const resources = Object.entries(Resources)
    .filter(([, { Type }]) => Type !== "AWS::CDK::Metadata")
    .map(([id, resource]) => [`${resource.Type} ${id}`, flatten(resource)] as const);
  const all = [["(stack)", { ...Object.fromEntries(own), ...settings }] as const, ...others, ...resources];
  return toReadable(joinTexts(Object.fromEntries(all.filter(([id]) => !OF_CDK.includes(id))))) as StackSnapshot;
}

/** Properties, and other keys in parentheses. Leaves out metadata, which is for tools. */
function flatten({ Type, Properties, ...others }: Resource): object {
  const beside = Object.entries(others).filter(([key]) => key !== "Metadata");
  return { ...Properties, ...Object.fromEntries(beside.map(([key, value]) => [`(${key})`, value])) };
}

/**
 * Masks values that change without a reason: hashes of uploaded files and of this project's program, and the label with which CloudFormation
 * waits for a Secret, also a hash. Digests of images stay, because they show which image runs.
 */
export function maskTemplate(template: unknown): unknown {
  const text = JSON.stringify(template)
    .replaceAll(/\b[0-9a-f]{64}(?=\.(zip|json)\b)/g, "<hash>")
    .replaceAll(/("program":")[0-9a-f]{64}(?=")/g, "$1<hash>")
    .replaceAll(/\bplatform-postgres-[0-9a-f]{16}\b/g, "platform-postgres-<hash>");
  return JSON.parse(text);
}

/** Joins texts like CloudFormation, with `${...}` for values that it inserts, so that chart values are JSON again. */
function joinTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(joinTexts);
  if (!isObject(value)) return value;
  const [delimiter, parts] = Array.isArray(value["Fn::Join"]) ? value["Fn::Join"] : [];
  if (delimiter === "" && Array.isArray(parts))
    return parts.map((part) => (typeof part === "string" ? part : toPlaceholder(part))).join("");
  return mapValues(value, joinTexts);
}

function toPlaceholder(reference: unknown): string {
  const [of] = isObject(reference) ? Object.values(reference) : [];
  const { StackName, OutputName } = isObject(of) ? of : {};
  const words = isObject(of) && OutputName !== undefined ? [StackName, OutputName] : [of].flat();
  return words.every((word) => typeof word === "string") ? `\${${words.join(".")}}` : JSON.stringify(reference);
}
