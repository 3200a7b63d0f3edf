import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { serverHome } from "../../constructs/local/home";
import { type Ownership, own } from "../../constructs/local/ownership";
import { makePrivate, readCredential, SecretDirectory } from "../../constructs/local/secret-directory";
import { LocalServer } from "../../constructs/local/server";
import { UserError } from "../../constructs/model/errors";
import type { InstanceSettings } from "../../constructs/model/instance";
import { ownEntry } from "../../constructs/model/json";
import type { Scope, ServerAccess } from "../../constructs/provisioning/access";
import type { Server } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { npmCommand, root } from "../command-line";
import type { ProjectEnvironment } from "../load";
import type { Progress } from "../progress";
import { localDirectories, refuseBlanks, refuseOthers } from "./directories";
import { authority, masterOf, serverCertificate } from "./identity";
import { handleSignals } from "./signals";

/** The first port that a local server tries. */
const FIRST_PORT = 54320;
/** Milliseconds for which commands wait for a server that starts or fails over. */
const PATIENCE = 30_000;
/** A running instance, and how to reach it. */
export interface ReachableInstance {
  readonly name: string;
  readonly scope: Scope;
  readonly access: ServerAccess;
  /** PEM text of the CA. */
  readonly ca: string;
  /** Where the data is; null for an existing database. */
  readonly directory: string | null;
}

export interface Session {
  readonly environment: ProjectEnvironment;
  readonly instances: readonly ReachableInstance[];
  /** Whether another process started the servers, and stops them. */
  readonly isGuest: boolean;
  /** Resolves at Ctrl-C, or when the terminal or container ends. @throws UserError if a server ends by itself. */
  untilStopped(): Promise<void>;
}

/** What the owner of an environment's servers publishes: the port of each instance. */
interface Published {
  readonly process: number;
  /** Whether the owner stays until Ctrl-C. */
  readonly stays: boolean;
  readonly ports: Readonly<Record<string, number>>;
}

/**
 * Uses the environment's servers. If no other process runs them, it starts them, and stops them at the end, when no other command uses
 * them, or after Ctrl-C.
 *
 * @param stays whether it runs until Ctrl-C. It then waits for an owner that does not run until Ctrl-C.
 * @param creates whether to create servers that were never started; otherwise they are a UserError.
 */
export async function withServers<T>(
  environment: ProjectEnvironment,
  progress: Progress,
  use: (session: Session) => Promise<T>,
  { stays = false, creates = true }: { readonly stays?: boolean; readonly creates?: boolean } = {},
): Promise<T> {
  refuseBlanks();
  const { private: directory } = localDirectories(environment.name);
  await refuseOthers(directory);
  for (;;) {
    const ownership = await own<Published>(directory, () =>
      progress.note(`waiting for another command that starts or stops the servers of ${environment.name}`),
    );
    if (ownership.role === "owner" && !creates)
      await refuseUnstarted(environment).catch((error: unknown) => {
        ownership.release();
        throw error;
      });
    if (ownership.role === "owner") return useOwn(environment, progress, ownership, use, stays);
    const { info, leave, ownerEnded } = ownership;
    if (stays && !info.stays) {
      progress.doing(`waiting for another command on ${environment.name} (process ${info.process})`);
      leave();
      await pause(100);
      continue;
    }
    let isDone = false;
    // The running function cannot be cancelled, and must not continue without a server.
    void ownerEnded.then(() => {
      if (isDone) return;
      progress.note(`the command that ran the server (process ${info.process}) has ended; run this again`);
      process.exit(1);
    });
    try {
      const instances = await reachAll(environment, info.ports, progress);
      return await use({ environment, instances, isGuest: true, untilStopped: () => ownerEnded });
    } finally {
      isDone = true;
      leave();
    }
  }
}

