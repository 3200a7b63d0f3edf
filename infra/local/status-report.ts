import pc from "picocolors";
import { showBytes } from "../../constructs/model/parameter-values";
import type { PlatformStatus, ReplicaStatus, ServerStatus } from "../../constructs/provisioning/status";

/** An instance, and what was seen of it. */
export interface SeenInstance {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Connections that the environment counts on. */
  readonly maxConnections: number;
  readonly status: ServerStatus;
}

/** An environment on a page: each instance, and the platforms on it. @param now for durations. */
export const toStatusPage = (instances: readonly SeenInstance[], now: Date): string =>
  `${instances.map((instance) => toPage(instance, now)).join("\n\n")}\n`;

function toPage({ name, host, port, maxConnections, status }: SeenInstance, now: Date): string {
  const { version, startedAt, isStandby, bytes, connections, replicas, certificateEnd, platforms } = status;
  const rows: readonly (readonly [string, string])[] = [
    [
      "server",
      `PostgreSQL ${version} on ${host}:${port}, for ${durationOf(now.getTime() - startedAt.getTime())}${isStandby ? ", read-only" : ""}`,
    ],
    ["size", showBytes(bytes)],
    ["connections", toConnections(connections, maxConnections)],
    ["replicas", replicas.length === 0 ? "none" : replicas.map(toReplica).join("; ")],
    ["certificate", certificateEnd === null ? "the proxy's" : `until ${certificateEnd.toISOString().slice(0, 10)}`],
  ];
  const own = Object.entries(platforms).map(([platform, its]) => toPlatform(platform, its));
  return [pc.bold(`instance ${name}`), ...indented(rows), ...own].join("\n");
}

const indented = (rows: readonly (readonly [string, string])[], by = "  "): readonly string[] => {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${by}${label.padEnd(width)}  ${value}`);
};

const toConnections = ({ max, used }: ServerStatus["connections"], expected: number): string =>
  `${used} of ${max} in use${max === expected ? "" : pc.yellow(`, the environment counts on ${expected}`)}`;

const toReplica = ({ name, state, lagSeconds }: ReplicaStatus): string => {
  const lag = lagSeconds === null ? "" : `, ${lagSeconds.toFixed(1)} s behind`;
  return `${name}: ${state ?? "state not visible"}${lag}`;
};

function toPlatform(name: string, { connections, bytes, login, migrations }: PlatformStatus): string {
  const { used, active, limit } = connections;
  const rows: readonly (readonly [string, string])[] = [
    ["connections", `${used} of at most ${limit}${active === null ? "" : `, ${active} active`}`],
    ["login", login ?? "none that can be read"],
    ["size", bytes === null ? "not visible" : showBytes(bytes)],
    ...migrations.map((sentence, index) => [index === 0 ? "migrations" : "", sentence] as const),
  ];
  return [`  ${pc.bold(name)}`, ...indented(rows, "    ")].join("\n");
}

const UNITS = [
  ["day", 86_400_000],
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
