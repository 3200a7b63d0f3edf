import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, open, readdir, readFile, readlink, realpath, rename, rm, stat, truncate } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { UserError } from "../model/errors";
import type { MajorVersion } from "../model/instance";
import type { Credential } from "../provisioning/credential";
import { scramVerifier } from "../provisioning/scram";
import { type Account, serverAccount } from "./account";
import { type Binaries, installBinaries } from "./binaries";
import type { KeyPair } from "./certificates";
import { explainFile, readIfThere, writeAtomically } from "./files";
import { isBuiltIn } from "./parameter-rules";

export interface LocalServerOptions {
  readonly majorVersion: MajorVersion;
  /** Directory of the programs; shared by all servers. */
  readonly programs: string;
  /** Directory of this server's data and log. */
  readonly directory: string;
  /** The first port to try; the server uses the next free one. */
  readonly port: number;
  readonly maxConnections: number;
  /** PostgreSQL's configuration parameters. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** The server's certificate. */
  readonly certificate: KeyPair;
  /** The login that provisions: it may create roles and databases, and is not a superuser, as in the clouds. */
  readonly master: Credential;
  /** Command for a person to delete the server's data. */
  readonly reset: string;
  readonly onProgress?: (doing: string) => void;
}

/** Ports tried after the first. */
const PORTS_TRIED = 50;
/** Milliseconds for a start, which may include crash recovery, and for a clean stop. */
const START_TIMEOUT = 120_000;
const STOP_TIMEOUT = 60_000;
const POLL = 20;
/** The log starts anew when it is larger, in bytes. */
const LARGEST_LOG = 20_000_000;

/** A PostgreSQL server on this machine: on loopback, only with TLS and SCRAM-SHA-256. */
export class LocalServer {
  private constructor(
    /** As PostgreSQL writes it: `17.10`. */
    readonly version: string,
    /** TCP port on `localhost`. */
    readonly port: number,
    readonly directory: string,
    private readonly postmaster: Postmaster,
  ) {}

  /** Resolves when the server has ended for any reason. */
  get ended(): Promise<void> {
    return this.postmaster.ended;
  }

  /**
   * Starts the server, and creates its data directory if there is none. First stops a server that a killed run left behind.
   *
   * @throws UserError as one sentence: data of another major version, a parameter that PostgreSQL rejects, a full or read-only disk.
   */
  static async start(options: LocalServerOptions): Promise<LocalServer> {
    const account = serverAccount();
    const { directory } = options;
    const binaries = await installBinaries(options.majorVersion, options.programs);
    await makeDirectory(directory, account);
    await stopLeftover(directory);
    await removeUnfinished(directory);
    if ((await readIfThere(join(directory, "data", "PG_VERSION"))) === null) {
      options.onProgress?.("creating the data directory");
      await createData(binaries, directory, account);
    }
    const data = join(directory, "data");
    await refuseOtherMajor(data, options);
    await configure(data, options, account);
    options.onProgress?.("preparing the master login");
    await ensureMaster(binaries, data, options.master, account);
    options.onProgress?.("starting");
    for (let port = options.port; ; port++) {
      port = await freePort(port, options.port + PORTS_TRIED);
      const postmaster = await launch(binaries, directory, port, account);
      if (postmaster !== null) return new LocalServer(binaries.version, port, directory, postmaster);
    }
  }

  /** Deletes a server's data. First stops the server if a killed run left it behind. */
  static async remove(directory: string): Promise<void> {
    await stopLeftover(directory);
    // If this is interrupted, the remaining files do not look like a server's data.
    await rename(join(directory, "data"), unfinishedIn(directory)).catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
  }

  /** Stops the server like `pg_ctl stop -m fast`: sessions end, and everything is on disk. */
  async stop(): Promise<void> {
    if (!this.postmaster.hasEnded()) await stopProcess(this.postmaster.pid);
  }
}

/** A server's process, which is our child. */
interface Postmaster {
  readonly pid: number;
  readonly ended: Promise<void>;
  hasEnded(): boolean;
}

