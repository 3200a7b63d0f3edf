import { violation } from "../model/errors";
import type { MajorVersion } from "../model/instance";
import { checkValue, findParameter, type ParameterValue, parameterNames } from "../model/parameters";
import { checkParameters, isOfModule, refuseUnknown } from "../model/rules/parameter-names";
import { type Advice, created, defineTarget, type InstanceRule } from "../model/target";
import { localParameterRules } from "./parameter-rules";

/** For superusers (PostgreSQL's own three), provisioning, `doctor`, and a person at a prompt. */
const RESERVED_CONNECTIONS = 8;

/** Connections per GiB of the size, about as many as the clouds set for small servers; and the most for one machine. */
const CONNECTIONS_PER_GIB = 25;
const MOST_CONNECTIONS = 500;

/** Modules whose parameters are all in the catalogue; PostgreSQL removes others with their prefix when it loads them. */
const KNOWN_MODULES: readonly string[] = ["auto_explain", "pg_prewarm", "pg_stat_statements", "plpgsql", "postgres_fdw"];

/** Checks a parameter like PostgreSQL, which accepts any name with a dot, because a module may read it. */
function checkParameter(name: string, value: ParameterValue, majorVersion: MajorVersion): Advice | null {
  const parameter = findParameter(name, majorVersion);
  if (parameter === null && name.includes(".") && !isOfModule(name, KNOWN_MODULES)) return null;
  if (parameter === null) return refuseUnknown(name, { kind: "a parameter", known: parameterNames, foreign: null }, majorVersion);
  const rule = checkValue(parameter, value);
  return rule === null ? null : { rule, remedy: "" };
}

const localRules: readonly InstanceRule[] = [
  created({
    id: "local-parameters-are-known",
    why: "PostgreSQL does not start with an unknown parameter, and reports it only after the data directory has been created.",
    source: "https://www.postgresql.org/docs/17/runtime-config.html",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) => checkParameters(instance, path, checkParameter),
    passing: { parameters: { work_mem: "16MB", "cloudsql.logical_decoding": "on" } },
    failing: { parameters: { wrok_mem: "16MB" } },
  }),
  ...localParameterRules,
  {
    id: "local-existing-needs-a-ca",
    why: "Without its certificate authority, a client cannot distinguish the server from another one at its address.",
    source: "https://www.postgresql.org/docs/17/libpq-ssl.html",
    date: "2026-11-21",
    severity: "error",
    check: ({ existing }, path) =>
      existing !== null && existing.ca === null
        ? [
            violation(
              `${path}.existing.ca`,
              "is required on this machine",
              null,
              "give the path of the server's CA, so that its certificate is verified",
            ),
          ]
        : [],
    passing: { existing: { host: "localhost", port: 5432, ca: "ca.pem", masterSecret: "master.json", maxConnections: 100 } },
    failing: { existing: { host: "localhost", port: 5432, ca: null, masterSecret: "master.json", maxConnections: 100 } },
  },
  {
    id: "local-shows-one-server",
    why: "Only one server runs on this machine, so failover and replicas cannot be tried here.",
    source: "https://www.postgresql.org/docs/17/high-availability.html",
    date: "2026-11-21",
    severity: "warning",
    check: ({ existing, highAvailability, readReplicas, backupReplication }, path) => {
      if (existing !== null) return [];
      const unseen = [
        highAvailability ? "highAvailability" : null,
        readReplicas > 0 ? "readReplicas" : null,
        backupReplication !== null ? "backupReplication" : null,
      ].filter((name) => name !== null);
      return unseen.map((name) => ({ path: `${path}.${name}`, rule: "has no effect on this machine", got: null, remedy: "" }));
    },
    passing: { highAvailability: false },
    failing: { highAvailability: true },
  },
];

const NOT_SHOWN = { rule: "has no effect on this machine", remedy: "processes on this machine connect directly" };

/** This machine: one PostgreSQL per instance, on loopback, always over verified TLS. */
export const local = defineTarget({
  name: "local",
  section: {},
  rules: localRules,
  wholeRules: [],
  reservedConnections: RESERVED_CONNECTIONS,
  maxConnections: ({ size }) => Math.min(Math.floor(size.memoryGib * CONNECTIONS_PER_GIB), MOST_CONNECTIONS),
  topology: (access) => ({
    access: "direct",
    tls: "verify-full",
    // A proxy in the spec is for pods.
    caution: access === "sidecar" || access === "proxy" ? NOT_SHOWN : null,
  }),
});
