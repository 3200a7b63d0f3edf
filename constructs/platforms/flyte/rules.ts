import { violation } from "../../model/errors";
import type { PlatformRule } from "../../model/platform";
import { atValue, isNamed, leafPaths, type Path, scalarAt } from "../../model/values";
import { type Edition, editionOf, type FlyteFields } from "./settings";

const SOURCE = "https://github.com/flyteorg/flyte/tree/master/charts";

/** Parts of a chart's values that become files of Flyte's configuration; `*` is any key except `db`, which nothing reads. */
const FILES: readonly (readonly string[])[] = [
  ["configuration", "inline"],
  ["flyte-core-components"],
  ["configmap", "*"],
  ["workflow_scheduler", "config"],
  ["cluster_resource_manager", "config"],
];

/** Returns the path in Flyte's configuration: Flyte ignores case in keys, and splits them at dots. */
function configurationKeys(path: Path): readonly string[] {
  const keys = path.map((step) => (isNamed(step) ? "" : step.toLowerCase()));
  const file = FILES.find((steps) => steps.every((step, index) => (step === "*" ? keys[index] !== "db" : keys[index] === step)));
  return file === undefined ? [] : keys.slice(file.length).flatMap((key) => key.split("."));
}

/** Whether Flyte would read a value as part of its connection. */
function isConnection(path: Path): boolean {
  const [first = "", second = ""] = configurationKeys(path);
  return /^(database|sqlite)\b/.test(first === "runs" ? second : first);
}

/** Whether the chart's guards already report it. */
const isGuarded = ([top, inline, ...keys]: Path): boolean =>
  top === "configuration" && inline === "inline" && (keys[0] === "runs" ? keys[1] : keys[0]) === "database";

/** Stores that the flyte-binary charts know; flyte-core has another name for the setting. */
const PROVIDERS: Readonly<Partial<Record<Edition, readonly unknown[]>>> = {
  "binary-2": ["s3", "azure", "gcs"],
  "binary-1": ["s3", "gcs"],
};

/** Of Flyte's durations, in seconds. */
const SECONDS = { s: 1, m: 60, h: 3_600 } as const;
const LIFE = "use 30m, or Flyte's own default of 1h";

