import { toCaConfigMap, toMigrateJob, toSecret } from "../../constructs/kubernetes/objects";
import { local } from "../../constructs/local/target";
import { SpecError } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import type { Platform, Platforms, Release } from "../../constructs/model/platform";
import { resolve } from "../../constructs/model/resolve";
import type { Environment } from "../../constructs/model/spec";
import { defineTarget, type Topology } from "../../constructs/model/target";
import { SIDECAR, type Wired, wirePlatforms } from "../../constructs/model/wire";
import { toProcessFiles } from "../../infra/output";
import { type Container, container, type Login, type Namespace, type Process, start } from "./process";

/** One platform with one chart, in one configuration. */
export interface ContractCase {
  readonly title: string;
  /** Key in the registry. */
  readonly name: string;
  /** What the spec calls it; as the registry does unless told. */
  readonly called?: string;
  readonly platforms: Platforms;
  /** What a person writes. */
  readonly settings: JsonObject;
  readonly acknowledge?: Readonly<Record<string, string>>;
  /** The containers that log in, given the release. */
  readonly containers: (release: Release) => readonly Container[];
  /** What a program logs in with, given what it finds at its start. */
  readonly login: (process: Process) => readonly Login[];
  /** The annotations of each workload that has to start again when the Secret changes. */
  readonly annotations: (release: Release) => readonly unknown[];
  /** The databases that a process on this machine has a file for; all unless told. */
  readonly localDatabases?: readonly string[];
}

/** The ways to a database: directly in both modes, through a proxy in the pod, and through one for all pods. */
const WAYS: readonly Topology[] = [
  { access: "direct", tls: "verify-full", caution: null },
  { access: "direct", tls: "verify-ca", caution: null },
  { access: "sidecar", tls: "proxy", caution: null },
  { access: "proxy", tls: "proxy", caution: null },
];
export const DIRECT = WAYS[0] as Topology;
export const PROXY = { name: SIDECAR, image: "proxy:1", restartPolicy: "Always" };
export const HOST = "db.example.internal";
const PORT = 5432;
export const CREDENTIAL = { username: "platform_a", password: "Canary-0123456789_~.@/%+" };
export const CA = "-----BEGIN CERTIFICATE-----\nAUTHORITY\n-----END CERTIFICATE-----\n";

/** What a person writes, with other settings. */
const specOf = ({ name, called = name, acknowledge = {} }: ContractCase, settings: JsonObject) => ({
  name: "contract",
  instances: { main: {} },
  acknowledge,
  platforms: { [called]: called === name ? settings : { ...settings, platform: name } },
});

const resolveCase = (each: ContractCase, topology: Topology): Environment =>
  resolve(specOf(each, each.settings) as never, {
    target: defineTarget({ ...local, topology: () => topology }),
    platforms: each.platforms,
  });

export const calledOf = ({ name, called = name }: ContractCase): string => called;

export const platformOf = ({ name, platforms }: ContractCase): Platform => platforms[name] as Platform;

/** Its settings, complete. */
export const settingsOf = (each: ContractCase): never => resolveCase(each, DIRECT).platforms[calledOf(each)]?.settings as never;

/** The ways that the platform can take. */
export const waysOf = (each: ContractCase): readonly Topology[] =>
  WAYS.filter((way) => way.access !== "sidecar" || platformOf(each).sidecarBeforeMigrations(settingsOf(each)));

export function wire(each: ContractCase, topology: Topology, host = HOST): Wired {
  const sidecar = topology.access === "sidecar" ? { ...PROXY, name: "any" } : null;
  const wired = wirePlatforms(resolveCase(each, topology), each.platforms, () => ({ host, port: PORT, sidecar }))[calledOf(each)];
  if (wired === undefined) throw new TypeError(`${each.name} was not wired`);
  return wired;
}

/** What resolve says to other settings. */
export function refusal(each: ContractCase, settings: JsonObject): string {
  try {
    resolve(specOf(each, settings) as never, { target: local, platforms: each.platforms });
    return "accepted";
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
}

/** What a platform has to log in with. */
export function expectedLogin({ connection }: Wired, { tls }: Topology): Omit<Login, "database" | "sslrootcert"> {
  return { host: connection.host, port: String(PORT), ...CREDENTIAL, sslmode: tls === "proxy" ? "disable" : tls };
}

/** The platform's own objects in its namespace. */
export function namespaceOf(wired: Wired): Namespace {
  const ca = toCaConfigMap(wired, CA);
  const { data = {} } = (ca ?? {}) as { data?: Record<string, string> };
  const name = wired.connection.tls.mode === "proxy" ? "none" : wired.connection.tls.ca.configMap;
  return {
    [`Secret/${wired.connection.secret}`]: toSecret(wired, CREDENTIAL, CA).stringData as Record<string, string>,
    [`ConfigMap/${name}`]: data,
  };
}

/** The containers of the Job that migrates by hand, in order. */
export function migrationContainers(wired: Wired): readonly Container[] {
  const job = toMigrateJob(wired) as Job | null;
  if (job === null) return [];
  const { containers, initContainers = [], volumes } = job.spec.template.spec;
  const all = [...initContainers, ...containers];
  return all.flatMap((each, index) =>
    each.restartPolicy === "Always"
      ? []
      : [
          container(each.name, {
            args: each.command,
            env: each.env,
            volumeMounts: each.volumeMounts,
            volumes,
            sidecarsBefore: all.slice(0, index).filter((before) => before.restartPolicy === "Always") as unknown as readonly JsonObject[],
          }),
        ],
  );
}

interface JobContainer extends Container {
  readonly command: readonly string[];
  readonly restartPolicy?: string;
}

interface Job {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly JobContainer[];
        readonly initContainers?: readonly JobContainer[];
        readonly volumes: readonly JsonObject[];
      };
    };
  };
}

/** Processes on this machine: with `platform.env`, and with each configuration file. */
export function localProcesses(wired: Wired): readonly Process[] {
  const values = { credential: CREDENTIAL, secret: namespaceOf(wired)[`Secret/${wired.connection.secret}`] ?? {}, caFile: "/out/ca.pem" };
  const written = toProcessFiles("it", wired.wiring, { ...values, directory: "/out/it" });
  const files = { "/out/ca.pem": CA, ...Object.fromEntries(written.map(({ path, content }) => [`/out/${path}`, content])) };
  const variables = written.find(({ path }) => path === "it/platform.env");
  const lines = (variables?.content.trim() ?? "").split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2));
  const byVariables = { args: [], env: Object.fromEntries(lines) as Record<string, string>, files };
  const byFile = written
    .filter(({ path }) => path.endsWith(".yaml"))
    .map(({ path }) => ({ args: ["--config", `/out/${path}`], env: {}, files }));
  return [...(variables === undefined ? [] : [byVariables]), ...byFile];
}

/** What a container logs in with. */
export const loginsOf = ({ login }: ContractCase, each: Container, wired: Wired): readonly Login[] =>
  login(start(each, namespaceOf(wired)));
