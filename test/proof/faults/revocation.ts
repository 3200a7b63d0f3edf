import { setTimeout as pause } from "node:timers/promises";
import { type Client, close, open, UNLIMITED, withClient } from "../../../constructs/provisioning/connect";
import type { Credential } from "../../../constructs/provisioning/credential";
import { provision } from "../../../constructs/provisioning/provision";
import { revoke } from "../../../constructs/provisioning/revoke";
import { scopeWith, type TestServer } from "../../fixtures/server";
import { refusal, tenant, versionsOf } from "../../fixtures/tenants";
import { problemOf, type Row, seconds } from "./row";

interface Its {
  /** Opens a session with the leaked password; it is counted. */
  readonly login: (database?: string) => Promise<Client>;
  readonly name: string;
  readonly leaked: Credential;
  /** The password from before, which somebody may have, too. */
  readonly previous: Credential;
  readonly server: TestServer["access"]["server"];
}

/** Begins an attack; what it returns ends it. */
type Attack = (its: Its) => Promise<(() => Promise<unknown>) | undefined>;

/** A new password, by which the attacker means to come back. */
const THEIRS = "Attackers-0123456789";
const LIMIT = 5;

const inSession =
  (...statements: readonly string[]): Attack =>
  async (its) => {
    const session = await its.login();
    for (const statement of statements)
      await session.query(statement.replaceAll("LOGIN", its.leaked.username).replaceAll("NAME", its.name));
    return undefined;
  };

const inPostgres =
  (...statements: readonly string[]): Attack =>
  async (its) => {
    const session = await its.login("postgres");
    for (const statement of statements) await session.query(statement.replaceAll("NAME", its.name));
    return undefined;
  };

/** Never waits for what it asks. */
const running =
  (statement: string): Attack =>
  async (its) => {
    (await its.login()).query(statement).catch(() => undefined);
    await pause(50);
    return undefined;
  };

/** Clients that come back at once, each with one of both passwords, and change what they can. */
const storm: Attack = async (its) => {
  let isOver = false;
  const client = async (_: unknown, index: number) => {
    const credential = index % 2 === 0 ? its.leaked : its.previous;
    while (!isOver) {
      await withClient(its.server, credential, its.name, async (session) => {
        await session.query("begin; set local role none");
        await session.query(`alter role ${credential.username} password '${THEIRS}'`);
        await session.query("rollback; select pg_sleep(0.2)");
      }).catch(() => pause(2));
    }
  };
  const clients = Promise.all(Array.from({ length: 20 }, client));
  await pause(300);
  return async () => {
    isOver = true;
    await clients;
  };
};

const ATTACKS: Readonly<Record<string, Attack>> = {
  "nothing but sessions": inSession("select 1"),
  "open `begin; set role none; alter role ... password`": inSession("begin", "set role none", `alter role LOGIN password '${THEIRS}'`),
  "open `alter role ... set`": inSession("begin", "set role none", "alter role LOGIN set work_mem = '1MB'"),
  "`alter database ... connection limit 0`": inSession("alter database NAME connection limit 0"),
  "`alter database ... allow_connections false`": inPostgres("set role NAME_owner", "alter database NAME allow_connections false"),
  "open `alter database ... connection limit 0`": inPostgres("set role NAME_owner", "begin", "alter database NAME connection limit 0"),
  "the database dropped": inPostgres("set role NAME_owner", "drop database NAME"),
  "the advisory lock in postgres": inPostgres("select pg_advisory_lock(1886151028)"),
  "the advisory lock, shared": inPostgres("select pg_advisory_lock_shared(1886151028)"),
  "`pg_sleep`": running("select pg_sleep(600)"),
  "a loop that catches every error": running(
    "do $$begin loop begin perform pg_sleep(1); exception when others then null; end; end loop; end$$",
  ),
  "a client that does not read": async (its) => {
    const session = await its.login();
    session.query("select repeat('x', 1000) from generate_series(1, 10000000)").catch(() => undefined);
    (session as unknown as { connection: { stream: { pause(): void } } }).connection.stream.pause();
    await pause(100);
    return undefined;
  },
  "all connections of both logins": async (its) => {
    const sessions = [its.leaked, its.previous].flatMap((credential) =>
      Array.from({ length: LIMIT }, () => open(its.server, credential, its.name)),
    );
    await Promise.all(sessions);
    return undefined;
  },
  "20 clients that reconnect": storm,
};