export const flyteRules: readonly PlatformRule<FlyteFields>[] = [
  {
    id: "flyte-core-is-flyte-1",
    why: "Helm does not find the chart: flyte-core was last released for Flyte 1.",
    source: SOURCE,
    date: "2026-11-30",
    severity: "error",
    check: ({ chart, chartVersion }, path) =>
      chart === "flyte-core" && /^v?([2-9]|[1-9]\d+)\./.test(chartVersion)
        ? [
            violation(
              `${path}.chartVersion`,
              "must be a Flyte 1 version with flyte-core, because Flyte 2 has no such chart",
              chartVersion,
              'use v1.16.8, or chart: "flyte-binary"',
            ),
          ]
        : [],
    passing: { chart: "flyte-core", chartVersion: "v1.16.8" },
    failing: { chart: "flyte-core", chartVersion: "v2.0.42" },
  },
  {
    id: "flyte-binary-is-one-pod",
    why: "The chart has no setting for replicas, so this one would be ignored.",
    source: SOURCE,
    date: "2026-11-21",
    severity: "error",
    check: ({ chart, replicas }, path) =>
      chart === "flyte-binary" && replicas > 1
        ? [violation(`${path}.replicas`, "must be 1 with flyte-binary, which runs one pod", replicas, 'set 1, or chart: "flyte-core"')]
        : [],
    passing: { chart: "flyte-core", replicas: 2 },
    failing: { replicas: 2 },
  },
  {
    id: "flyte-scheduler-is-of-core",
    why: "The flyte-binary chart has no separate scheduler, so the setting would be ignored.",
    source: SOURCE,
    date: "2026-11-21",
    severity: "error",
    check: ({ chart, scheduler }, path) =>
      chart === "flyte-binary" && scheduler
        ? [violation(`${path}.scheduler`, "is a setting for flyte-core only", scheduler, "remove it; flyte-binary includes the scheduler")]
        : [],
    passing: { chart: "flyte-core", scheduler: true },
    failing: { scheduler: true },
  },
  {
    id: "flyte-scheduler-image-needs-the-scheduler",
    why: "The chart starts no pod with this image unless `scheduler` is true.",
    source: SOURCE,
    date: "2026-11-30",
    severity: "error",
    check: ({ chart, scheduler, images }, path) =>
      chart === "flyte-core" && !scheduler && images.flytescheduler !== undefined
        ? [violation(`${path}.images.flytescheduler`, "is used only with scheduler", images.flytescheduler, "set scheduler, or remove it")]
        : [],
    passing: { chart: "flyte-core", scheduler: true, images: { flytescheduler: "registry.example/flytescheduler:v1.16.8" } },
    failing: { chart: "flyte-core", images: { flytescheduler: "registry.example/flytescheduler:v1.16.8" } },
  },
  {
    id: "flyte-connections-last-minutes",
    why: "Below a minute, nearly every query waits for a new connection and its TLS handshake; above a day, connections stay on a server that has been replaced.",
    source: "https://go.dev/doc/database/manage-connections",
    date: "2026-11-30",
    severity: "warning",
    check: ({ connMaxLifeTime }, path) => {
      const seconds = Number.parseInt(connMaxLifeTime, 10) * SECONDS[connMaxLifeTime.at(-1) as keyof typeof SECONDS];
      const at = `${path}.connMaxLifeTime`;
      if (seconds < SECONDS.m) return [violation(at, "reopens every connection within a minute", connMaxLifeTime, LIFE)];
      return seconds > 24 * SECONDS.h ? [violation(at, "keeps connections for longer than a day", connMaxLifeTime, LIFE)] : [];
    },
    passing: { connMaxLifeTime: "1m" },
    failing: { connMaxLifeTime: "1s" },
  },
  {
    id: "flyte-2-needs-sessions",
    why: "Behind a pooler in transaction mode, Flyte 2 loses its notifications, and runs hang.",
    source: "https://www.pgbouncer.org/features.html",
    date: "2026-11-21",
    severity: "error",
    // It listens for notifications, which would be lost, and with simple_protocol it never opens its port.
    check: (settings, path) =>
      editionOf(settings) === "binary-2" && settings.transactionPooling
        ? [
            violation(
              `${path}.transactionPooling`,
              "must be false with Flyte 2, which loses its notifications behind such a pooler",
              true,
              "connect directly, or use a pooler in session mode",
            ),
          ]
        : [],
    passing: { chart: "flyte-core", transactionPooling: true },
    failing: { transactionPooling: true },
  },
  {
    id: "flyte-core-service-accounts-are-fixed",
    why: "The pods of flyte-core run as accounts that its chart names, so grants to another account never reach them.",
    source: SOURCE,
    date: "2026-11-21",
    severity: "error",
    check: ({ chart, serviceAccount }, path) =>
      chart === "flyte-core" && serviceAccount !== null
        ? [
            violation(
              `${path}.serviceAccount`,
              "must be null with flyte-core, whose pods run as flyteadmin, datacatalog and flytescheduler",
              serviceAccount,
              "remove it; annotate their service accounts in values (flyteadmin.serviceAccount.annotations)",
            ),
          ]
        : [],
    passing: { serviceAccount: "flyte" },
    failing: { chart: "flyte-core", serviceAccount: "flyte" },
  },
  {
    id: "flyte-database-is-configured-once",
    why: "Flyte accepts keys in any case and from any of its files, so such a value replaces the connection or writes a password into a ConfigMap.",
    source: SOURCE,
    date: "2026-11-21",
    severity: "error",
    check: ({ values }, path) =>
      leafPaths(values)
        .filter((own) => isConnection(own) && !isGuarded(own))
        .map((own) => atValue(path, own, "would be read as part of the connection", "remove it; the connection is already wired")),
    passing: { values: { configuration: { inline: { plugins: { k8s: { "default-cpus": "1" } } } } } },
    failing: { chart: "flyte-core", values: { configmap: { domain: { Database: { host: "other" } } } } },
  },
  {
    id: "flyte-configmap-db-is-read-nowhere",
    why: "The chart of flyte-core ignores the value, so it does not configure the database.",
    source: SOURCE,
    date: "2026-11-21",
    severity: "error",
    check: ({ chart, values }, path) => {
      if (chart !== "flyte-core") return [];
      const configmap = values.configmap as { readonly db?: unknown } | undefined;
      return configmap?.db === undefined
        ? []
        : [
            atValue(
              path,
              ["configmap", "db"],
              "is not read by the chart",
              "remove it; the connection is set in db.admin and db.datacatalog",
            ),
          ];
    },
    passing: { chart: "flyte-core", values: { configmap: { logger: { logger: { level: 4 } } } } },
    failing: { chart: "flyte-core", values: { configmap: { db: { database: { host: "db" } } } } },
  },
  {
    id: "flyte-storage-has-a-provider",
    why: "Helm cannot render the flyte-binary chart with another provider, and fails after the databases were created.",
    source: SOURCE,
    date: "2026-11-30",
    severity: "error",
    check: (settings, path) => {
      const known = PROVIDERS[editionOf(settings)];
      const written = scalarAt(settings.values, ["configuration", "storage", "provider"]);
      return known === undefined || written === undefined || written === null || known.includes(written)
        ? []
        : [atValue(path, ["configuration", "storage", "provider"], `must be one of ${known.join(", ")}`, "case matters")];
    },
    passing: { values: { configuration: { storage: { provider: "gcs" } } } },
    failing: { values: { configuration: { storage: { provider: "aws" } } } },
  },
];
