import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, chownSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { JsonGeneralNames } from "@peculiar/x509";
import { serverAccount } from "../../constructs/local/account";
import { installBinaries } from "../../constructs/local/binaries";
import { createServerCertificate } from "../../constructs/local/certificates";
import { LocalServer } from "../../constructs/local/server";
import type { Server } from "../../constructs/provisioning/connect";
import { withClient } from "../../constructs/provisioning/connect";
import { generatePassword } from "../../constructs/provisioning/credential";
import { pidOf, query, singleUser, startServer, type TestServer, USUAL } from "../fixtures/server";
import { endingWithUs } from "./started";

/** Logs every statement, and lets a standby stream what is committed at once. */
const PRIMARY = { wal_level: "replica", max_wal_senders: 4, synchronous_commit: "on", log_statement: "all" };
/** Milliseconds that a standby may take to start. */
const PATIENCE = 60_000;
const REPLICATOR = "replicator";

/** A primary on `localhost`, and a streaming standby on `127.0.0.1`, each with its own certificate. */
export interface Replicated {
  readonly primary: TestServer;
  readonly standby: Server;
  /** Logs of both, from their first line on. */
  readonly logs: { readonly primary: string; readonly standby: string };
  /** Makes the standby a primary. */
  promote(): void;
  /** Lets the standby apply changes only so many seconds later. */
  delay(seconds: number): void;
  /** Ends both, and deletes their data. */
  remove(): Promise<void>;
}

/**
 * @param prepare what the primary has before the standby copies it.
 * @param names further names that both certificates carry.
 */
export async function startReplicated(prepare: (primary: TestServer) => Promise<void>, names: readonly string[] = []): Promise<Replicated> {
  const shared = names.map((value) => ({ type: "dns" as const, value }));
  const first = await startServer(USUAL);
  const certificate = await createServerCertificate(first.ca, undefined, [{ type: "dns", value: "localhost" }, ...shared]);
  const prepared = await first.restart({ parameters: PRIMARY, certificate });
  await prepare(prepared);
  await prepared.stop();
  const { directory } = prepared.options;
  const password = generatePassword();
  await singleUser(USUAL, directory, `CREATE ROLE ${REPLICATOR} REPLICATION LOGIN PASSWORD '${password}'`);
  const standbyDirectory = `${directory}-standby`;
  mkdirSync(standbyDirectory);
  // A copy of a server that was stopped cleanly is what pg_basebackup makes of a running one.
  execFileSync("cp", ["-a", join(directory, "data"), standbyDirectory]);
  const primary = await prepared.restart({ parameters: PRIMARY, certificate });
  appendFileSync(join(directory, "data", "pg_hba.conf"), `hostssl replication ${REPLICATOR} 127.0.0.1/32 scram-sha-256\n`);
  reload(directory);
  const standby = await launch(primary, standbyDirectory, password, shared);
  return {
    primary,
    standby: standby.server,
    logs: { primary: join(directory, "postgres.log"), standby: join(standbyDirectory, "postgres.log") },
    promote: () => {
      const data = join(standbyDirectory, "data");
      writeFileSync(join(data, "promote"), "");
      process.kill(pidOf(standbyDirectory), "SIGUSR1");
    },
    delay: (seconds) => {
      appendFileSync(join(standbyDirectory, "data", "postgresql.conf"), `recovery_min_apply_delay = '${seconds}s'\n`);
      reload(standbyDirectory);
    },
    remove: async () => {
      await LocalServer.remove(standbyDirectory);
      await primary.stop();
      await LocalServer.remove(directory);
      for (const each of [`${directory}-secrets`, join(dirname(directory), "ca.pem")]) rmSync(each, { recursive: true, force: true });
    },
  };
}

const reload = (directory: string): boolean => process.kill(pidOf(directory), "SIGHUP");

async function launch(
  primary: TestServer,
  directory: string,
  password: string,
  names: JsonGeneralNames,
): Promise<{ readonly server: Server }> {
  const account = serverAccount();
  const data = join(directory, "data");
  const port = primary.server.port + 1_000;
  const { certificate, key } = await createServerCertificate(primary.ca, undefined, [
    { type: "dns", value: "standby.example" },
    { type: "ip", value: "127.0.0.1" },
    ...names,
  ]);
  const from = `host=localhost port=${primary.server.port} user=${REPLICATOR} password=${password} sslmode=verify-full sslrootcert=${data}/ca.pem`;
  const files = {
    "server.crt": certificate,
    "server.key": key,
    "ca.pem": primary.ca.certificate,
    "standby.signal": "",
    "postgresql.auto.conf": `primary_conninfo = '${from}'\nlisten_addresses = '127.0.0.1'\n`,
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(data, name), content, { mode: 0o600 });
    if (account !== null) chownSync(join(data, name), account.uid, account.gid);
  }
  if (account !== null) chownSync(directory, account.uid, account.gid);
  const { postgres } = await installBinaries(USUAL, dirname(dirname(dirname(directory))));
  const log = openSync(join(directory, "postgres.log"), "a");
  const child = spawn("sh", ["-c", endingWithUs("INT"), postgres, "-D", data, "-p", String(port)], {
    ...account,
    cwd: "/",
    env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
    detached: true,
    stdio: ["ignore", log, log, "pipe"],
  });
  child.unref();
  (child.stdio[3] as Socket).unref();
  const server: Server = { host: "127.0.0.1", port, tls: { mode: "verify-full", ca: primary.ca.certificate } };
  for (const end = Date.now() + PATIENCE; ; await pause(100)) {
    const isThere = await withClient(server, primary.access.master, "postgres", (client) =>
      query(client, "select pg_is_in_recovery() as it"),
    ).catch((error: unknown) => error);
    if (Array.isArray(isThere)) return { server };
    if (Date.now() > end)
      throw new Error(`the standby did not start: ${isThere}\n${readFileSync(join(directory, "postgres.log"), "utf8").slice(-2_000)}`);
  }
}