async function makeDirectory(directory: string, account: Account | null): Promise<void> {
  try {
    await refuseOthers(directory, account);
    // Only the last directory is private: the account needs access to its parents.
    await mkdir(dirname(directory), { recursive: true, mode: 0o755 });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (account !== null) await chown(directory, account.uid, account.gid);
  } catch (error) {
    throw explainFile(error, directory);
  }
}

/** Rejects data of another user's server. */
async function refuseOthers(directory: string, account: Account | null): Promise<void> {
  const owner = await stat(join(directory, "data")).then(
    ({ uid }) => uid,
    () => null,
  );
  const uid = account?.uid ?? process.getuid?.() ?? null;
  if (owner !== null && owner !== uid)
    throw new UserError(
      `${directory} belongs to the server of another user (${owner}); run this as that user, or name another directory in PLATFORM_POSTGRES_DIRECTORY`,
    );
}

async function removeUnfinished(directory: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    // An initdb whose starter was killed may still be writing; what cannot be removed now is removed by the next start.
    if (entry.endsWith(".unfinished")) await rm(join(directory, entry), { recursive: true, force: true }).catch(() => undefined);
  }
}

const unfinishedIn = (directory: string): string => join(directory, `data.${randomBytes(4).toString("hex")}.unfinished`);

/** Created under another name, so that a data directory is either complete or missing. */
async function createData(binaries: Binaries, directory: string, account: Account | null): Promise<void> {
  const unfinished = unfinishedIn(directory);
  const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
  // `trust` never takes effect: `configure` replaces the file before the first start.
  await run(binaries.initdb, ["-D", unfinished, "-U", "postgres", "--auth=trust", "--no-instructions", ...locale], "", account, directory);
  await rename(unfinished, join(directory, "data"));
}

async function refuseOtherMajor(data: string, { majorVersion, reset }: LocalServerOptions): Promise<void> {
  const found = (await readIfThere(join(data, "PG_VERSION")))?.trim();
  if (found === String(majorVersion)) return;
  throw new UserError(
    `${data} contains data of PostgreSQL ${found}, but the spec requires ${majorVersion}; set majorVersion to ${found}, or delete the data with ${reset}`,
  );
}

async function configure(data: string, options: LocalServerOptions, account: Account | null): Promise<void> {
  const settings: Record<string, string | number | boolean> = {
    ssl_min_protocol_version: "TLSv1.2",
    log_line_prefix: "%m [%p] %q%u@%d ",
    ...Object.fromEntries(Object.entries(options.parameters).filter(([name, value]) => isBuiltIn(name, value))),
    max_connections: options.maxConnections,
    listen_addresses: "localhost",
    unix_socket_directories: "",
    password_encryption: "scram-sha-256",
    ssl: "on",
    ssl_cert_file: "server.crt",
    ssl_key_file: "server.key",
  };
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${String(value).replaceAll("\\", "\\\\").replaceAll("'", "''")}'`,
  );
  const files = {
    "postgresql.conf": lines.join("\n"),
    "pg_hba.conf": ["127.0.0.1/32", "::1/128"].map((address) => `hostssl all all ${address} scram-sha-256`).join("\n"),
    "server.crt": options.certificate.certificate,
    "server.key": options.certificate.key,
  };
  for (const [name, content] of Object.entries(files)) {
    await writeAtomically(join(data, name), `${content}\n`, 0o600);
    if (account !== null) await chown(join(data, name), account.uid, account.gid);
  }
}

/**
 * Creates the master, or resets its password, in PostgreSQL's single-user mode: no superuser can ever log in over the network, and the
 * password's verifier is passed on standard input.
 */
async function ensureMaster(binaries: Binaries, data: string, { username, password }: Credential, account: Account | null): Promise<void> {
  const statements = [
    `DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${username}') THEN CREATE ROLE ${username}; END IF; END$$`,
    `ALTER ROLE ${username} NOSUPERUSER CREATEDB CREATEROLE LOGIN PASSWORD '${await scramVerifier(password)}'`,
  ];
  await run(binaries.postgres, ["--single", "-D", data, "postgres"], `${statements.join("\n")}\n`, account, data);
}

