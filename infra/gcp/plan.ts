import { existsSync, readFileSync } from "node:fs";
import { restarts } from "../../constructs/gcp/flags";
import { isReaderHostName } from "../../constructs/gcp/names";
import { UserError } from "../../constructs/model/errors";
import { examplesIn } from "../../constructs/model/fields";
import { isObject } from "../../constructs/model/json";
import type { DeploymentPlan } from "../cloud";
import { freeName, fromUser, pulumiCommand } from "../command-line";
import { LOST } from "../lost";
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
const RELEASE = "kubernetes:helm.sh/v3:Release";
const PEERING = "gcp:servicenetworking/connection:Connection";

/** What a cluster that nobody has looked at would answer. */
export const CALLS = {
  "gcp:container/getCluster:getCluster": { endpoint: "cluster.invalid", masterAuths: [{ clusterCaCertificate: "" }] },
};

/** A resource as a state has it. */
interface Stored {
  readonly urn: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What there was when it was last looked at. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Whether it stays when the state forgets it. */
  readonly retainOnDelete: boolean;
}

export async function planGcp(environment: GcpEnvironment, against: string | null): Promise<DeploymentPlan> {
  const stored = against === null ? null : readState(against, environment.name);
  const program = { project: PROJECT, stack: environment.name, preview: true, calls: CALLS };
  const { resources } = await register(program, () => deploy(environment));
  return {
    resources: count(environment.name, resources),
    examples: examplesIn(environment.section, "gcp"),
    dangers: stored === null ? [] : findDangers(stored, resources),
    notes: [
      ...findPeering(stored ?? [], resources),
      ...findBackups(environment, stored ?? [], resources),
      ...(stored === null
        ? []
        : [
            ...findRestarts(stored, resources),
            ...findSecondRuns(environment.name, stored, resources),
            ...findDisks(stored, resources),
            ...findGoing(stored, resources),
          ]),
    ],
    compared: stored === null ? null : [`stack ${environment.name}`],
  };
}

/** By component: what is below `database` lives longest. */
function count(stack: string, resources: readonly Registration[]): DeploymentPlan["resources"] {
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
  const exported = (to: string) => `run ${pulumiCommand(["stack", "export"], environment, to)}`;
  if (!existsSync(fromUser(file))) throw new UserError(`there is no file ${file}; ${exported(file)}`);
  // What the file has may be anything: it is not written over.
  const again = exported(freeName("state.json"));
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(fromUser(file), "utf8"));
  } catch {
    throw new UserError(`${file} is not a state in JSON; ${again}`);
  }
  const deployment = isObject(content) ? content.deployment : null;
  const resources = isObject(deployment) ? deployment.resources : null;
  if (!Array.isArray(resources)) throw new UserError(`${file} contains no state of Pulumi; ${again}`);
  const own = (resources as Partial<Stored>[]).flatMap(({ urn = "", type = "", inputs = {}, outputs = inputs, retainOnDelete = false }) =>
    urn.startsWith(`urn:pulumi:${environment}::${PROJECT}::`) ? [{ urn, type, inputs, outputs, retainOnDelete }] : [],
  );
  if (own.length === 0) throw new UserError(`${file} contains nothing of stack ${environment}; ${again}`);
  return own;
}

/** What a change would lose, or Cloud SQL would refuse, a sentence each. */
function findDangers(before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  return before
    .filter(({ type }) => STATEFUL.includes(type))
    .flatMap((stored) => {
      const thing = nameOf(stored);
      const next = after.find(({ urn }) => urn === stored.urn);
      if (next === undefined)
        return stored.retainOnDelete || isReplica(stored) || isReaderHostName(String(stored.inputs.name))
          ? []
          : [`${thing} would be deleted; keep it in the spec`];
      const replacing = changedPaths(stored, next).filter((path) => propertiesOf(stored.type)?.[path]?.replaces);
      return [
        ...(replacing.length > 0
          ? [`${thing} would be replaced by an empty one, because of ${replacing.join(", ")}; take that change back`]
          : []),
        ...(stored.type === INSTANCE ? [...findShrinking(thing, stored, next), ...findUnsafe(thing, stored, next)] : []),
      ];
    });
}