/** @throws UserError if a server has no data yet. */
async function refuseUnstarted({ name, instances }: ProjectEnvironment): Promise<void> {
  for (const [instance, { settings }] of Object.entries(instances)) {
    if (settings.existing !== null || (await hasData(name, instance))) continue;
    throw new UserError(`environment ${name} was never started on this machine; run ${npmCommand("start", { environment: name })}`);
  }
}

/** Does not create directories. */
async function hasData(environment: string, instance: string): Promise<boolean> {
  const isThere = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  if (!(await isThere(localDirectories(environment).private))) return false;
  const home = await serverHome(join(root(), ".local"));
  return isThere(join(serverDirectory(home, environment, instance), "data", "PG_VERSION"));
}

async function useOwn<T>(
  environment: ProjectEnvironment,
  progress: Progress,
  ownership: Extract<Ownership<Published>, { readonly role: "owner" }>,
  use: (session: Session) => Promise<T>,
  stays: boolean,
): Promise<T> {
  const started: Promise<LocalServer>[] = [];
  const stop = async () => {
    progress.stop();
    ownership.retire();
    const servers = await Promise.allSettled(started);
    await Promise.all(servers.map((server) => (server.status === "fulfilled" ? server.value.stop() : undefined)));
    // Only then may the next command start servers on the same data.
    ownership.release();
  };
  const signals = handleSignals(stop, () => progress.stop(true));
  try {
    const ports = await startAll(environment, progress, started, signals.isStopping);
    const instances = await reachAll(environment, ports, progress);
    ownership.publish({ process: process.pid, stays, ports });
    const untilStopped = () => Promise.race([signals.next(), ...started.map(serverEnded)]);
    const result = await use({ environment, instances, isGuest: false, untilStopped });
    if (!signals.isStopping()) await ownership.alone();
    return result;
  } catch (error) {
    // It fails because its server stops, and the process is about to end.
    if (signals.isEnding()) await new Promise(() => undefined);
    throw error;
  } finally {
    await stop();
    signals.forget();
  }
}

async function serverEnded(starting: Promise<LocalServer>): Promise<never> {
  const server = await starting;
  await server.ended;
  throw new UserError(
    `the server on localhost:${server.port} has ended; see ${join(server.directory, "postgres.log")}, and run this again`,
  );
}

async function startAll(
  environment: ProjectEnvironment,
  progress: Progress,
  started: Promise<LocalServer>[],
  isStopping: () => boolean,
): Promise<Readonly<Record<string, number>>> {
  const own = Object.entries(environment.instances).filter(([, { settings }]) => settings.existing === null);
  const ports: Record<string, number> = {};
  for (const [index, [name]] of own.entries()) {
    if (isStopping()) throw new Error("a signal ends the process");
    const starting = startOne(environment, name, FIRST_PORT + index, progress);
    started.push(starting);
    const server = await starting;
    ports[name] = server.port;
    progress.done(`PostgreSQL ${server.version} runs on localhost:${server.port}`);
  }
  return ports;
}

async function startOne(environment: ProjectEnvironment, name: string, port: number, progress: Progress): Promise<LocalServer> {
  const instance = environment.instances[name];
  if (instance === undefined) throw new TypeError(`no instance ${name}`);
  progress.doing(`starting PostgreSQL ${instance.settings.majorVersion}`);
  const directories = localDirectories(environment.name);
  await makePrivate(directories.secrets);
  const home = await serverHome(join(root(), ".local"));
  return LocalServer.start({
    majorVersion: instance.settings.majorVersion,
    programs: home,
    directory: serverDirectory(home, environment.name, name),
    port,
    maxConnections: instance.maxConnections,
    parameters: instance.settings.parameters,
    certificate: await serverCertificate(environment.name),
    master: await masterOf(environment.name),
    reset: npmCommand("start", { environment: environment.name }, ["--reset"]),
    onProgress: (doing) => progress.doing(`${doing} (PostgreSQL ${instance.settings.majorVersion})`),
  });
}