const childEnvironment = { LC_ALL: "C", PATH: "/usr/bin:/bin" };

/** Runs a PostgreSQL program until it ends. */
async function run(program: string, args: readonly string[], input: string, account: Account | null, directory: string): Promise<void> {
  const child = spawn(program, args, { ...account, cwd: "/", env: childEnvironment, stdio: ["pipe", "pipe", "pipe"] });
  const output = collect(child.stdout, child.stderr);
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const code = await ended(child);
  // The single-user backend ends with 0 after a statement that failed.
  if (code !== 0 || /\b(ERROR|FATAL|PANIC):/.test(output())) throw explainOutput(output(), directory);
}

/** Collects a program's output. */
function collect(...streams: readonly Readable[]): () => string {
  const chunks: string[] = [];
  for (const stream of streams) stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  return () => chunks.join("");
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(new UserError(`${child.spawnfile} cannot be run (${error.code}); check that this user can access it`)),
    );
    child.once("close", resolve);
  });
}

/** Returns PostgreSQL's last output before it failed, as one sentence. */
function explainOutput(output: string, directory: string): UserError {
  if (/No space left on device/.test(output)) return new UserError(`the disk of ${directory} is full; free some space, and run this again`);
  const lines = output.split("\n");
  const parameter = lines
    .map((line) => /(?:unrecognized configuration parameter|(?:invalid value for|parameter)) (?:parameter )?".*$/.exec(line)?.[0])
    .find((found) => found !== undefined);
  if (parameter !== undefined)
    return new UserError(`PostgreSQL rejects a parameter: ${parameter.replace(/ in file ".*$/, "")}; correct it in parameters of the spec`);
  const errors = lines.flatMap((line) => /\b(?:ERROR|FATAL|PANIC|error):\s+(.*)$/.exec(line)?.[1] ?? []);
  return new UserError(
    `PostgreSQL did not start: ${errors.slice(0, 3).join("; ") || lines.filter((line) => line.trim() !== "").at(-1) || "it printed nothing"} (${directory})`,
  );
}

/** Returns a port that is free on both loopback addresses. */
async function freePort(first: number, last: number): Promise<number> {
  for (let port = first; port <= last; port++) {
    if ((await isFree(port, "127.0.0.1")) && (await isFree(port, "::1"))) return port;
  }
  throw new UserError(`all ports up to ${last} are in use; stop a program that listens on one of them`);
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    // A machine without IPv6 has no such address, so nothing can listen there.
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "EADDRINUSE" && error.code !== "EACCES"));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Starts the server, or returns null if another program took the port meanwhile. */
async function launch(binaries: Binaries, directory: string, port: number, account: Account | null): Promise<Postmaster | null> {
  const logFile = join(directory, "postgres.log");
  if (
    await stat(logFile).then(
      ({ size }) => size > LARGEST_LOG,
      () => false,
    )
  )
    await truncate(logFile);
  const log = await open(logFile, "a", 0o600);
  const { size: logStart } = await log.stat();
  const said = async () => (await readFile(logFile)).subarray(logStart).toString();
  // Detached, because Ctrl-C in the terminal is for us: we stop the server when nothing uses it.
  const child = spawn("sh", ["-c", GUARDED, "sh", binaries.postgres, "-D", join(directory, "data"), "-p", String(port)], {
    ...account,
    cwd: "/",
    env: childEnvironment,
    detached: true,
    stdio: ["ignore", log.fd, log.fd, "pipe"],
  });
  let hasEnded = false;
  const end = ended(child).then(
    () => undefined,
    () => undefined,
  );
  void end.then(() => {
    hasEnded = true;
  });
  child.unref();
  if (child.pid !== undefined) guard(child, account, end);
  const postmaster = { pid: child.pid ?? 0, ended: end, hasEnded: () => hasEnded };
  try {
    const deadline = performance.now() + START_TIMEOUT;
    while (!(await isReady(directory, child.pid))) {
      if (hasEnded && isPortTaken(await said())) return null;
      if (hasEnded) throw explainOutput(await said(), directory);
      if (performance.now() > deadline) throw new UserError(`PostgreSQL was not ready within ${START_TIMEOUT / 1000} s; see ${logFile}`);
      await pause(POLL);
    }
    // It also runs with only one of the two loopback addresses; another server would respond on the other.
    if (!isPortTaken(await said())) return postmaster;
    await stopProcess(postmaster.pid);
    return null;
  } catch (error) {
    if (!hasEnded && postmaster.pid > 0) await stopProcess(postmaster.pid);
    throw error;
  } finally {
    await log.close();
  }
}

