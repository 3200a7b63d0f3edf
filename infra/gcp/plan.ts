import { readFileSync } from "node:fs";
import { restarts } from "../../constructs/gcp/flags";
import { UserError } from "../../constructs/model/errors";
import { examplesIn } from "../../constructs/model/fields";
import { isObject } from "../../constructs/model/json";
import type { Plan } from "../clouds";
import { pathsOf, propertiesOf } from "./catalogue";
import { deploy } from "./deploy";
import type { GcpEnvironment } from "./environment";
import { type Registration, register } from "./registrations";

/** Name of the project in `Pulumi.yaml`. */
export const PROJECT = "platform-postgres";

/** What holds data, or what data cannot be read or reached without. */
const STATEFUL = [
  "gcp:sql/databaseInstance:DatabaseInstance",
  "gcp:sql/user:User",
  "gcp:secretmanager/secret:Secret",
  "gcp:secretmanager/secretVersion:SecretVersion",
  "random:index/randomPassword:RandomPassword",
  "gcp:compute/globalAddress:GlobalAddress",
  "gcp:servicenetworking/connection:Connection",
  "gcp:dns/managedZone:ManagedZone",
  "gcp:dns/recordSet:RecordSet",
];
const INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";

/** What a cluster that nobody has looked at would answer. */
export const CALLS = {
  "gcp:container/getCluster:getCluster": { endpoint: "cluster.invalid", masterAuths: [{ clusterCaCertificate: "" }] },
};

/** A resource as a state has it. */
interface Stored {
  readonly urn: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Whether it stays when the state forgets it. */
  readonly retainOnDelete: boolean;
}

export async function planGcp(environment: GcpEnvironment, against: string | null): Promise<Plan> {
  const program = { project: PROJECT, stack: environment.name, preview: true, calls: CALLS };
  const { resources } = await register(program, () => deploy(environment));
  const stored = against === null ? null : readState(against, environment.name);
  return {
    resources: count(environment.name, resources),
    examples: examplesIn(environment.section, "gcp"),
    dangers: stored === null ? [] : findDangers(stored, resources),
    notes: stored === null ? [] : findRestarts(stored, resources),
    compared: stored === null ? null : [`stack ${environment.name}`],
  };
}

/** By component: what is below `database` lives longest. */
function count(stack: string, resources: readonly Registration[]): Plan["resources"] {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const partOf = ({ type, name, parent }: Registration): string => {
    const above = byUrn.get(parent);
    return type.startsWith("platform-postgres:infra:") || above === undefined ? name : partOf(above);
  };
  const made = resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:"));
  const rows = made.map((resource) => `${partOf(resource)} ${resource.type}`);
  return [...new Set(rows)].sort().map((row) => {
    const [part = "", type = ""] = row.split(" ");
    return { stack: `${stack} ${part}`, type, count: rows.filter((each) => each === row).length };
  });
}

/** What `pulumi stack export` has printed. @throws UserError */
function readState(file: string, environment: string): readonly Stored[] {
  const again = `pulumi stack export --stack ${environment} --file ${file}`;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new UserError(`${file} is no state in JSON; run ${again}`);
  }
  const deployment = isObject(content) ? content.deployment : null;
  const resources = isObject(deployment) ? deployment.resources : null;
  if (!Array.isArray(resources)) throw new UserError(`${file} holds no state of Pulumi; run ${again}`);
  const own = (resources as Partial<Stored>[]).flatMap(({ urn = "", type = "", inputs = {}, retainOnDelete = false }) =>
    urn.startsWith(`urn:pulumi:${environment}::${PROJECT}::`) ? [{ urn, type, inputs, retainOnDelete }] : [],
  );
  if (own.length === 0) throw new UserError(`${file} holds nothing of stack ${environment}; run ${again}`);
  return own;
}

/** What a change would lose, or Cloud SQL would refuse, a sentence each. */
function findDangers(before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  return before
    .filter(({ type }) => STATEFUL.includes(type))
    .flatMap((stored) => {
      const thing = `${stored.type.split(":").at(-1)} ${stored.urn.split("::").at(-1)}`;
      const next = after.find(({ urn }) => urn === stored.urn);
      if (next === undefined) return stored.retainOnDelete ? [] : [`${thing} would be deleted; keep it in the spec`];
      const replacing = changedPaths(stored, next).filter((path) => propertiesOf(stored.type)?.[path]?.replaces);
      return [
        ...(replacing.length > 0
          ? [`${thing} would be replaced by an empty one, because of ${replacing.join(", ")}; take that change back`]
          : []),
        ...(stored.type === INSTANCE ? findShrinking(thing, stored, next) : []),
      ];
    });
}

/** Paths whose value is written, known, and another than before. What nobody writes, such as a name that Pulumi makes, stays. */
function changedPaths(before: Stored, after: Registration): readonly string[] {
  const had = groupPaths(before.inputs);
  const ignored = after.ignoreChanges;
  return [...groupPaths(after.inputs)]
    .filter(([path, value]) => !ignored.includes(path) && !/\[(unknown|secret)\]/.test(value) && had.get(path) !== value)
    .map(([path]) => path);
}

/** Values by their path as texts; those of a list together. */
function groupPaths(inputs: unknown): ReadonlyMap<string, string> {
  const grouped = new Map<string, string>();
  for (const [path, value] of pathsOf(inputs)) {
    if (typeof value === "object" && value !== null) continue;
    grouped.set(path, [...(grouped.has(path) ? [grouped.get(path)] : []), String(value)].join(" "));
  }
  return grouped;
}

/** Numbers that Cloud SQL only lets grow. */
function findShrinking(thing: string, before: Stored, after: Registration): readonly string[] {
  const version = ({ inputs }: Pick<Stored, "inputs">) => Number(String(inputs.databaseVersion ?? "").replace("POSTGRES_", ""));
  const disk = ({ inputs }: Pick<Stored, "inputs">) => Number((inputs.settings as { readonly diskSize?: number } | undefined)?.diskSize);
  const grows: readonly (readonly [name: string, had: number, has: number])[] = [
    ["the major version", version(before), version(after)],
    ...(after.ignoreChanges.includes("settings.diskSize") ? [] : [["the disk", disk(before), disk(after)] as const]),
  ];
  return grows
    .filter(([, had, has]) => has < had)
    .map(([name, had, has]) => `${thing}: ${name} cannot go from ${had} to ${has}; Cloud SQL lets it only grow`);
}

type Flag = { readonly name: string; readonly value: string };

/** Other changes that restart an instance, by their path. */
const RESTARTING = ["databaseVersion", "settings.tier", "settings.edition"];

/** Instances that a change would restart. */
function findRestarts(before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  const flagsOf = (resource: Pick<Stored, "inputs"> | undefined): readonly Flag[] =>
    (resource?.inputs.settings as { readonly databaseFlags?: readonly Flag[] } | undefined)?.databaseFlags ?? [];
  return after
    .filter(({ type }) => type === INSTANCE)
    .flatMap((next) => {
      const stored = before.find(({ urn }) => urn === next.urn);
      if (stored === undefined) return [];
      const [had, has] = [stored, next].map((each) => new Map(flagsOf(each).map(({ name, value }) => [name, value])));
      const names = [...new Set([...(had?.keys() ?? []), ...(has?.keys() ?? [])])];
      const flags = names.filter((name) => restarts(name) && had?.get(name) !== has?.get(name));
      const changed = [...changedPaths(stored, next).filter((path) => RESTARTING.includes(path)), ...flags];
      return changed.length === 0 ? [] : [`DatabaseInstance ${next.name} would restart, because of ${changed.join(", ")}`];
    });
}
