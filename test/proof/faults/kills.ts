import pg from "pg";
import type { Tenant } from "../../../constructs/model/spec";
import type { ServerAccess } from "../../../constructs/provisioning/access";
import { withClient } from "../../../constructs/provisioning/connect";
import type { Credential } from "../../../constructs/provisioning/credential";
import { observe } from "../../../constructs/provisioning/observe";
import { provision } from "../../../constructs/provisioning/provision";
import { revoke } from "../../../constructs/provisioning/revoke";
import { rotate } from "../../../constructs/provisioning/rotate";
import type { SecretStore } from "../../../constructs/provisioning/secret-store";
import { scopeWith, type TestServer } from "../../fixtures/server";
import { tenant, versionsOf } from "../../fixtures/tenants";
import { problemOf, type Row } from "./row";

/** What a process does that is killed. */
const WORK: Readonly<Record<string, (its: Tenant, access: ServerAccess) => Promise<unknown>>> = {
  provision: (its, access) => provision(scopeWith({ [its.owner]: its }), access),
  rotate: (its, access) => rotate(its, access, { force: false }),
  revoke: (its, access) => revoke(its, access),
};

class Killed extends Error {}

/** Ends like a process at its nth call: a connection, a statement or the store's. Nothing that it does afterwards reaches anybody. */
class Process {
  #calls = 0;
  readonly #clients: pg.Client[] = [];
  #isDead = false;

  /** @param last the call in which it ends. @param isSent whether that call is still carried out, without an answer. */
  constructor(
    private readonly last: number,
    private readonly isSent: boolean,
  ) {}

  get calls(): number {
    return this.#calls;
  }

  /** Runs something whose every call goes by this process. Returns whether it was killed. */
  async run(work: (wrapped: (store: SecretStore) => SecretStore) => Promise<unknown>): Promise<boolean> {
    const { connect, query } = pg.Client.prototype;
    const process = this;
    const patched = pg.Client.prototype as unknown as Record<string, unknown>;
    patched.connect = function (this: pg.Client) {
      process.#clients.push(this);
      return process.#call(() => Reflect.apply(connect, this, []) as Promise<void>);
    };
    patched.query = function (this: pg.Client, ...args: unknown[]) {
      return process.#call(() => Reflect.apply(query, this, args) as Promise<unknown>);
    };
    const wrapped = (store: SecretStore): SecretStore => ({
      description: store.description,
      read: (secret) => this.#call(() => store.read(secret)),
      write: (secret, credential, forget) => this.#call(() => store.write(secret, credential, forget)),
    });
    try {
      await work(wrapped);
      return false;
    } catch (error) {
      if (this.#isDead) return true;
      throw error;
    } finally {
      Object.assign(pg.Client.prototype, { connect, query });
    }
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw new Killed("killed");
    this.#calls++;
    if (this.#calls !== this.last) return run();
    const sent = this.isSent ? run().catch(() => undefined) : undefined;
    this.#isDead = true;
    await sent;
    for (const client of this.#clients) (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    throw new Killed("killed");
  }
}

/** Kills before and after each call, then provisions once, and looks at what is there. */
export async function proveKills(server: TestServer): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [title, work] of Object.entries(WORK)) {
    const problems: string[] = [];
    const ends = new Map<string, string>();
    let tries = 0;
    for (let last = 1, isDone = false; !isDone; last++) {
      for (const isSent of [false, true]) {
        // A platform that was never there, or one that has all it can have.
        const name = title === "provision" ? `${title}_${last}_${isSent ? "sent" : "unsent"}` : title;
        const its = tenant(name, { databases: [{ name, extensions: ["pg_trgm"] }], loginParameters: { timezone: "UTC" } });
        const known = title === "provision" ? [] : await complete(server, its);
        const process = new Process(last, isSent);
        const isKilled = await process.run((wrapped) => work(its, { ...server.access, store: wrapped(server.access.store) }));
        isDone ||= !isKilled;
        if (isKilled) tries++;
        const shut = await closed(server, known, name);
        const problem = await mended(server, its, shut, ends);
        if (problem !== null) problems.push(`call ${last}${isSent ? ", carried out" : ""}: ${problem}`);
      }
    }
    rows.push({
      kind: `kill at every statement and store call of ${title}, then provision once`,
      tries,
      shown: `${tries - problems.length} converged, to ${ends.size} end state${ends.size === 1 ? "" : "s"}`,
      problem: problemOf(problems),
    });
  }
  return rows;
}

/** Both of its credentials, which work. */
async function complete(server: TestServer, its: Tenant): Promise<readonly Credential[]> {
  await provision(scopeWith({ [its.owner]: its }), server.access);
  const known = await credentialsOf(server, its);
  if (known.length === 2) return known;
  await rotate(its, server.access, { force: true });
  return credentialsOf(server, its);
}

async function credentialsOf(server: TestServer, its: Tenant): Promise<readonly Credential[]> {
  const { current, previous } = await versionsOf(server.access.store, its.secret);
  return previous === null ? [current] : [current, previous];
}

const works = (server: TestServer, credential: Credential, database: string): Promise<string | null> =>
  withClient(server.access.server, credential, database, async (client) => {
    const { rows } = await client.query<{ user: string }>("select current_user as user");
    return rows[0]?.user ?? null;
  }).catch(() => null);

/** Those that do not work any more: whatever happens next, they must not come back. */
async function closed(server: TestServer, known: readonly Credential[], database: string): Promise<readonly Credential[]> {
  const found: Credential[] = [];
  for (const credential of known) if ((await works(server, credential, database)) === null) found.push(credential);
  return found;
}

/** Provisions once; returns what is not as it has to be. */
async function mended(server: TestServer, its: Tenant, shut: readonly Credential[], ends: Map<string, string>): Promise<string | null> {
  const scope = scopeWith({ [its.owner]: its });
  const name = its.databases[0]?.name ?? "";
  try {
    await provision(scope, server.access);
    const { changes, unsound } = await provision(scope, server.access);
    if (changes.length + unsound.length > 0) return `the second run changes ${[...changes.map(({ why }) => why), ...unsound].join(", ")}`;
  } catch (error) {
    return (error as Error).message;
  }
  for (const credential of await credentialsOf(server, its)) {
    const user = await works(server, credential, name);
    if (user !== its.owner) return `${credential.username} of the secret acts as ${user}`;
  }
  const stored = (await credentialsOf(server, its)).map(({ password }) => password);
  for (const credential of shut)
    if (!stored.includes(credential.password) && (await works(server, credential, name)) !== null)
      return `a password of ${credential.username} that had been closed works again`;
  const observed = await withClient(server.access.server, server.access.master, "postgres", (client) => observe(client, [its]));
  const { server: seen, roles, databases } = observed;
  // To end a login's sessions, the master has joined it.
  const memberships = observed.memberships.filter(({ member }) => member !== seen.master);
  const parts = [...Object.entries(roles), ...Object.entries(databases), ...memberships].map((part) => JSON.stringify(part));
  const end = parts.sort().join(" ").replaceAll(name, "X");
  ends.set(end, name);
  // Either login may be the one in use, and after a revocation the other is closed.
  return ends.size <= 3 ? null : `ends as no other: ${end}`;
}
