import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { ServerAccess, TenantLogins } from "./access";
import { type Client, dialled, persist, withClient } from "./connect";
import type { Credential } from "./credential";
import { explain, ProvisioningError } from "./errors";
import { allowEnding, withLock } from "./lock";
import { REVOKED } from "./plan";
import { nextCredential, proveCredential } from "./rotate";
import { readVersions, setPassword, writeVersion } from "./versions";

export interface Revoked {
  /** The login to use from now on. */
  readonly current: string;
  /** The login used until now: it can no longer log in. */
  readonly previous: string;
  /** Number of ended sessions of both logins. */
  readonly ended: number;
  /** Why the new login does not work yet, a sentence; null if it works. The leak is closed in any case. */
  readonly unproved: string | null;
}

/** Milliseconds between two checks for sessions. */
const LOOK = 25;
/** Milliseconds for which one try waits for the session that holds the login's row. */
const WAIT = 250;
/** Errors of a session that changes a row that another one changes or locks. */
const CONTENDED: readonly string[] = ["55P03", "XX000", "40P01", "40001"];

/**
 * Closes a leak: earlier passwords stop working, and no session remains. Then stores a new password, and tests it.
 *
 * Closing the logins does not use the lock, the platform's database or the secret store, because someone with the password can block each
 * of them. After an interruption, `provision` continues it, because the logins are marked.
 *
 * @throws ProvisioningError
 */
export async function revoke(tenant: TenantLogins, access: ServerAccess): Promise<Revoked> {
  const { server, master, patience } = access;
  const persistently = <T>(run: () => Promise<T>) => persist(server, master, "postgres", patience, run);
  const ended = await persistently(() => shut(tenant, access));
  const renewed = await persistently(() => withLock(access, (client) => renew(client, tenant, access)));
  return { ...renewed, ended: ended + renewed.ended };
}

/** Closes both logins, and ends their sessions until none remains. Returns how many sessions ended. */
export const shut = (tenant: Pick<TenantLogins, "logins">, { server, master }: Pick<ServerAccess, "server" | "master">): Promise<number> =>
  withClient(server, master, "postgres", (client) => shutLogins(client, tenant));

async function shutLogins(client: Client, { logins }: Pick<TenantLogins, "logins">): Promise<number> {
  const { rows } = await client.query<{ name: string }>("select rolname as name from pg_roles where rolname = any($1)", [
    logins.map((login) => login.name),
  ]);
  const names = rows.map((row) => row.name);
  for (const name of names) await allowEnding(client, name);
  const sessions = new Sessions(names);
  for (const name of names) await shutLogin(client, name, sessions);
  // No new sessions can start; the remaining ones need a moment to end.
  while ((await sessions.end(client)) > 0) await pause(LOOK);
  return sessions.ended;
}

/** The sessions of some logins. */
class Sessions {
  readonly #logins: readonly string[];
  readonly #seen = new Set<string>();

  constructor(logins: readonly string[]) {
    this.#logins = logins;
  }

  get ended(): number {
    return this.#seen.size;
  }

  /** Ends the current sessions; returns how many. */
  async end(client: Client): Promise<number> {
    const { rows } = await client.query<{ session: string }>(
      "select pid || coalesce(backend_start::text, '') as session, pg_terminate_backend(pid) from pg_stat_activity where usename = any($1)",
      [this.#logins],
    );
    for (const { session } of rows) this.#seen.add(session);
    return rows.length;
  }
}

/** Uses one transaction, so that no login is closed without its mark. */
async function shutLogin(client: Client, login: string, sessions: Sessions): Promise<void> {
  const id = pg.escapeIdentifier(login);
  const statements = [
    "begin",
    `set local lock_timeout = ${WAIT}`,
    `alter role ${id} nologin password null`,
    `comment on role ${id} is ${pg.escapeLiteral(REVOKED)}`,
    "commit",
  ];
  for (;;) {
    // Sessions that lock the login's row release it. A new session takes longer than the next statement, and waits behind it.
    await sessions.end(client);
    try {
      for (const statement of statements) await client.query(statement);
      return;
    } catch (error) {
      await client.query("rollback");
      if (!CONTENDED.includes((error as { readonly code?: string }).code ?? "")) throw error;
    }
  }
}

/** Opens the other login with a new password, the only one in the secret from then on. */
async function renew(client: Client, tenant: TenantLogins, { server, store, provision }: ServerAccess): Promise<Revoked> {
  // Another run had the lock, and may have opened a login since both were closed.
  const ended = await shutLogins(client, tenant);
  const versions = await readVersions(tenant, store);
  if (versions === null) throw new ProvisioningError(`secret ${tenant.secret} has no password yet; first ${provision}`);
  const credential = nextCredential(tenant, versions.current);
  await writeVersion(store, tenant.secret, credential, true);
  await setPassword(client, credential);
  for (const { name } of tenant.logins) await client.query(`comment on role ${pg.escapeIdentifier(name)} is null`);
  return {
    current: credential.username,
    previous: versions.current.username,
    ended,
    unproved: await tryCredential(tenant, credential, server, provision),
  };
}

async function tryCredential(
  tenant: TenantLogins,
  credential: Credential,
  server: ServerAccess["server"],
  provision: string,
): Promise<string | null> {
  try {
    await proveCredential(tenant, credential, server, provision);
    return null;
  } catch (error) {
    return explain(error, { ...dialled(server), username: credential.username, database: tenant.databases[0]?.name ?? "" }).message;
  }
}