/** What takes an instance's backups, or its protection. A replica has neither. */
function findUnsafe(thing: string, before: Stored, after: Registration): readonly string[] {
  const isOn = (inputs: Stored["inputs"], path: string) => groupPaths(inputs).get(path) === "true";
  const isLost = (path: string) => isOn(before.inputs, path) && !isOn(after.inputs, path);
  return [
    ...(isLost("settings.backupConfiguration.enabled") ? [LOST.backups(thing)] : []),
    ...(isLost("deletionProtection") || isLost("settings.deletionProtectionEnabled") ? [LOST.protection(thing)] : []),
  ];
}

/** Type and name, in readable form. */
const nameOf = ({ urn }: Pick<Stored, "urn">): string => `${urn.split("::")[2]?.split(":").at(-1)} ${urn.split("::").at(-1)}`;

/** A read replica has no data that its primary does not have. */
const isReplica = ({ inputs }: Pick<Stored, "inputs">): boolean => inputs.instanceType === "READ_REPLICA_INSTANCE";

/** Instances that are there, and stay. */
function instancesThatStay(before: readonly Stored[], after: readonly Registration[]) {
  return after.flatMap((next) => {
    const stored = next.type === INSTANCE ? before.find(({ urn }) => urn === next.urn) : undefined;
    return stored === undefined ? [] : [{ stored, next }];
  });
}

/** Paths whose value is written, known, and another than before. What nobody writes, such as a name that Pulumi makes, stays. */
function changedPaths(before: Stored, after: Registration): readonly string[] {
  const had = groupPaths(before.inputs);
  const ignored = after.ignoreChanges;
  return [...groupPaths(after.inputs)]
    .filter(([path, value]) => !ignored.includes(path) && !/\[(unknown|secret)\]/.test(value) && had.get(path) !== value)
    .map(([path]) => path)
    .filter((path) => path !== DISK_SIZE || !hasOutgrown(before, after));
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
  const grows: readonly (readonly [name: string, had: number, has: number])[] = [
    ["the major version", version(before), version(after)],
    ...(diskOf(after.inputs).diskAutoresize === true ? [] : [["the disk", sizeOf(before.outputs), sizeOf(after.inputs)] as const]),
  ];
  return grows
    .filter(([, had, has]) => has < had)
    .map(([name, had, has]) => `${thing}: ${name} cannot go from ${had} to ${has}; Cloud SQL lets it only grow`);
}

/** Settings of an instance's disk. */
const diskOf = (properties: Readonly<Record<string, unknown>>) =>
  (properties.settings ?? {}) as { readonly diskSize?: number; readonly diskAutoresize?: boolean };
/** GiB; NaN if not set. In a state the size that the disk has grown to. */
const sizeOf = (properties: Readonly<Record<string, unknown>>): number => Number(diskOf(properties).diskSize);

const DISK_SIZE = "settings.diskSize";
/** Whether a disk that grows by itself is larger than the spec's size: that is not a change. */
const hasOutgrown = (before: Stored, after: Registration): boolean =>
  diskOf(after.inputs).diskAutoresize === true && sizeOf(after.inputs) < sizeOf(before.outputs);

type Flag = { readonly name: string; readonly value: string };

/** Other changes that restart an instance, by their path. */
const RESTARTING = ["databaseVersion", "settings.tier", "settings.edition", "settings.locationPreference.zone"];

