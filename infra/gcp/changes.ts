import { isReaderHostName } from "../../constructs/gcp/names";
import { pulumiCommand } from "../command-line";
import { type Change, keep, toChange, withoutRepetition } from "../plan/change";
import { compareInstances } from "../plan/compare";
import type { Facts } from "../plan/facts";
import { pathsOf, propertiesOf } from "./catalogue";
import { gcpFacts, INSTANCE, instanceOf, isReplica } from "./facts";
import type { Registration } from "./registrations";
import type { Stored } from "./stored";
import { gcpVendor } from "./vendor";

const SECRET = "gcp:secretmanager/secret:Secret";
const VERSION = "gcp:secretmanager/secretVersion:SecretVersion";
const PASSWORD = "random:index/randomPassword:RandomPassword";
const RELEASE = "kubernetes:helm.sh/v3:Release";

/** Resources that contain data, or without which data cannot be read or reached. */
const STATEFUL = [
  INSTANCE,
  "gcp:sql/user:User",
  SECRET,
  VERSION,
  PASSWORD,
  "gcp:compute/globalAddress:GlobalAddress",
  "gcp:servicenetworking/connection:Connection",
  "gcp:dns/managedZone:ManagedZone",
  "gcp:dns/recordSet:RecordSet",
];

/** Properties of an instance whose change is reported under a setting. */
const OF_SETTINGS = ["region", "project", "encryptionKeyName", "name"];

/** Settings that other resources follow, each by its path. */
const FOLLOWED = ["project", "region", "network", "name"];
const FOLLOWING = ["project", "region", "network", "instance", "replication.userManaged.replicas[].location"];

const CLUSTER = "pulumi:providers:kubernetes";
const POLICY = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy";

type Before = readonly Stored[];
type After = readonly Registration[];

/** Returns the changes between a state and a program. @param readers see `readersOf`. */
export function findChanges(before: Before, after: After, readers: Readonly<Record<string, readonly string[]>>): readonly Change[] {
  const has = gcpFacts(after);
  const had = withReal(before, has);
  const made = Object.keys(has).filter((name) => !Object.hasOwn(had, name));
  const gone = Object.keys(had).filter((name) => !Object.hasOwn(has, name));
  const settings = compareInstances(had, has, gcpVendor, readers);
  return withoutRepetition([
    ...gone.map((name) => toChange("lost", `instances.${name}`, "would be deleted", "keep it in the spec")),
    ...settings,
    ...made.map((name) => toChange("cost", `instances.${name}`, "would be created")),
    ...findLosses(
      before,
      after,
      gone,
      settings.some(({ level, path }) => level === "lost" && FOLLOWED.includes(path.split(".").at(-1) ?? "")),
    ),
    ...findPlatforms(before, after),
    ...findReleases(before, after),
    ...findGuards(before, after),
    ...findCluster(before, after),
  ]);
}

/** Facts of a state, with the sizes that disks have grown to, which matter if a disk is no longer to grow automatically. */
function withReal(before: Before, has: Readonly<Record<string, Facts>>): Readonly<Record<string, Facts>> {
  const primaries = before.filter((stored) => stored.type === INSTANCE && !isReplica(stored));
  return Object.fromEntries(
    Object.entries(gcpFacts(before)).map(([name, facts]) => {
      const primary = primaries.find((stored) => instanceOf(stored) === name);
      const { diskSize } = (primary?.outputs.settings ?? {}) as { readonly diskSize?: number };
      if (diskSize === undefined) return [name, facts];
      const isFixed = has[name]?.maxStorageGib === null;
      return [name, { ...facts, "real.storageGib": diskSize, ...(isFixed ? { storageGib: diskSize } : {}) }];
    }),
  );
}

/**
 * Returns resources with data that would be deleted or replaced, except those of removed instances.
 *
 * @param isFollowing whether a reported setting of an instance explains the change.
 */
