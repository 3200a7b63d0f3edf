import pc from "picocolors";
import { showBytes } from "../../constructs/model/parameter-values";
import type { PlatformStatus, ReplicaStatus, ServerStatus } from "../../constructs/provisioning/status";
import type { Backups, CloudView, Machine } from "../cloud-instance";
import { terminalColumns, wrap } from "../table";

/** An instance and its state. */
export interface SeenInstance {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `max_connections` that the environment expects. */
  readonly maxConnections: number;
  readonly status: ServerStatus;
  /** Its cloud's description; null if it is not on a cloud. */
  readonly view: CloudView | null;
  /** Whether it runs on this machine for this project. */
  readonly isHere: boolean;
}

/** How the passwords of an environment are rotated. */
export interface Rotation {
  /** Days between two rotations; null if nothing rotates them. */
  readonly days: number | null;
  /** The command that rotates a platform's password. */
  command(platform: string): string;
}

/** Options of the page. */
interface PageOptions {
  readonly rotation: Rotation;
  /** The current time, for durations. */
  readonly now: Date;
  /** Characters of a line; null for no limit. */
  readonly columns?: number | null;
}

/** A command stands on its own unwrapped line, so that it can be pasted. */
type Rows = readonly (readonly [label: string, value: string, command?: string])[];

/** Returns an environment's page: each instance, and the platforms on it. */
export const toStatusPage = (instances: readonly SeenInstance[], { columns = terminalColumns(), ...options }: PageOptions): string =>
  `${instances.map((instance) => toPage(instance, { columns, ...options })).join("\n\n")}\n`;

function toPage({ name, host, port, maxConnections, status, view, isHere }: SeenInstance, options: Required<PageOptions>): string {
  const { now, columns } = options;
  const { version, startedAt, isStandby, bytes, connections, replicas, certificateEnd, platforms } = status;
  const rows: Rows = [
    ["server", `PostgreSQL ${version} on ${host}:${port}, for ${since(startedAt, now)}${isStandby ? ", read-only" : ""}`],
    ...(view === null
      ? []
      : [["machine", view.machine.problem === null ? toMachine(view.machine.value) : notVisible(view.machine.problem)] as const]),
    ["size", showBytes(bytes)],
    ["connections", toConnections(connections, maxConnections)],
    ["replicas", replicas.length === 0 ? "none" : replicas.map(toReplica).join("; ")],
    ["backups", toBackups(view, isHere, now)],
    ["certificate", certificateEnd === null ? "the proxy's" : `until ${toDay(certificateEnd)}`],
  ];
  const own = Object.entries(platforms).map(([platform, its]) => toPlatform(platform, its, options));
  return [pc.bold(`instance ${name}`), ...indented(rows, "  ", columns), ...own].join("\n");
}

function indented(rows: Rows, by: string, columns: number | null): readonly string[] {
  const width = Math.max(...rows.map(([label]) => label.length));
  const indent = " ".repeat(by.length + width + 2);
  return rows.flatMap(([label, value, command]) => [
    wrap(`${by}${label.padEnd(width)}  ${value}`, columns, indent),
    ...(command === undefined ? [] : [`${indent}${command}`]),
  ]);
}

const notVisible = (problem: string): string => pc.yellow(`not visible: ${problem}`);

function toMachine({ type, diskGib, state, isUsable, zone, standby }: Machine): string {
  const parts = [
    type,
    ...(diskGib === null ? [] : [`${diskGib} GiB`]),
    `${isUsable ? state : pc.yellow(state)}${zone === null ? "" : ` in ${zone}`}`,
    standby === null ? "no standby" : `standby${standby.zone === null ? "" : ` in ${standby.zone}`}`,
  ];
  return parts.join(", ");
}

function toBackups(view: CloudView | null, isHere: boolean, now: Date): string {
  if (view === null) return isHere ? "none on this machine" : "unknown: no cloud of this environment runs this database";
  const { value, problem } = view.backups;
  return problem === null ? toBackupSentence(value, now) : notVisible(problem);
}

function toBackupSentence({ areOn, days, kept, oldest, latest }: Backups, now: Date): string {
  if (!areOn) return pc.yellow("off: nothing can be restored");
  const logs = days === null ? "" : `, with logs of ${days} days`;
  const period = kept === null ? `kept for ${days ?? "an unknown number of"} days` : `${kept} are kept${logs}`;
  if (oldest === null || latest === null) return `${period}; ${pc.yellow("none is complete yet: nothing can be restored")}`;
  const [from, to] = [toMinute(oldest), `${toMinute(latest)} (${since(latest, now)} ago)`];
  return days === null
    ? `${period}; the oldest from ${from}, the newest from ${to}`
    : `${period}; any moment from ${from} to ${to} can be restored`;
}

const toDay = (date: Date): string => date.toISOString().slice(0, 10);

const toMinute = (date: Date): string => `${date.toISOString().slice(0, 16)}Z`;

const toConnections = ({ max, used }: ServerStatus["connections"], expected: number): string =>
  `${used} of ${max} in use${max === expected ? "" : pc.yellow(`, the environment expects ${expected}`)}`;

const toReplica = ({ name, state, lagSeconds }: ReplicaStatus): string => {
  const lag = lagSeconds === null ? "" : `, ${lagSeconds.toFixed(1)} s behind`;
  return `${name}: ${state ?? "state not visible"}${lag}`;
};

function toPlatform(name: string, its: PlatformStatus, options: Required<PageOptions>): string {
  const { connections, bytes, migrations } = its;
  const { used, active, limit } = connections;
  const rows: Rows = [
    ["connections", `${used} of at most ${limit}${active === null ? "" : `, ${active} active`}`],
    toLogin(name, its, options),
    ["size", bytes === null ? "not visible" : showBytes(bytes)],
    ...migrations.map((sentence, index) => [index === 0 ? "migrations" : "", sentence] as const),
  ];
  return [`  ${pc.bold(name)}`, ...indented(rows, "    ", options.columns)].join("\n");
}

const DAY = 86_400_000;
/** Days after which a due rotation is overdue: a login in use delays it by one day. */
const SLACK = 3;

function toLogin(platform: string, { login, passwordSince }: PlatformStatus, { now, rotation }: Required<PageOptions>): Rows[number] {
  if (login === null) return ["login", "not readable"];
  if (passwordSince === null) return ["login", login];
  const sentence = `${login}, since ${toDay(passwordSince)} (${since(passwordSince, now)})`;
  const { days } = rotation;
  if (days === null || now.getTime() - passwordSince.getTime() < (days + SLACK) * DAY) return ["login", sentence];
  const overdue = `rotation is overdue (due every ${days === 1 ? "day" : `${days} days`}); see its log, or run`;
  return ["login", `${sentence}: ${pc.yellow(overdue)}`, rotation.command(platform)];
}

const since = (moment: Date, now: Date): string => durationOf(now.getTime() - moment.getTime());

const UNITS = [
  ["day", DAY],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** A duration in its largest unit. @param ms milliseconds. */
export function durationOf(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms >= each) ?? ["second", 1_000];
  const count = Math.max(0, Math.floor(ms / size));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
