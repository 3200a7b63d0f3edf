import { SpecError, type Violation } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { innerOf, parentOf, type Resource, type WrittenTemplate } from "./templates";

/** A limit of AWS. Deploying a stack that exceeds it fails. */
interface Limit {
  /** The unit, shown after the number. */
  readonly unit: string;
  readonly most: number;
  count(written: WrittenTemplate): number;
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const OF_STACKS: readonly Limit[] = [
  { unit: "resources", most: 500, count: ({ template }) => Object.keys(template.Resources).length },
  { unit: "bytes of its template", most: 1_000_000, count: ({ bytes }) => bytes },
  { unit: "outputs", most: 200, count: ({ template }) => Object.keys(template.Outputs ?? {}).length },
  { unit: "parameters", most: 200, count: ({ template }) => Object.keys(template.Parameters ?? {}).length },
  {
    unit: "references to values of secrets",
    most: 60,
    count: ({ template }) => (JSON.stringify(template).match(/\{\{resolve:/g) ?? []).length,
  },
];

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const POLICIES: Limit = {
  unit: "characters of a role's policies",
  most: 10_240,
  count: ({ template }) => Math.max(0, ...policiesByRole(Object.entries(template.Resources)).values()),
};

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const VARIABLES: Limit = {
  unit: "bytes of a function's variables",
  most: 4_096,
  count: ({ template }) => Math.max(0, ...Object.values(template.Resources).map(variablesOf)),
};

export const LIMITS: readonly Limit[] = [...OF_STACKS, POLICIES, VARIABLES];

/** Characters of a resolved reference, at most: an ARN, or a host name. */
const REFERENCE = 150;

/** Length of a value's text as it is deployed; each reference counts as `REFERENCE`. */
function lengthOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (!isObject(value)) return JSON.stringify(value)?.length ?? 0;
  const [delimiter, parts] = Array.isArray(value["Fn::Join"]) ? value["Fn::Join"] : [];
  if (!Array.isArray(parts)) return REFERENCE;
  return parts.reduce<number>((sum, part) => sum + lengthOf(part), 0) + String(delimiter).length * Math.max(parts.length - 1, 0);
}

/** Length of a policy document as IAM counts it, without white space. */
function lengthOfDocument(document: unknown): number {
  if (Array.isArray(document)) return document.reduce<number>((sum, each) => sum + lengthOfDocument(each) + 1, 1);
  if (!isObject(document)) return JSON.stringify(document)?.length ?? 0;
  const entries = Object.entries(document);
  if (entries.some(([key]) => key === "Ref" || key.startsWith("Fn::"))) return lengthOf(document) + 2;
  return entries.reduce((sum, [key, each]) => sum + key.length + 4 + lengthOfDocument(each), 1);
}

function policiesByRole(resources: readonly (readonly [string, Resource])[]): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  const add = (role: string, document: unknown) => lengths.set(role, (lengths.get(role) ?? 0) + lengthOfDocument(document));
  for (const [id, { Type, Properties = {} }] of resources) {
    if (Type === "AWS::IAM::Policy")
      for (const role of (Properties.Roles ?? []) as readonly unknown[]) add(JSON.stringify(role), Properties.PolicyDocument);
    if (Type === "AWS::IAM::Role")
      for (const { PolicyDocument } of (Properties.Policies ?? []) as readonly { PolicyDocument: unknown }[])
        add(JSON.stringify({ Ref: id }), PolicyDocument);
  }
  return lengths;
}

function variablesOf({ Type, Properties = {} }: Resource): number {
  if (Type !== "AWS::Lambda::Function") return 0;
  const { Variables = {} } = (Properties.Environment ?? {}) as { readonly Variables?: Readonly<Record<string, unknown>> };
  return Object.entries(Variables).reduce((sum, [name, value]) => sum + name.length + lengthOf(value), 0);
}

/** @throws SpecError with a violation for each limit that a stack exceeds. */
export function checkLimits(stacks: Readonly<Record<string, WrittenTemplate>>): void {
  const violations = Object.entries(stacks).flatMap(([stack, written]) =>
    LIMITS.flatMap((limit): Violation[] => {
      const count = limit.count(written);
      if (count <= limit.most) return [];
      const rule = `must fit into stack ${parentOf(stack)}: AWS accepts at most ${format(limit.most)} ${limit.unit}`;
      return [{ ...placeOf(stack), rule, got: format(count) }];
    }),
  );
  if (violations.length > 0) throw new SpecError(violations);
}

const format = (count: number): string => count.toLocaleString("en-US");

const ELSEWHERE = "to another environment";

/** Returns the part of the spec that makes a stack too large, and the remedy. */
function placeOf(stack: string): Pick<Violation, "path" | "remedy"> {
  const inner = innerOf(stack);
  const isOfPlatforms = parentOf(stack).endsWith("-platforms");
  if (inner !== null && isOfPlatforms) return { path: `platforms.${inner}`, remedy: "shorten its values" };
  if (inner !== null) return { path: `instances.${inner}`, remedy: `move some of its platforms to another instance, or ${ELSEWHERE}` };
  return isOfPlatforms
    ? { path: "platforms", remedy: `move some platforms ${ELSEWHERE}` }
    : { path: "instances", remedy: `move some instances, with their platforms, ${ELSEWHERE}` };
}
