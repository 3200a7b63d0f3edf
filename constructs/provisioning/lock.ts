import type { ServerAccess } from "./access";
import { type Client, withClient } from "./connect";
import { ProvisioningError } from "./errors";
import { observeServer } from "./observe";
import { joinStep, refuseServer } from "./plan";

/** All sessions of this program take it in database `postgres`, because advisory locks belong to a database. */
const LOCK = 0x706c6174;
/** Milliseconds of one try. After each, sessions that must not hold the lock are terminated. */
const FIRST_TRY = 200;
const NEXT_TRY = 1_000;

/**
 * Runs something while no other run of this program changes the same server.
 *
 * Everyone can connect to database `postgres` and take the lock: sessions that hold or request it without permission to create roles do not
 * belong to this program, and are terminated.
 *
 * @param shared lets others read at the same time, but not change anything.
 */
export async function withLock<T>(
  { server, master, patience }: Pick<ServerAccess, "server" | "master" | "patience">,
  run: (client: Client) => Promise<T>,
  shared = false,
): Promise<T> {
  return withClient(server, master, "postgres", async (client) => {
    const refusal = refuseServer(await observeServer(client));
    if (refusal !== null) throw new ProvisioningError(`${server.host}:${server.port}: ${refusal}`);
    if (!(await acquire(client, shared, patience.deadlineMs, endIntruders))) throw busy(server, patience);
    return run(client);
  });
}

/**
 * Waits until no run of this program changes the server, and prevents others from starting before the session ends. It terminates no
 * session: if one of another program holds the lock, it does not wait.
 */
export async function waitForChanges(client: Client, { server, patience }: Pick<ServerAccess, "server" | "patience">): Promise<void> {
  const isIntruded = async () => (await findIntruders(client)).length > 0;
  if (!(await acquire(client, true, patience.deadlineMs, isIntruded))) throw busy(server, patience);
}

const busy = ({ host, port }: ServerAccess["server"], { deadlineMs }: ServerAccess["patience"]) =>
  new ProvisioningError(
    `${host}:${port}: another run holds the lock, and did not finish within ${deadlineMs / 1000} s; wait for it, and run this again`,
  );

/**
 * Returns whether the session has the lock. It may also continue without.
 *
 * @param goOn is called after each try that failed; if it returns true, the session does without the lock.
 */
async function acquire(
  client: Client,
  shared: boolean,
  milliseconds: number,
  goOn: (client: Client) => Promise<boolean>,
): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  for (let most = FIRST_TRY; ; most = NEXT_TRY) {
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await client.query(`set lock_timeout = ${Math.ceil(Math.min(most, left))}`);
    try {
      await client.query(`select pg_advisory_lock${shared ? "_shared" : ""}($1)`, [LOCK]);
      await client.query("reset lock_timeout");
      return true;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== "55P03") throw error;
    }
    if (await goOn(client)) return true;
  }
}

/** Terminates sessions that hold or request the lock although their login cannot provision; the lock is still needed. */
async function endIntruders(client: Client): Promise<false> {
  const intruders = await findIntruders(client);
  if (intruders.length > 0) await endSessions(client, intruders);
  return false;
}

/** Returns logins that hold or request the lock, but cannot provision. */
async function findIntruders(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ login: string }>(
    `select distinct r.rolname as login
       from pg_locks l join pg_stat_activity a using (pid) join pg_roles r on r.oid = a.usesysid
      where l.locktype = 'advisory' and l.classid = 0 and l.objid = $1 and not (r.rolsuper or r.rolcreaterole or r.rolname = session_user)`,
    [LOCK],
  );
  return rows.map((row) => row.login);
}

/** Terminates all sessions of some logins; returns how many. */
export async function endSessions(client: Client, logins: readonly string[]): Promise<number> {
  for (const login of logins) await allowEnding(client, login);
  const ended = await client.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = any($1)", [logins]);
  return ended.rowCount ?? 0;
}

/** Terminating another role's sessions needs membership in that role or in pg_signal_backend; the role's creator may grant itself the former. */
export async function allowEnding(client: Client, login: string): Promise<void> {
  if (!(await mayEnd(client, login))) await client.query(joinStep(login).sql);
}

/** Whether the session may terminate those of another login. */
export async function mayEnd(client: Client, login: string): Promise<boolean> {
  const { rows } = await client.query<{ allowed: boolean }>(
    "select pg_has_role(current_user, $1, 'USAGE') or pg_has_role(current_user, 'pg_signal_backend', 'USAGE') as allowed",
    [login],
  );
  return rows[0]?.allowed !== false;
}