function findLosses(before: Before, after: After, gone: readonly string[], isFollowing: boolean): readonly Change[] {
  const goes = (stored: Stored) => gone.includes(instanceOf(stored)) || gone.some((name) => placeOf(stored) === `instances.${name}`);
  return before
    .filter((stored) => STATEFUL.includes(stored.type) && !goes(stored))
    .flatMap((stored) => {
      const next = after.find(({ urn }) => urn === stored.urn);
      if (next === undefined)
        return isExpendable(stored) || platformOf(stored) !== null ? [] : [loss(stored, "would be deleted", "keep it in the spec")];
      const replacing = changedPaths(stored, next)
        .filter((path) => propertiesOf(stored.type)?.[path]?.replaces)
        .filter((path) => !(stored.type === INSTANCE && OF_SETTINGS.includes(path)));
      if (replacing.length === 0 || (isFollowing && replacing.every((path) => FOLLOWING.includes(path)))) return [];
      const effect =
        stored.type === PASSWORD
          ? "would get a new password, which the database does not get"
          : `would be replaced by ${OF_ACCESS[stored.type] === undefined ? "an empty one" : "another one"}`;
      return [loss(stored, `${effect}, because of ${replacing.join(", ")}`, "undo that change")];
    });
}

const loss = (stored: Stored, effect: string, remedy: string): Change => {
  const place = placeOf(stored);
  if (place !== null) return toChange("lost", place, `its secret ${effect}`, remedy);
  if (stored.type === INSTANCE) return toChange("lost", `instances.${instanceOf(stored)}`, effect, remedy);
  const what = OF_ACCESS[stored.type];
  return what === undefined
    ? toChange("lost", nameOf(stored), effect, remedy)
    : toChange("lost", "gcp.privateServicesAccess", `${what} ${effect}`, remedy);
};

/** Names of the parts of private services access. */
const OF_ACCESS: Readonly<Record<string, string>> = {
  "gcp:compute/globalAddress:GlobalAddress": "the range of addresses",
  "gcp:servicenetworking/connection:Connection": "the peering",
};

/** Resources whose deletion loses nothing: a replica, its name, and resources that stay in the cloud. */
const isExpendable = (stored: Stored): boolean =>
  stored.retainOnDelete || isReplica(stored) || isReaderHostName(String(stored.inputs.name));

/** Type and name, in readable form. */
const nameOf = ({ urn }: Pick<Stored, "urn">): string => `${urn.split("::")[2]?.split(":").at(-1)} ${urn.split("::").at(-1)}`;

/** Returns the spec's path of the platform or instance to which a secret belongs: `ENVIRONMENT--PLATFORM`, `ENVIRONMENT--INSTANCE--master`. */
function placeOf({ type, urn }: Pick<Stored, "type" | "urn">): string | null {
  if (![SECRET, VERSION, PASSWORD].includes(type)) return null;
  const [, name, master] = (urn.split("::").at(-1) ?? "").split("--");
  if (name === undefined) return null;
  return master === undefined ? `platforms.${name}` : `instances.${name}`;
}

const platformOf = (stored: Pick<Stored, "type" | "urn">): string | null => {
  const place = placeOf(stored);
  return place?.startsWith("platforms.") ? place : null;
};

/** Platforms that are added or removed, by their secrets. */
function findPlatforms(before: Before, after: After): readonly Change[] {
  const namesIn = (resources: readonly Pick<Stored, "type" | "urn">[]) => [
    ...new Set(resources.filter(({ type }) => type === SECRET).flatMap((each) => platformOf(each) ?? [])),
  ];
  const [had, has] = [namesIn(before), namesIn(after)];
  return [
    ...had
      .filter((path) => !has.includes(path))
      .map((path) =>
        toChange("lost", path, "its secret would be deleted; its databases would stay, but would no longer be managed", keep(path)),
      ),
    ...has.filter((path) => !had.includes(path)).map((path) => toChange("other", path, "gets its databases, its logins and its secret")),
  ];
}

/** Releases that are removed, stay without an owner, or get another version of their chart. */
function findReleases(before: Before, after: After): readonly Change[] {
  return before
    .filter(({ type }) => type === RELEASE)
    .flatMap((stored) => {
      const next = after.find(({ urn }) => urn === stored.urn);
      const path = `release ${stored.inputs.namespace}/${stored.inputs.name}`;
      if (next === undefined)
        return [
          stored.retainOnDelete
            ? toChange("other", path, "would stay in the cluster, and this project would no longer upgrade it", "name a new owner")
            : toChange("outage", path, "would be uninstalled, and its pods stopped; its databases and its secret stay"),
        ];
      const [had, has] = [stored.inputs.version, next.inputs.version].map((version) => (typeof version === "string" ? version : null));
      return had === has
        ? []
        : [{ ...toChange("other", path, "the chart is upgraded, and its pods restart"), before: had ?? null, after: has ?? null }];
    });
}

