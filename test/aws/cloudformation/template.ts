import type { Template } from "../../../infra/aws/templates";

/** A stack as the CLI deploys it. */
export interface Artifact {
  readonly name: string;
  readonly template: DeployedTemplate;
  readonly terminationProtection: boolean;
}

export interface DeployedTemplate extends Template {
  readonly Resources: Readonly<Record<string, DeployedResource>>;
}

type DeployedResource = Template["Resources"][string] & { readonly DependsOn?: readonly string[] };

/** What intrinsic functions are resolved with. */
export interface Scope {
  /** Physical id of a resource of the same stack, or undefined. */
  ref(logicalId: string): unknown;
  /** An attribute of a resource of the same stack, where it is known. */
  attribute(logicalId: string, attribute: string): unknown;
  /** Output of another stack, and export of any. @throws where there is none. */
  output(stack: string, output: string): unknown;
  imported(name: string): unknown;
}

/** Replaces CloudFormation's functions by what they stand for. What another service would answer is a readable name. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((each) => resolve(each, scope));
  if (typeof value !== "object" || value === null) return value;
  const [name, argument] = Object.entries(value)[0] ?? [];
  switch (name) {
    case "Ref":
      return scope.ref(String(argument)) ?? String(argument);
    case "Fn::GetAtt": {
      const [id = "", attribute = ""] = argument as readonly string[];
      return scope.attribute(id, attribute) ?? `${scope.ref(id) ?? id}.${attribute}`;
    }
    case "Fn::Join": {
      const [separator = "", parts = []] = argument as readonly [string, readonly unknown[]];
      return parts.map((part) => resolve(part, scope)).join(separator);
    }
    case "Fn::GetStackOutput": {
      const { StackName, OutputName } = argument as { readonly StackName: string; readonly OutputName: string };
      return scope.output(StackName, OutputName);
    }
    case "Fn::ImportValue":
      return scope.imported(String(argument));
    case "Fn::Select": {
      const [index, list] = argument as readonly [number, unknown];
      const all = resolve(list, scope);
      return Array.isArray(all) ? all[index] : JSON.stringify(value);
    }
    case "Fn::Split": {
      const [separator = "", whole] = argument as readonly [string, unknown];
      return String(resolve(whole, scope)).split(separator);
    }
    case "Fn::GetAZs":
      return JSON.stringify(value);
    default:
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(each, scope)]));
  }
}

/** Names of the exports that a template imports. */
export function importsOf(template: unknown): readonly string[] {
  return [...JSON.stringify(template).matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(([, name = ""]) => name);
}

/** Logical ids in an order in which CloudFormation could create them: what something depends on comes first. */
export function inOrder({ Resources }: DeployedTemplate): readonly string[] {
  const ordered: string[] = [];
  const visit = (id: string): void => {
    if (ordered.includes(id)) return;
    const { DependsOn = [], ...resource } = Resources[id] ?? {};
    for (const needed of [...DependsOn, ...referencesIn(resource)]) if (needed !== id && Resources[needed] !== undefined) visit(needed);
    ordered.push(id);
  };
  for (const id of Object.keys(Resources)) visit(id);
  return ordered;
}

const referencesIn = (value: unknown): readonly string[] => [
  ...[...JSON.stringify(value).matchAll(/"Ref":"([^"]+)"/g)].map(([, id = ""]) => id),
  ...[...JSON.stringify(value).matchAll(/"Fn::GetAtt":\["([^"]+)"/g)].map(([, id = ""]) => id),
];
