import pg from "pg";
import type { ServerAccess, TenantLogins } from "./access";
import { type Client, withClient } from "./connect";
import { ProvisioningError } from "./errors";
import { observeServer } from "./observe";
import { refuseServer } from "./plan";

/** All sessions of this program ask for it in database `postgres`, because advisory locks belong to a database. */
const LOCK = 0x706c6174;

/**
 * Runs something while no other run of this program changes the same server.
 *
 * @param shared lets others look at the same time, but nobody change.
 * @param tenants whose logins must not be able to hold everybody up: one that holds the lock is not this program, and is ended.
 */
export async function withLock<T>(
  { server, master, patience }: Pick<ServerAccess, "server" | "master" | "patience">,
  tenants: readonly Pick<TenantLogins, "logins">[],
  run: (client: Client) => Promise<T>,
  shared = false,
): Promise<T> {
  return withClient(server, master, "postgres", async (client) => {
    const refusal = refuseServer(await observeServer(client));
    if (refusal !== null) throw new ProvisioningError(`${server.host}:${server.port}: ${refusal}`);
    const lock = () => client.query(`select pg_advisory_lock${shared ? "_shared" : ""}($1)`, [LOCK]);
    const isTimeout = (error: { readonly code?: string }) => error.code === "55P03";
    await client.query(`set lock_timeout = ${patience.deadlineMs}`);
    await lock().catch(async (error) => {
      if (!isTimeout(error)) throw error;
      await endSessions(client, await lockHolders(client, tenants));
      await lock().catch((again) => {
        if (!isTimeout(again)) throw again;
        const seconds = patience.deadlineMs / 1000;
        throw new ProvisioningError(
          `${server.host}:${server.port}: another run holds the lock, and did not end within ${seconds} s; wait for it, and run this again`,
        );
      });
    });
    await client.query("reset lock_timeout");
    return run(client);
  });
}

/** Logins of platforms that hold the lock: everybody may enter database `postgres` and take it. */
async function lockHolders(client: Client, tenants: readonly Pick<TenantLogins, "logins">[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ login: string }>(
    "select distinct usename as login from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory' and granted and classid = 0 and objid = $1 and usename = any($2)",
    [LOCK, tenants.flatMap((tenant) => tenant.logins.map((login) => login.name))],
  );
  return rows.map((row) => row.login);
}

/** Ends all sessions of some logins; tells how many. */
export async function endSessions(client: Client, logins: readonly string[]): Promise<number> {
  for (const login of logins) {
    // Ending another's sessions takes its rights, or those of pg_signal_backend; the role's creator may give itself the former.
    const { rows } = await client.query<{ allowed: boolean }>(
      "select pg_has_role(current_user, $1, 'USAGE') or pg_has_role(current_user, 'pg_signal_backend', 'USAGE') as allowed",
      [login],
    );
    if (rows[0]?.allowed === false) await client.query(`GRANT ${pg.escapeIdentifier(login)} TO CURRENT_USER`);
  }
  const ended = await client.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = any($1)", [logins]);
  return ended.rowCount ?? 0;
}
