import { misfits, toViolations } from "./chart-values";
import { isNewer, isSupported } from "./chart-version";
import { type CommonFields, commonFields } from "./common-fields";
import { violation } from "./errors";
import { readFields, type Settings } from "./fields";
import { guardsOf } from "./guarded-values";
import { imageRules } from "./image-rules";
import {
  completeInstance,
  EXISTING_IS_NOT_CREATED,
  type InstanceSettings,
  instanceFields,
  isMaxConnections,
  MAX_CONNECTIONS,
  withoutEffect,
  writtenMaxConnections,
} from "./instance";
import { ownEntry } from "./json";
import { kubernetesRules } from "./kubernetes-values";
import { dangerRules } from "./parameter-dangers";
import { memoryRules } from "./parameter-memory";
import { replicationRules } from "./parameter-replication";
import { sessionRules } from "./parameter-sessions";
import { textRules } from "./parameter-texts";
import { timeoutRules } from "./parameter-timeouts";
import { type Chart, NO_CHART, type Platform, type PlatformRule } from "./platform";
import { checkEach, checkItems } from "./rule";
import { serverRules } from "./server-rules";
import type { InstanceRule } from "./target";
import { ifReadable } from "./unreadable";
import { nameRule, valueRules } from "./value-rules";
import { collision } from "./values";

const PARAMETERS_PAGE = "https://www.postgresql.org/docs/17/runtime-config.html";

/** Parameters that decide whether TLS, authentication, the owner role or the network access hold. */
const OWNED_PARAMETERS: readonly string[] = [
  "ssl",
  "ssl_ca_file",
  "ssl_cert_file",
  "ssl_key_file",
  "password_encryption",
  "hba_file",
  "ident_file",
  "data_directory",
  "config_file",
  "listen_addresses",
  "port",
  "unix_socket_directories",
  "role",
  "session_authorization",
  // The budget counts on a fixed reserve.
  "superuser_reserved_connections",
  "reserved_connections",
];

/** Why a parameter that this project sets is refused. */
export const IS_OWNED = "is set by this project, because access and encryption depend on it";

/** Whether a parameter is refused or checked on every target, so that a target need not. */
export const isCheckedEverywhere = (name: string): boolean => name === "max_connections" || OWNED_PARAMETERS.includes(name);

/** Wider than any private network: RFC 1918 ends at /8, unique local IPv6 addresses begin at /7. */
const widest = (source: string): number => (source.includes(":") ? 7 : 8);
const isHuge = (source: string): boolean => Number(source.split("/")[1]) < widest(source);

const isWorld = (source: string): boolean => source.endsWith("/0");
const WAY_IN =
  "a database gets no public address: name the cluster's network here; people come through a VPN or a tunnel (--via localhost:5433)";

const DEFAULTS = completeInstance(
  readFields(instanceFields, {}, "", () => undefined),
  {},
);

/** What to do about a ceiling of storage autoscaling that is too low. */
export const RAISE_CEILING = "raise it, leave it out, or set null to turn autoscaling off";

/** Fields that describe a server to be made. */
const CREATED = (Object.keys(DEFAULTS) as (keyof InstanceSettings)[]).filter((key) => key !== "existing" && key !== "majorVersion");