/** Instances that a change would restart. */
function findRestarts(before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  const flagsOf = (resource: Pick<Stored, "inputs"> | undefined): readonly Flag[] =>
    (resource?.inputs.settings as { readonly databaseFlags?: readonly Flag[] } | undefined)?.databaseFlags ?? [];
  return instancesThatStay(before, after).flatMap(({ stored, next }) => {
    const [had, has] = [stored, next].map((each) => new Map(flagsOf(each).map(({ name, value }) => [name, value])));
    const names = [...new Set([...(had?.keys() ?? []), ...(has?.keys() ?? [])])];
    const flags = names.filter((name) => restarts(name) && had?.get(name) !== has?.get(name));
    const changed = [...changedPaths(stored, next).filter((path) => RESTARTING.includes(path)), ...flags];
    const follows = changed.includes("databaseVersion") && after.some((each) => each.parent === next.parent && isReplica(each));
    return changed.length === 0
      ? []
      : [
          `${nameOf(next)} would restart, because of ${changed.join(", ")}${follows ? "; its replicas are upgraded and restart with it" : ""}`,
        ];
  });
}

/** After changing these, the provider reads the instance before it sends the rest, and may lose the rest. */
const SENT_ALONE: Readonly<Record<string, readonly string[]>> = {
  databaseVersion: ["databaseVersion"],
  "settings.edition": ["settings.edition", "settings.tier"],
};

/** Instances for which one run is not enough. */
function findSecondRuns(environment: string, before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  return instancesThatStay(before, after).flatMap(({ stored, next }) => {
    const changed = changedPaths(stored, next);
    const alone = Object.keys(SENT_ALONE).filter((path) => changed.includes(path));
    const sent = alone.length === 1 ? SENT_ALONE[alone[0] ?? ""] : undefined;
    const lost = changed.filter((path) => !(sent ?? alone).includes(path));
    return alone.length === 0 || lost.length === 0
      ? []
      : [
          `${nameOf(next)}: run ${pulumiCommand(["up"], environment)} a second time, because Google's provider may lose ${lost.join(", ")} in a run that changes ${alone.join(" and ")}`,
        ];
  });
}

/** Sizes in the spec that are smaller than the disk has grown to. */
function findDisks(before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  return instancesThatStay(before, after)
    .filter(({ stored, next }) => sizeOf(stored.inputs) !== sizeOf(next.inputs) && hasOutgrown(stored, next))
    .map(
      ({ stored, next }) =>
        `${nameOf(next)}: its disk of ${sizeOf(stored.outputs)} GiB stays, because storageGib (${sizeOf(next.inputs)}) is smaller`,
    );
}

/** Replicas and releases that would be deleted, or stay without upgrades. */
function findGoing(before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  return before
    .filter((stored) => !after.some(({ urn }) => urn === stored.urn))
    .flatMap((stored) => {
      if (isReplica(stored)) return [`${nameOf(stored)} would be deleted; a read replica has no data that its primary does not have`];
      if (stored.type !== RELEASE) return [];
      return stored.retainOnDelete
        ? [`${nameOf(stored)} would stay in the cluster, and this project would no longer upgrade it; name a new owner`]
        : [`${nameOf(stored)} would be uninstalled; its databases stay`];
    });
}

/** New instances whose backups stay in one region, which Cloud SQL would not do by itself. */
function findBackups({ section }: GcpEnvironment, before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  const isNew = ({ type, urn, inputs }: Registration) =>
    type === INSTANCE && !isReplica({ inputs }) && !before.some((each) => each.urn === urn);
  return after.filter(isNew).flatMap((next) => {
    const { backupConfiguration: backups } = next.inputs.settings as { readonly backupConfiguration?: { readonly location?: string } };
    return backups?.location === section.region
      ? [
          `${nameOf(next)} would keep its backups in ${section.region} only, and Cloud SQL's default is a multi-region; to use one, set backupReplication in gcp.instances, such as { region: "eu" }`,
        ]
      : [];
  });
}

/** A network has one peering, which outlives its stack. */
function findPeering(before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  return after
    .filter((next) => next.type === PEERING && !before.some(({ urn }) => urn === next.urn))
    .map((next) => {
      const [, project, , , network] = String(next.inputs.network).split("/");
      const look = `gcloud services vpc-peerings list --network ${network} --project ${project}`;
      return `${nameOf(next)} would be created, and Google rejects a second one in a network; if ${look} shows one (of another environment, or left by a destroyed stack), set gcp.privateServicesAccess.create to false`;
    });
}