/** A shell that becomes the server when it reads a line. It gets the line only after the guard runs, so that a kill before then leaves no server behind. */
const GUARDED = 'read -r _ <&3 && exec 3<&- "$@"';
/** Stops the server when its standard input ends, even before the server has written its pid file. */
const GUARD = 'read -r _; kill -INT "$1"';

/** Starts a shell that stops the server when this process ends, even by SIGKILL; then lets the server start. */
function guard(server: ChildProcess, account: Account | null, end: Promise<void>): void {
  const options = { ...account, cwd: "/", env: childEnvironment, detached: true };
  const child = spawn("sh", ["-c", GUARD, "sh", String(server.pid)], { ...options, stdio: ["pipe", "ignore", "ignore"] });
  // Without a shell there is no guard; the next start stops what was left behind.
  child.on("error", () => undefined);
  child.unref();
  (child.stdin as Socket | null)?.unref();
  // Before the server's pid can become another program's.
  void end.then(() => child.kill("SIGKILL"));
  const toServer = server.stdio[3] as Socket;
  toServer.on("error", () => undefined).end("\n");
  toServer.unref();
}

const isPortTaken = (log: string): boolean => /could not bind .*: Address already in use/.test(log);

/** The eighth line of `postmaster.pid` is the server's state. */
async function isReady(directory: string, pid: number | undefined): Promise<boolean> {
  const lines = (await readIfThere(join(directory, "data", "postmaster.pid")))?.split("\n") ?? [];
  return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
}

/** Stops the server that a killed run left behind, and ignores a pid that now belongs to another program. */
async function stopLeftover(directory: string): Promise<void> {
  const pidFile = join(directory, "data", "postmaster.pid");
  const pid = Number((await readIfThere(pidFile))?.split("\n")[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  if (await isServerOf(pid, directory)) await stopProcess(pid);
  else await rm(pidFile, { force: true });
}

/** Whether a process is the server of this directory, however it was started. */
async function isServerOf(pid: number, directory: string): Promise<boolean> {
  if (!(await isAlive(pid))) return false;
  const data = await realpath(join(directory, "data"));
  // A server stays in its data directory.
  const current = await readlink(`/proc/${pid}/cwd`).catch(() => null);
  return current === null ? (await commandOf(pid)).includes(data) : current === data;
}

/** Where there is no /proc. */
async function commandOf(pid: number): Promise<string> {
  const child = spawn("ps", ["-ww", "-o", "command=", "-p", String(pid)], { stdio: ["ignore", "pipe", "ignore"] });
  const output = collect(child.stdout);
  await ended(child).catch(() => undefined);
  return output();
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  // In a container whose first process does not reap children, dead processes stay in the table.
  const state = await readIfThere(`/proc/${pid}/stat`).catch(() => null);
  return state === null || !/^\d+ \(.*\) [ZX]/s.test(state);
}

/** Signals a process that may end at any moment. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function stopProcess(pid: number): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT;
  if (await isAlive(pid)) signal(pid, "SIGINT");
  while (await isAlive(pid)) {
    if (performance.now() > deadline)
      throw new UserError(`PostgreSQL (process ${pid}) does not stop; check its log, or end it with kill -QUIT ${pid}`);
    await pause(POLL);
  }
}