/** Rules about one instance that hold on every target. */
export const instanceRules: readonly InstanceRule[] = [
  {
    id: "point-in-time-recovery-needs-backups",
    why: "Recovery to a moment replays WAL onto a backup, and without backups there is nothing to begin with.",
    source: "https://www.postgresql.org/docs/17/continuous-archiving.html",
    date: "2026-11-21",
    severity: "error",
    check: (instance, path) =>
      instance.pointInTimeRecovery && instance.backupRetentionDays === 0
        ? [
            violation(
              `${path}.backupRetentionDays`,
              "must be at least 1 with pointInTimeRecovery",
              0,
              "keep backups for 1 to 35 days, or set pointInTimeRecovery to false",
            ),
          ]
        : [],
    passing: { pointInTimeRecovery: false, backupRetentionDays: 0 },
    failing: { backupRetentionDays: 0 },
  },
  {
    id: "storage-ceiling-above-storage",
    why: "Both clouds reject a ceiling below the disk when they create the instance.",
    source: "https://cloud.google.com/sql/docs/postgres/instance-settings",
    date: "2026-11-30",
    severity: "error",
    check: ({ storageGib, maxStorageGib }, path) =>
      maxStorageGib !== null && maxStorageGib < storageGib
        ? [violation(`${path}.maxStorageGib`, `must be at least storageGib (${storageGib})`, maxStorageGib, RAISE_CEILING)]
        : [],
    passing: { storageGib: 100, maxStorageGib: 105 },
    failing: { storageGib: 100, maxStorageGib: 99 },
  },
  {
    id: "parameter-is-owned",
    why: "Another value opens the server without TLS, lets roles in with weak passwords, or uses up connections that the budget counts on.",
    source: PARAMETERS_PAGE,
    date: "2026-11-21",
    severity: "error",
    check: ({ parameters }, path) =>
      checkEach(parameters, (value, name) =>
        OWNED_PARAMETERS.includes(name) ? [violation(`${path}.parameters.${name}`, IS_OWNED, value, "remove it")] : [],
      ),
    passing: { parameters: { work_mem: "16MB" } },
    failing: { parameters: { ssl: "off" } },
  },
  {
    id: "max-connections-is-a-number",
    why: "The budget of connections needs a number, and a formula gives one only on RDS.",
    source: "https://www.postgresql.org/docs/17/runtime-config-connection.html#GUC-MAX-CONNECTIONS",
    date: "2026-11-21",
    severity: "error",
    check: (instance, path) => {
      const written = writtenMaxConnections(instance);
      const { min, max } = MAX_CONNECTIONS;
      return written === null || isMaxConnections(written)
        ? []
        : [
            violation(
              `${path}.parameters.max_connections`,
              `must be a whole number from ${min} to ${max}`,
              instance.parameters.max_connections,
            ),
          ];
    },
    passing: { parameters: { max_connections: 200 } },
    failing: { parameters: { max_connections: "LEAST(DBInstanceClassMemory/9531392,5000)" } },
  },
  {
    id: "never-the-whole-world",
    why: "Everyone who scans the internet can try passwords on the database.",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_BestPractices.Security.html",
    date: "2026-11-21",
    severity: "error",
    check: ({ allowedSources }, path) =>
      checkItems(allowedSources, (source, index) =>
        isHuge(source)
          ? [
              violation(
                `${path}.allowedSources[${index}]`,
                isWorld(source) ? "is the whole internet" : `is wider than any private network (/${widest(source)})`,
                source,
                isWorld(source) ? WAY_IN : "name the cluster's network",
              ),
            ]
          : [],
      ),
    passing: { allowedSources: ["10.0.0.0/8"] },
    failing: { allowedSources: ["128.0.0.0/1"] },
  },
  {
    id: EXISTING_IS_NOT_CREATED,
    why: "The server keeps its own settings, whatever the spec says.",
    source: "https://www.postgresql.org/docs/17/manage-ag-overview.html",
    date: "2026-11-21",
    severity: "warning",
    check: (instance, path) =>
      instance.existing === null
        ? []
        : CREATED.filter((key) => ifReadable(() => JSON.stringify(instance[key]) !== JSON.stringify(DEFAULTS[key]), false)).map((key) =>
            withoutEffect(`${path}.${key}`),
          ),
    passing: { existing: { host: "db", masterSecret: "master" } },
    failing: { existing: { host: "db", masterSecret: "master" }, readReplicas: 1 },
  },
  ...serverRules,
  ...textRules,
  ...timeoutRules,
  ...sessionRules,
  ...dangerRules,
  ...memoryRules,
  ...replicationRules,
];

/** Every rule about a platform: its own, and those that follow from its data. */
export function platformRules(kind: string, platform: Platform): readonly PlatformRule[] {
  const ofChart =
    platform.chart === NO_CHART
      ? [noChartRule(kind, platform)]
      : [
          chartSupportRule(kind, platform),
          chartVersionRule(kind, platform),
          ...chartValuesRule(kind, platform),
          ...valueRules(kind, platform),
          ...kubernetesRules(kind),
        ];
  return [...platform.rules, ...ofChart, imageRule(kind, platform), ...imageRules(kind, platform), extensionRule(kind), nameRule(kind)];
}

const defaultsOf = (name: string, platform: Platform): Settings<CommonFields> =>
  readFields({ ...commonFields(name), ...platform.fields }, {}, "", () => undefined) as Settings<CommonFields>;

/** Only for a platform that a chart installs, in each of its settings. */
function chartOf(platform: Platform, settings: Settings<CommonFields>): Chart {
  const chart = platform.chart(settings);
  if (chart === null) throw new TypeError(`${platform.title} has no chart`);
  return chart;
}

/** Settings of a chart, for a platform without one. */
function noChartRule(name: string, platform: Platform): PlatformRule {
  return {
    id: `${name}-has-no-chart`,
    why: "The setting would change nothing, because nothing is installed from a chart.",
    source: "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/",
    date: "2026-11-30",
    severity: "error",
    check: ({ chartVersion, replicas }, path) => [
      ...(chartVersion === ""
        ? []
        : [violation(`${path}.chartVersion`, `is not supported, ${platform.title} has no chart`, chartVersion, "remove it")]),
      ...(replicas === 1
        ? []
        : [
            violation(
              `${path}.replicas`,
              "has no effect, the Deployment is not created here",
              replicas,
              "remove it; connections counts all pods",
            ),
          ]),
    ],
    passing: {},
    failing: { replicas: 3 },
  };
}