const serverDirectory = (home: string, environment: string, instance: string): string => join(home, "servers", environment, instance);

async function reachAll(
  environment: ProjectEnvironment,
  ports: Readonly<Record<string, number>>,
  progress: Progress,
): Promise<readonly ReachableInstance[]> {
  const names = Object.keys(environment.instances);
  return Promise.all(
    names.map((name) => {
      const existing = environment.instances[name]?.settings.existing ?? null;
      return existing === null
        ? reachLocal(environment, name, ownEntry(ports, name), progress)
        : reachExisting(environment, name, existing, progress);
    }),
  );
}

async function reachLocal(
  environment: ProjectEnvironment,
  name: string,
  port: number | undefined,
  progress: Progress,
): Promise<ReachableInstance> {
  if (port === undefined) throw new UserError(`the running npm start has no instance ${name}; stop it with Ctrl-C, and run this again`);
  const { certificate: ca } = await authority(environment.name);
  const server: Server = { host: "localhost", port, tls: { mode: "verify-full", ca } };
  const directory = serverDirectory(await serverHome(join(root(), ".local")), environment.name, name);
  return reachable(environment, name, { server, master: await masterOf(environment.name), ca, directory, progress });
}

async function reachExisting(
  environment: ProjectEnvironment,
  name: string,
  existing: NonNullable<InstanceSettings["existing"]>,
  progress: Progress,
): Promise<ReachableInstance> {
  const ca = existing.ca ?? "";
  const server: Server = { host: existing.host, port: existing.port, tls: { mode: "verify-full", ca } };
  return reachable(environment, name, { server, master: await readMaster(existing.masterSecret), ca, directory: null, progress });
}

function reachable(
  environment: ProjectEnvironment,
  name: string,
  parts: {
    readonly server: Server;
    readonly master: Credential;
    readonly ca: string;
    readonly directory: string | null;
    readonly progress: Progress;
  },
): ReachableInstance {
  const instance = environment.instances[name];
  if (instance === undefined) throw new TypeError(`no instance ${name}`);
  const patience = { deadlineMs: PATIENCE, onRetry: (sentence: string) => parts.progress.doing(`waiting: ${sentence}`) };
  const store = new SecretDirectory(localDirectories(environment.name).secrets);
  return {
    name,
    scope: { environment: environment.name, instance },
    access: {
      server: parts.server,
      master: parts.master,
      store,
      patience,
      provision: `run ${npmCommand("provision", { environment: environment.name })}`,
      closing: (platform) => `run ${npmCommand("provision", { environment: environment.name }, ["--close", platform])}`,
    },
    ca: parts.ca,
    directory: parts.directory,
  };
}

/** The master's credential, from a file that only its owner can read. */
async function readMaster(path: string): Promise<Credential> {
  const remedy = 'write {"username": ..., "password": ...} into it, mode 0600';
  const credential = await readCredential(path, remedy);
  if (credential === null) throw new UserError(`there is no file ${path}; ${remedy}`);
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw new UserError(`${path} can be read by others (mode ${(mode & 0o777).toString(8)}); run chmod 600 on it`);
  return credential;
}

/** Deletes an environment's databases, passwords and files on this machine, but nothing in an existing database. */
export async function resetEnvironment(environment: ProjectEnvironment): Promise<void> {
  const directories = localDirectories(environment.name);
  const ownership = await own<Published>(directories.private);
  if (ownership.role === "guest")
    throw new UserError(`npm start runs for ${environment.name} (process ${ownership.info.process}); stop it with Ctrl-C first`);
  const home = await serverHome(join(root(), ".local"));
  for (const name of Object.keys(environment.instances)) await LocalServer.remove(serverDirectory(home, environment.name, name));
  for (const directory of [join(home, "servers", environment.name), directories.private, directories.output])
    await rm(directory, { recursive: true, force: true });
  ownership.release();
}
