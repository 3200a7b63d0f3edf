import { toCaConfigMap, toMigrateJob, toSecret } from "../../constructs/kubernetes/objects";
import { local } from "../../constructs/local/target";
import { SpecError } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import type { Platform, Platforms } from "../../constructs/model/platform";
import { resolve } from "../../constructs/model/resolve";
import type { Environment } from "../../constructs/model/spec";
import { defineTarget, type Topology } from "../../constructs/model/target";
import { SIDECAR, type Wired, wirePlatforms } from "../../constructs/model/wire";
import { readRelease } from "../../infra/charts/renderings";
import { type Container, receives, type Workload, workloadsOf } from "../../infra/charts/workloads";
import { toProcessFiles } from "../../infra/output";
import { type Login, type Namespace, type Process, start } from "./process";

/** One platform with one version of a chart, in one configuration. */
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
  /** Whether its instance has a replica, which it then reads from. */
  readonly reads?: boolean;
  /** What a program logs in with, given what it finds at its start. */
  readonly login: (process: Process) => readonly Login[];
  /** What its logins bound a dead connection by, each way once; nothing unless told, because the program does so itself. */
  readonly bounds?: readonly string[];
  /** Containers that get the Secret and never log in, and objects that name it, as `Role/NAME`; each with the reason. */
  readonly idle?: Readonly<Record<string, string>>;
  /** The workloads of a release; as `npm run charts` rendered it unless told. */
  readonly workloads?: (wired: Wired) => readonly Workload[];
  /** The databases that a process on this machine has a file for; all unless told. */
  readonly localDatabases?: readonly string[];
}

/** The same under a name that is not its kind's. Its chart takes the same values. */
export const calledOtherwise = ({
  title,
  name,
  platforms,
  settings,
  acknowledge = {},
  login,
  bounds = [""],
  idle = {},
  localDatabases,
}: ContractCase): ContractCase => ({
  title: `${title} by another name`,
  name,
  called: "research",
  platforms,
  settings,
  acknowledge,
  login,
  bounds,
  idle,
  ...(localDatabases === undefined ? {} : { localDatabases: ["research_pipelines"] }),
});

/** The ways to a database: directly in both modes, through a proxy in the pod, and through one for all pods. */
const WAYS: readonly Topology[] = [
  { access: "direct", tls: "verify-full", caution: null },
  { access: "direct", tls: "verify-ca", caution: null },
  { access: "sidecar", tls: "proxy", caution: null },
  { access: "proxy", tls: "proxy", caution: null },
];
export const DIRECT = WAYS[0] as Topology;
const PROXY = { name: SIDECAR, image: "proxy:1", restartPolicy: "Always" };
export const HOST = "db.example.internal";
const PORT = 5432;
/** Where the replica is. */
const READER = { host: "replica.example.internal", port: 5433 };
export const CREDENTIAL = { username: "platform_a", password: "Canary-0123456789_~.@/%+" };
export const CA = "-----BEGIN CERTIFICATE-----\nAUTHORITY\n-----END CERTIFICATE-----\n";

/** What a person writes, with other settings. */
const specOf = ({ name, called = name, acknowledge = {}, reads = false }: ContractCase, settings: JsonObject) => ({
  name: "contract",
  instances: { main: reads ? { readReplicas: 1 } : {} },
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

/** A case, and the same with each older version that its chart was verified in, unless it names one. */
export function everyVersion<C extends ContractCase>(each: C): readonly C[] {
  const older = Object.hasOwn(each.settings, "chartVersion") ? [] : (platformOf(each).chart(settingsOf(each))?.verified.slice(1) ?? []);
  return [
    each,
    ...older.map(({ version }) => ({
      ...each,
      title: `${each.title}, version ${version}`,
      settings: { ...each.settings, chartVersion: version },
    })),
  ];
}

/** The ways that the platform can take. */
export const waysOf = (each: ContractCase): readonly Topology[] =>
  WAYS.filter((way) => way.access !== "sidecar" || platformOf(each).sidecarBeforeMigrations(settingsOf(each)));

export function wire(each: ContractCase, topology: Topology, host = HOST): Wired {
  const sidecar = topology.access === "sidecar" ? { ...PROXY, name: "any" } : null;
  const wired = wirePlatforms(resolveCase(each, topology), each.platforms, () => ({ host, port: PORT, reader: READER, sidecar }))[
    calledOf(each)
  ];
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

/** What a platform has to log in with, at each server. */
export function expectedLogins({ connection }: Wired, { tls }: Topology): readonly Omit<Login, "database" | "sslrootcert" | "bounds">[] {
  const { host, port, reader } = connection;
  const servers = [{ host, port }, ...(reader === null ? [] : [reader])];
  return servers.map((server) => ({
    host: server.host,
    port: String(server.port),
    ...CREDENTIAL,
    sslmode: tls === "proxy" ? "disable" : tls,
  }));
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

/** The workloads of a release, as the cluster gets them. */
export const workloadsIn = (each: ContractCase, wired: Wired): readonly Workload[] => releaseOf(each, wired).workloads;

/** What of a release names the Secret and is not a container. */
export const mentionsIn = (each: ContractCase, wired: Wired): readonly string[] => releaseOf(each, wired).mentions;

function releaseOf(each: ContractCase, wired: Wired): Pick<ReturnType<typeof readRelease>, "workloads" | "mentions"> {
  const { release } = wired.wiring;
  if (each.workloads !== undefined) return { workloads: each.workloads(wired), mentions: [] };
  // There is nothing but our own patch.
  if (release.kind === "deployment") return { workloads: workloadsOf([release.patch]), mentions: [] };
  const settings = settingsOf(each);
  const { chartVersion: version } = settings as { readonly chartVersion: string };
  return readRelease(each.name, { chart: platformOf(each).chart(settings)?.name ?? "", version }, release);
}

/** A container that gets the Secret, and its workload. */
export interface Receiver {
  readonly title: string;
  readonly workload: Workload;
  readonly container: Container;
}

/** Every container that gets the Secret, whether its platform knows of it or not. */
export const receiversIn = (workloads: readonly Workload[], { connection }: Wired): readonly Receiver[] =>
  workloads.flatMap((workload) =>
    workload.containers
      .filter((container) => receives(container, connection.secret))
      .map((container) => ({ title: `${workload.name}: ${container.name}`, workload, container })),
  );

/** The Job that migrates by hand. */
export function migrationIn(wired: Wired): readonly Receiver[] {
  const job = toMigrateJob(wired);
  return job === null ? [] : receiversIn(workloadsOf([job]), wired);
}

/** Native sidecars that start before a container. */
export function sidecarsBefore({ workload, container }: Receiver): readonly string[] {
  const before = workload.containers.slice(0, workload.containers.indexOf(container));
  return before.filter(({ role }) => role === "sidecar").map(({ name, image }) => `${name} ${image}`);
}

/** The sidecar that a way needs. */
export const sidecarOf = ({ access }: Topology): readonly string[] => (access === "sidecar" ? [`${PROXY.name} ${PROXY.image}`] : []);

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
export const loginsOf = ({ login }: ContractCase, container: Container, wired: Wired): readonly Login[] =>
  login(start(container, namespaceOf(wired)));