/** What is known to have other keys, or not to work at all. */
function chartSupportRule(name: string, platform: Platform): PlatformRule {
  return {
    id: `${name}-chart-supported`,
    why: "Another generation of the chart has other keys: the database settings would be ignored, or the release would fail.",
    source: "https://helm.sh/docs/helm/helm_install/",
    date: "2026-11-21",
    severity: "error",
    check: (settings, path) => {
      const chart = chartOf(platform, settings);
      const { supported, verified } = chart;
      return isSupported(settings.chartVersion, chart)
        ? []
        : [
            violation(
              `${path}.chartVersion`,
              `must be ${supported.form}`,
              settings.chartVersion,
              `use ${verified[0].version}, the newest verified`,
            ),
          ];
    },
    passing: {},
    failing: { chartVersion: "0.0.1" },
  };
}

/** Keys differ between versions of a chart, and a wrong key can put a password into a ConfigMap. */
function chartVersionRule(name: string, platform: Platform): PlatformRule {
  return {
    id: `${name}-chart-version`,
    why: "Keys differ between versions of a chart, and a wrong key can put a password into a ConfigMap.",
    source: "https://helm.sh/docs/helm/helm_install/",
    date: "2026-11-21",
    severity: "acknowledge",
    check: (settings, path) => {
      const chart = chartOf(platform, settings);
      const versions = chart.verified.map(({ version }) => version);
      return versions.includes(settings.chartVersion) || !isSupported(settings.chartVersion, chart)
        ? []
        : [
            violation(
              `${path}.chartVersion`,
              isNewer(settings.chartVersion, chart.verified[0].version)
                ? `is newer than ${versions[0]}, the newest version of ${chart.name} that was verified`
                : `is not verified for ${chart.name}`,
              settings.chartVersion,
              `use ${versions.join(" or ")}, or read its values and check that no key moved`,
            ),
          ];
    },
    passing: {},
    get failing() {
      return { chartVersion: chartOf(platform, defaultsOf(name, platform)).supported.unverified };
    },
  };
}

/** Helm takes any key, unless the chart has a schema: a mistyped one installs the default. */
function chartValuesRule(name: string, platform: Platform): readonly PlatformRule[] {
  const { verified, name: chart } = chartOf(platform, defaultsOf(name, platform));
  if (Object.keys(verified[0].keys).length === 0) return [];
  const { keys: isRejected } = verified[0].rejects;
  return [
    {
      id: `${name}-chart-values`,
      why: "Helm ignores a key that the chart does not read, unless the chart has a schema, and installs the default.",
      source: "https://helm.sh/docs/topics/charts/#schema-files",
      date: "2026-11-30",
      severity: isRejected ? "error" : "acknowledge",
      check: (settings, path) => {
        const facts = chartOf(platform, settings).verified.find(({ version }) => version === settings.chartVersion);
        if (facts === undefined) return [];
        const guarded = guardsOf(platform, settings).map(([own]) => own);
        const found = misfits(settings.values, facts).filter((each) => collision(each.path, guarded) === null);
        return toViolations(found, path);
      },
      passing: {},
      failing: { values: { [`${chart}-without-such-a-value`]: true } },
    },
  ];
}

/** Extensions by the names of their projects. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  pgvector: "vector",
  pgcron: "pg_cron",
  uuid: "uuid-ossp",
  trgm: "pg_trgm",
  pgtrgm: "pg_trgm",
};

function extensionRule(name: string): PlatformRule {
  return {
    id: `${name}-extension-names`,
    why: "CREATE EXTENSION fails under this name, and the platform is not provisioned.",
    source: "https://www.postgresql.org/docs/17/sql-createextension.html",
    date: "2026-11-30",
    severity: "error",
    check: ({ databases }, path) =>
      checkEach(databases, ({ extensions }, key) =>
        checkItems(extensions, (extension, index) => {
          const name = ownEntry(EXTENSIONS, extension);
          const at = `${path}.databases.${key}.extensions[${index}]`;
          return name === undefined ? [] : [violation(at, "is not the name that create extension takes", extension, `write "${name}"`)];
        }),
      ),
    passing: { databases: { main: { extensions: ["vector"] } } },
    failing: { databases: { main: { extensions: ["pgvector"] } } },
  };
}

function imageRule(name: string, platform: Platform): PlatformRule {
  return {
    id: `${name}-image-container`,
    why: "The image would be replaced nowhere, and the pods would run the chart's own.",
    source: "https://kubernetes.io/docs/concepts/containers/images/",
    date: "2026-11-21",
    severity: "error",
    check: (settings, path) => {
      const containers = platform.images(settings);
      return Object.keys(settings.images)
        .filter((container) => !containers.includes(container))
        .map((container) =>
          containers.length === 0
            ? violation(
                `${path}.images.${container}`,
                `is not supported, no image of ${platform.title} can be replaced`,
                container,
                "remove it",
              )
            : violation(`${path}.images.${container}`, `must name one of ${containers.join(", ")}`, container),
        );
    },
    passing: { images: {} },
    failing: { images: { "no-such-container": "registry.example/image:1" } },
  };
}
