import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, close, open, withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { diagnose } from "../../constructs/provisioning/doctor";
import { provision } from "../../constructs/provisioning/provision";
import { revoke } from "../../constructs/provisioning/revoke";
import { setPassword } from "../../constructs/provisioning/versions";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { refusal, tenant, versionsOf } from "../fixtures/tenants";

/** What somebody with a platform's password does to keep it. */
type Attack = (session: Client, its: { readonly login: string; readonly database: string }) => Promise<unknown>;

const ATTACKS: Readonly<Record<string, Attack>> = {
  "holds the row of its login": async (session, { login }) => {
    await session.query("begin");
    await session.query("set role none");
    await session.query(`alter role ${login} password 'Attackers-0123456789'`);
  },
  "lets nobody connect to its database any more": (session, { database }) => session.query(`alter database ${database} connection limit 0`),
  "sets a role on its database that nobody may take": (session, { database }) =>
    session.query(`alter database ${database} set role to pg_read_all_data`),
  "holds the lock": (session) => session.query("select pg_advisory_lock($1)", [0x706c6174]),
  "drops schema public": (session) => session.query("drop schema public cascade"),
};

describe("a platform's login", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  const login = (credential: Credential, database: string) => open(server.access.server, credential, database);

  /** A provisioned platform, and the session of somebody with its password. */
  async function attacked(name: string, attack: Attack, database = name) {
    const its = tenant(name);
    const scope = scopeWith({ [name]: its });
    await provision(scope, server.access);
    const leaked = (await versionsOf(server.access.store, its.secret)).current;
    const session = await login(leaked, database);
    const ended = new Promise((resolve) => session.once("end", resolve));
    await attack(session, { login: leaked.username, database: name });
    return { its, scope, leaked, session, ended };
  }

  it.each(Object.entries(ATTACKS))("that %s does not hold up its revocation", async (title, attack) => {
    const name = `shut${Object.keys(ATTACKS).indexOf(title)}`;
    const { its, leaked, ended } = await attacked(name, attack, title === "holds the lock" ? "postgres" : name);
    // Less than what a lock is waited for.
    const { current, ended: count } = await revoke(its, { ...server.access, patience: { deadlineMs: 10_000 } });
    await ended;
    expect([current, count]).toEqual([`${name}_b`, 1]);
    for (const password of [leaked.password, "Attackers-0123456789"])
      expect(await refusal(login({ ...leaked, password }, "postgres"))).toMatch(/password authentication failed|not permitted to log in/);
  });

  it("that another platform's revocation meets at the lock is ended", async () => {
    const { ended } = await attacked("neighbour", ATTACKS["holds the lock"] as Attack, "postgres");
    const its = tenant("victim");
    await provision(scopeWith({ victim: its }), { ...server.access, patience: { deadlineMs: 10_000 } });
    await ended;
    expect(await revoke(its, server.access)).toMatchObject({ current: "victim_b", unproved: null });
  });

  it("that comes back all the time is shut out, without a session left", async () => {
    const its = tenant("storm");
    await provision(scopeWith({ storm: its }), server.access);
    const leaked = (await versionsOf(server.access.store, its.secret)).current;
    let isOver = false;
    const client = async () => {
      while (!isOver) {
        await login(leaked, "storm")
          .then((session) =>
            session
              .query("begin")
              .then(() => session.query("alter role storm_a password 'Attackers-0123456789'"))
              .then(() => session.query("select pg_sleep(1)"))
              .finally(() => close(session)),
          )
          .catch(() => pause(5));
      }
    };
    const clients = Array.from({ length: 5 }, client);
    await pause(200);
    const { current } = await revoke(its, server.access);
    expect(current).toBe("storm_b");
    expect(await server.sql("select count(*)::int as count from pg_stat_activity where usename = 'storm_a'")).toEqual([{ count: 0 }]);
    isOver = true;
    await Promise.all(clients);
  });

  it.each(Object.entries(ATTACKS).filter(([title]) => !title.startsWith("holds")))(
    "that %s stops no other platform's provisioning",
    async (title, attack) => {
      const name = `own${Object.keys(ATTACKS).indexOf(title)}`;
      const { its, session } = await attacked(name, attack);
      await close(session);
      const other = tenant(`${name}_other`);
      const both = scopeWith({ [name]: its, other });
      const said = await provision(both, server.access).then(
        ({ unsound }) => unsound,
        (error: Error) => [error.message],
      );
      const { current } = await versionsOf(server.access.store, other.secret);
      await close(await login(current, `${name}_other`));
      const problems = (await diagnose("main", both, server.access, server.stranger.certificate)).filter(({ problem }) => problem !== null);
      // Other tests' platforms are not in this spec.
      const own = problems.filter(({ promise }) => !promise.includes("which is not in the spec"));
      expect(own.filter(({ subject }) => subject !== name)).toEqual([]);
      // Provisioning mends it, or says what is wrong: never that all is well where doctor would not.
      expect(said.length === 0).toBe(own.length === 0);
    },
  );

  it("whose secret names another login, or that ends its own sessions all the time, stops no other platform's provisioning", async () => {
    const [its, other] = [tenant("spoiled"), tenant("spoiled_other")];
    await provision(scopeWith({ spoiled: its }), server.access);
    await server.access.store.write(its.secret, { username: "stranger", password: "Strangers-0123456789" });
    const both = scopeWith({ spoiled: its, other });
    expect(await refusal(provision(both, server.access))).toContain("names the login stranger, not spoiled_a or spoiled_b");
    await close(await login((await versionsOf(server.access.store, other.secret)).current, "spoiled_other"));
    const problems = (await diagnose("main", both, server.access, server.stranger.certificate)).filter(({ problem }) => problem !== null);
    expect(problems.filter(({ subject }) => subject === "other")).toEqual([]);
    expect(problems.find(({ subject }) => subject === "spoiled")?.problem).toContain("names the login stranger");
  });

  it("that closes its database finds it open again after provisioning", async () => {
    const { its, scope } = await attacked("reopened", ATTACKS["lets nobody connect to its database any more"] as Attack);
    const { changes } = await provision(scope, server.access);
    expect(changes.map(({ why }) => why)).toEqual(["database reopened accepts only 0 connections"]);
    await server.sql("set role reopened_owner; alter database reopened allow_connections false; reset role");
    expect((await provision(scopeWith({ reopened: its }), server.access)).changes.map(({ why }) => why)).toEqual([
      "database reopened accepts no connections",
    ]);
  });

  it("that sets a role on its database does not decide what the master works as there", async () => {
    const its = tenant("masked", { databases: [{ name: "masked", extensions: ["pg_trgm"] }] });
    await provision(scopeWith({ masked: its, other: tenant("masked_other") }), server.access);
    await server.sql("drop extension pg_trgm", "masked");
    for (const set of ["role to masked_other_owner", "default_transaction_read_only to on", "idle_session_timeout to 1"])
      await server.sql(`set role masked_owner; alter database masked set ${set}; reset role`);
    const { changes, unsound } = await provision(scopeWith({ masked: its }), server.access);
    expect(changes.map(({ why }) => why)).toEqual(["extension pg_trgm is missing in database masked"]);
    expect(unsound).toEqual([
      'masked sets role to masked_other_owner, default_transaction_read_only to on, idle_session_timeout to 1 for everybody; if nobody needs it: ALTER DATABASE "masked" RESET role; ALTER DATABASE "masked" RESET default_transaction_read_only; ALTER DATABASE "masked" RESET idle_session_timeout',
    ]);
  });

  it("that another run opened while its revocation waited is shut again, with its sessions", async () => {
    const its = tenant("raced");
    await provision(scopeWith({ raced: its }), server.access);
    const { previous } = await versionsOf(server.access.store, its.secret);
    if (previous === null) throw new Error("no previous version");
    const { master, server: at } = server.access;
    await withClient(at, master, "postgres", async (other) => {
      await other.query("select pg_advisory_lock($1)", [0x706c6174]);
      const revoked = revoke(its, server.access);
      const isShut = async () => (await other.query("select from pg_roles where rolname = 'raced_b' and rolcanlogin")).rowCount === 0;
      while (!(await isShut())) await pause(10);
      // As a run that has read the secret before.
      await setPassword(other, previous);
      const session = await login(previous, "raced");
      const ended = new Promise((resolve) => session.once("end", resolve));
      await other.query("select pg_advisory_unlock($1)", [0x706c6174]);
      expect(await revoked).toMatchObject({ current: "raced_b", ended: 1, unproved: null });
      await ended;
    });
    expect(await refusal(login(previous, "raced"))).toMatch(/password authentication failed/);
  });

  it("is not opened by provisioning that finds it shut meanwhile", async () => {
    const its = tenant("closing");
    const scope = scopeWith({ closing: its });
    await provision(scope, server.access);
    const before = await versionsOf(server.access.store, its.secret);
    // Between what provisioning has observed and its first login.
    const store = {
      ...server.access.store,
      description: "slow",
      write: server.access.store.write.bind(server.access.store),
      read: async (secret: string) => {
        const versions = await server.access.store.read(secret);
        await server.sql("alter role closing_a password null; comment on role closing_a is 'platform-postgres: revoked'");
        return versions;
      },
    };
    expect(await refusal(provision(scope, { ...server.access, store }))).toContain(
      "login closing_a was revoked, and the revocation was interrupted; first run npm run provision",
    );
    expect(await refusal(login(before.current, "closing"))).toMatch(/password authentication failed/);
    expect((await provision(scope, server.access)).logins.closing).toBe("closing_a");
    expect((await versionsOf(server.access.store, its.secret)).current.password).not.toBe(before.current.password);
  });

  it("that is cut in the first try does not have the second create again what is there", async () => {
    let connections = 0;
    const proxy = createServer((near) => {
      connections += 1;
      // The first is the master's; the second the platform's first login, after its roles and databases were created.
      if (connections === 2) return void near.destroy();
      const far = connect(server.server.port, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const)
        from.pipe(to).on("error", () => from.destroy());
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const via = { host: "127.0.0.1", port: (proxy.address() as AddressInfo).port };
    const its = tenant("retried");
    const { logins } = await provision(scopeWith({ retried: its }), { ...server.access, server: { ...server.access.server, via } });
    expect([logins, connections > 2]).toEqual([{ retried: "retried_a" }, true]);
    proxy.close();
  });
});
