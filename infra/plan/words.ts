import { type Change, isDanger, LEVELS, type Level } from "./change";
import type { Cost } from "./cost-report";
import type { ConnectionsReport, InstanceReport, PlanReport, PlatformReport } from "./report";

/** Words that all formats of a plan share. */

export const CLOUD_NAMES: Readonly<Record<string, string>> = { aws: "AWS", gcp: "Google Cloud" };

/** What each level means, as a heading. */
export const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  lost: "would be lost",
  refused: "would be refused",
  outage: "would interrupt",
  cost: "would cost or save",
  other: "would also change",
};

/** The meaning of each level in one word. */
export const LEVEL_BADGES: Readonly<Record<Level, string>> = {
  lost: "lost",
  refused: "refused",
  outage: "outage",
  cost: "cost",
  other: "changes",
};

/** The worst effect on each instance and platform, by `instances.NAME` and `platforms.NAME`. */
export function worstBySubject(changes: readonly Change[]): ReadonlyMap<string, Level> {
  const levels = new Map<string, Level>();
  for (const { path, level } of changes) {
    const [, kind, name] = /(?:^|\.)(instances|platforms)\.([^.]+)/.exec(path) ?? [];
    const known = levels.get(`${kind}.${name}`);
    if (known === undefined || LEVELS.indexOf(level) < LEVELS.indexOf(known)) levels.set(`${kind}.${name}`, level);
  }
  return levels;
}

/** A number with a noun. */
export const count = (number: number, one: string, more = `${one}s`): string => `${grouped(number)} ${number === 1 ? one : more}`;

/** A number with thousands separators. */
export const grouped = (value: number): string => value.toLocaleString("en-US");