/** Seconds from the call to the end of the last session, under each attack. */
export async function proveRevocation(server: TestServer): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [index, [title, attack]] of Object.entries(ATTACKS).entries()) {
    const took: number[] = [];
    const problems: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { closed, problem } = await tryOnce(server, `leak_${index}_${round}`, attack);
      took.push(closed);
      if (problem !== null) problems.push(problem);
    }
    const slowest = Math.max(...took);
    if (slowest > MOST) problems.push(`the last session ended after ${seconds(slowest)}, and ${seconds(MOST)} are promised`);
    rows.push({
      kind: `revocation: ${title}`,
      tries: ROUNDS,
      shown: `closed after ${seconds(slowest)} at most`,
      problem: problemOf(problems),
    });
  }
  return rows;
}

const ROUNDS = 3;
/** Milliseconds. A busy machine takes part of them. */
const MOST = 5_000;

async function tryOnce(
  server: TestServer,
  name: string,
  attack: Attack,
): Promise<{ readonly closed: number; readonly problem: string | null }> {
  const its = tenant(name);
  await provision(scopeWith({ [name]: its }), server.access);
  const { current: leaked, previous } = await versionsOf(server.access.store, its.secret);
  if (previous === null) throw new Error("there is no previous version");
  const sessions: Client[] = [];
  const login = async (database = name) => {
    const session = await open(server.access.server, leaked, database, UNLIMITED);
    sessions.push(session);
    return session;
  };
  const end = await attack({ login, name, leaked, previous, server: server.access.server });
  const start = performance.now();
  let isOver = false;
  let closed = 0;
  let shut = Number.POSITIVE_INFINITY;
  const { store } = server.access;
  const watched: typeof store = {
    description: store.description,
    read: (secret) => store.read(secret),
    write: (...args) => {
      // The logins are shut. The new one is proved by separate sessions, which are not the attacker's.
      shut = performance.now() - start;
      return store.write(...args);
    },
  };
  const watching = withClient(server.access.server, server.access.master, "postgres", async (client) => {
    while (!isOver) {
      const { rows } = await client.query("select from pg_stat_activity where usename = any($1)", [its.logins.map((each) => each.name)]);
      const now = performance.now() - start;
      if (rows.length > 0 && now < shut) closed = now;
      await pause(5);
    }
  });
  const done = await revoke(its, { ...server.access, store: watched, patience: { deadlineMs: 30_000 } }).catch(
    (error: Error) => error.message,
  );
  isOver = true;
  await watching;
  await end?.();
  for (const session of sessions) await close(session);
  const problem = typeof done === "string" ? done : await comesBack(server, [leaked, previous]);
  return { closed, problem };
}

/** Whether a password from before, or the attacker's own, still opens a login. */
async function comesBack(server: TestServer, known: readonly Credential[]): Promise<string | null> {
  for (const { username, password } of known) {
    for (const each of [password, THEIRS]) {
      const said = await refusal(withClient(server.access.server, { username, password: each }, "postgres", async () => undefined));
      if (!/password authentication failed|not permitted to log in/.test(said)) return `${username} can log in again (${said})`;
    }
  }
  const count = await server.sql(`select count(*)::int as count from pg_stat_activity where usename = '${known[0]?.username}'`);
  return count[0]?.count === 0 ? null : `${known[0]?.username} has ${count[0]?.count} sessions`;
}