/** The policy that protects the namespace of provisioning. */
const findGuards = (before: Before, after: After): readonly Change[] =>
  before.some(({ type }) => type === POLICY) && !after.some(({ type }) => type === POLICY)
    ? [
        toChange(
          "lost",
          "gcp.cluster.admissionPolicy",
          "the policy that protects the namespace of provisioning would be deleted",
          "keep it true, unless something else protects it",
        ),
      ]
    : [];

/** Changing the cluster replaces its provider, and with it everything in the cluster. */
function findCluster(before: Before, after: After): readonly Change[] {
  const clusterOf = (resources: readonly Pick<Stored, "type" | "inputs">[]): string | null => {
    const identifier = resources.find(({ type }) => type === CLUSTER)?.inputs.clusterIdentifier;
    return typeof identifier === "string" ? identifier : null;
  };
  const [had, has] = [clusterOf(before), clusterOf(after)];
  if (had === null || has === null || had === has) return [];
  const effect = "everything that this project installed would be deleted in the old cluster, and installed in the new one; databases stay";
  return [{ ...toChange("outage", "gcp.cluster", effect), before: had, after: has }];
}

/** Paths with a known value that differs from before. Values that the program does not set, such as names from Pulumi, stay. */
function changedPaths(before: Stored, after: Registration): readonly string[] {
  const had = groupPaths(before.inputs);
  const ignored = after.ignoreChanges;
  return [...groupPaths(after.inputs)]
    .filter(([path, value]) => !ignored.includes(path) && !/\[(unknown|secret)\]/.test(value) && had.get(path) !== value)
    .map(([path]) => path);
}

/** Added, removed and changed resources, line by line, without values that are secret or not known yet. */
export function toDetails(before: Before, after: After): readonly string[] {
  const isOwn = ({ type }: Pick<Stored, "type">) => !type.startsWith("pulumi:");
  const urns = [...new Set([...before, ...after].filter(isOwn).map(({ urn }) => urn))].sort();
  return urns.flatMap((urn) => {
    const [stored, next] = [before.find((each) => each.urn === urn), after.find((each) => each.urn === urn)];
    if (stored === undefined) return [`+ ${nameOf({ urn })}`];
    if (next === undefined) return [`- ${nameOf({ urn })}`];
    const [had, has] = [groupPaths(stored.inputs), groupPaths(next.inputs)];
    const paths = changedPaths(stored, next);
    return paths.length === 0
      ? []
      : [
          `  ${nameOf({ urn })}`,
          ...paths.map((path) => `    ${path}: ${shorten(had.get(path) ?? "nothing")} -> ${shorten(has.get(path) ?? "")}`),
        ];
  });
}

/** Most characters of a value to show. */
const LONGEST = 100;
const shorten = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text);

/** Values as texts by path; those of a list are joined. */
function groupPaths(inputs: unknown): ReadonlyMap<string, string> {
  const grouped = new Map<string, string>();
  for (const [path, value] of pathsOf(inputs)) {
    if (typeof value === "object" && value !== null) continue;
    grouped.set(path, [...(grouped.has(path) ? [grouped.get(path)] : []), String(value)].join(" "));
  }
  return grouped;
}

/** After changing these, the provider reads the instance before it sends the rest, and may lose the rest. */
const SENT_ALONE: Readonly<Record<string, readonly string[]>> = {
  databaseVersion: ["databaseVersion"],
  "settings.edition": ["settings.edition", "settings.tier"],
};

/** Instances that need a second run. */
export function findSecondRuns(environment: string, before: Before, after: After): readonly string[] {
  return after.flatMap((next) => {
    const stored = next.type === INSTANCE ? before.find(({ urn }) => urn === next.urn) : undefined;
    if (stored === undefined) return [];
    const changed = changedPaths(stored, next);
    const alone = Object.keys(SENT_ALONE).filter((path) => changed.includes(path));
    const sent = alone.length === 1 ? SENT_ALONE[alone[0] ?? ""] : undefined;
    const lost = changed.filter((path) => !(sent ?? alone).includes(path));
    return alone.length === 0 || lost.length === 0
      ? []
      : [
          `instances.${instanceOf(next)}: run ${pulumiCommand(["up"], environment)} a second time, because Google's provider may lose ${lost.join(", ")} in a run that changes ${alone.join(" and ")}`,
        ];
  });
}