export const usd = (value: number): string => `$${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

export const placeOf = ({ cloud, region, account }: Pick<PlanReport, "cloud" | "region" | "account">): string =>
  `${CLOUD_NAMES[cloud] ?? cloud}, ${region}${account === null ? "" : `, ${cloud === "gcp" ? "project" : "account"} ${account}`}`;

export function sizeOf({ server, existing }: InstanceReport): string {
  if (server === null) return `the existing database ${existing}`;
  const { name, vcpus, memoryGib } = server.size;
  return `${name} (${vcpus} vCPU${vcpus === 1 ? "" : "s"}, ${memoryGib} GiB)`;
}

export function availabilityOf({ standby, readReplicas }: InstanceReport): string {
  const replicas = readReplicas === 0 ? "" : `, ${readReplicas === 1 ? "a read replica" : `${readReplicas} read replicas`}`;
  return `${standby ? "a standby in a second zone" : "one zone, no standby"}${replicas}`;
}

export function diskOf({ server }: InstanceReport): string {
  if (server === null) return "";
  const { type, gib, ceilingGib, iops, throughputMibps } = server.disk;
  const performance = [
    iops === null ? [] : `${grouped(iops)} IOPS`,
    throughputMibps === null ? [] : `${grouped(throughputMibps)} MiB/s`,
  ].flat();
  return [
    `${grouped(gib)} GiB ${type}`,
    ceilingGib === null ? "does not grow automatically" : `grows automatically to ${grouped(ceilingGib)} GiB`,
    ...performance,
  ].join(", ");
}

export function backupsOf({ backups: { days, window, copies }, server }: InstanceReport): string {
  if (server === null) return "";
  if (days === 0) return "none";
  const recovery =
    server.recoveryDays === 0
      ? "only restored to the time of a backup"
      : `restored to any moment of the last ${dayCount(server.recoveryDays)}`;
  return `kept for ${dayCount(days)}, taken at ${window} UTC, ${recovery}${copies === null ? "" : `, copied to ${copies}`}`;
}

const dayCount = (days: number): string => (days === 1 ? "day" : `${days} days`);

export const endpointOf = ({ server, existing }: InstanceReport): string =>
  server === null ? (existing ?? "") : (server.endpoint ?? "chosen by RDS when it is created");

export const usedBy = ({ platforms }: ConnectionsReport): number => Object.values(platforms).reduce((sum, each) => sum + each, 0);

export const connectionsOf = (connections: ConnectionsReport): string =>
  `${grouped(connections.max)} = ${grouped(usedBy(connections))} for platforms + ${connections.reserved} reserved + ${grouped(connections.free)} free`;

/** How a platform's pods reach the database. */
export function accessOf({ access, tls }: Pick<PlatformReport, "access" | "tls">): string {
  if (access === "sidecar") return "Auth Proxy beside it";
  return access === "proxy" ? "Auth Proxy for all its pods" : `TLS, ${tls}`;
}

export const chartOf = ({ chart }: PlatformReport): string => (chart === null ? "" : `${chart.name} ${chart.version}`);

/** A platform's share of its instance's connections, in percent. */
export const shareOf = ({ connections }: PlatformReport, max: number): string => percentOf(connections, max);

export function percentOf(part: number, whole: number): string {
  const percent = Math.round((part / whole) * 100);
  return percent === 0 && part > 0 ? "< 1 %" : `${percent} %`;
}

type Lines = readonly (readonly [word: string, value: string])[];

/** What a deployment creates for an instance, in addition to its size: lines of a label and a value. */
export const createdOf = (instance: InstanceReport): Lines =>
  instance.server === null
    ? []
    : [
        ["disk", diskOf(instance)],
        ["availability", availabilityOf(instance)],
        ["backups", backupsOf(instance)],
        ["maintenance", `${instance.maintenanceWindow} UTC`],
        ["endpoint", endpointOf(instance)],
        ["encryption", instance.server.key],
        ["guards", instance.server.guards.join("; ")],
      ];

/** An instance as lines of a label and a value. */
export function sheetOf(instance: InstanceReport): Lines {
  const { connections, readerConnections } = instance;
  const ofReplica: Lines = readerConnections === null ? [] : [["of replica", connectionsOf(readerConnections)]];
  return [["size", sizeOf(instance)], ...createdOf(instance), ["connections", connectionsOf(connections)], ...ofReplica];
}

/** The result of a plan, in a sentence. */
export function verdictOf({ compared, changes, details, isDangerous }: PlanReport): string {
  if (compared === null) return "Nothing was compared.";
  if (changes.length === 0)
    return details.length === 0
      ? `Nothing in ${compared.join(", ")} changes.`
      : `Nothing in ${compared.join(", ")} is lost, refused or interrupted; only properties of resources change.`;
  const dangers = changes.filter(isDanger).length;
  return isDangerous
    ? `${dangers} of ${count(changes.length, "change")} would be lost or refused.`
    : `${count(changes.length, "change")}; nothing in ${compared.join(", ")} is lost or refused.`;
}

export function unknownOf({ parts }: Cost): string {
  const unknown = parts.filter((part) => part.usd === null).length;
  return unknown === 0 ? "" : `without ${count(unknown, "part")} whose price is unknown`;
}

/** Whether the prices of all parts are known. */
export const isKnown = (cost: Cost): boolean => unknownOf(cost) === "";

/** Identifies a part before and after. */
const partKey = ({ instance, part }: Cost["parts"][number]): string => `${instance} ${part}`;

/** Parts that the other side lacks. */
export function partsOnlyIn(cost: Cost, other: Cost): Cost["parts"] {
  const known = new Set(other.parts.map(partKey));
  return cost.parts.filter((part) => !known.has(partKey(part)));
}

/** Changed parts whose price is unknown: a difference without them would mislead. */
export const unknownChanges = (before: Cost, after: Cost): number =>
  [...partsOnlyIn(before, after), ...partsOnlyIn(after, before)].filter((part) => part.usd === null).length;

export function differenceOf(before: Cost, after: Cost): string {
  const unknown = unknownChanges(before, after);
  if (unknown > 0)
    return `the difference is unknown, because ${count(unknown, "changed part")} ${unknown === 1 ? "has" : "have"} no known price`;
  const difference = after.usd - before.usd;
  return difference === 0
    ? `as much as before: ${usd(before.usd)}`
    : `${difference > 0 ? "more" : "less"} than before by ${usd(Math.abs(difference))}: ${usd(before.usd)} -> ${usd(after.usd)}`;
}
