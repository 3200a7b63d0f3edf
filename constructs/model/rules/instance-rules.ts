import { violation } from "../errors";
import { readFields } from "../fields";
import {
  completeInstance,
  EXISTING_IS_NOT_CREATED,
  type InstanceSettings,
  instanceFields,
  isMaxConnections,
  MAX_CONNECTIONS,
  withoutEffect,
  writtenMaxConnections,
} from "../instance";
import { checkEach } from "../rule";
import type { InstanceRule } from "../target";
import { ifReadable } from "../unreadable";
import { dangerRules } from "./parameter-dangers";
import { limitRules } from "./parameter-limits";
import { memoryRules } from "./parameter-memory";
import { replicationRules } from "./parameter-replication";
import { sessionRules } from "./parameter-sessions";
import { textRules } from "./parameter-texts";
import { timeoutRules } from "./parameter-timeouts";
import { unitRules } from "./parameter-units";
import { serverRules } from "./server-rules";

const PARAMETERS_PAGE = "https://www.postgresql.org/docs/17/runtime-config.html";

/** Parameters that TLS, authentication, the owner role or network access depend on. */
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
  // The budget relies on a fixed reserve.
  "superuser_reserved_connections",
  "reserved_connections",
];

/** Why a parameter that this project sets is rejected. */
export const IS_OWNED = "is set by this project, because access and encryption depend on it";

/** Whether a parameter is rejected or checked on every target, so that a target does not have to. */
export const isCheckedEverywhere = (name: string): boolean => name === "max_connections" || OWNED_PARAMETERS.includes(name);

const DEFAULTS = completeInstance(
  readFields(instanceFields, {}, "", () => undefined),
  {},
);

/** What to do about a ceiling of storage autoscaling that is too low. */
export const RAISE_CEILING = "raise it, leave it out, or set null to turn autoscaling off";

/** Fields that describe a server to create. */
const CREATED = (Object.keys(DEFAULTS) as (keyof InstanceSettings)[]).filter((key) => key !== "existing" && key !== "majorVersion");

/** Rules about one instance that apply on every target. */
export const instanceRules: readonly InstanceRule[] = [
  {
    id: "point-in-time-recovery-needs-backups",
    why: "Point-in-time recovery replays WAL onto a backup, so it needs at least one backup.",
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
    why: "Another value allows connections without TLS, weakens passwords, or uses connections that the budget relies on.",
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
    why: "The connection budget needs a number, and only RDS evaluates formulas.",
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
    id: EXISTING_IS_NOT_CREATED,
    why: "This project does not create this server, so it cannot change the server's settings.",
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
  ...unitRules,
  ...limitRules,
];
