import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { open, withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { diagnose } from "../../constructs/provisioning/doctor";
import { provision } from "../../constructs/provisioning/provision";
import { revoke } from "../../constructs/provisioning/revoke";
import { rotate } from "../../constructs/provisioning/rotate";
import type { SecretStore, Versions } from "../../constructs/provisioning/secret-store";
import { setPassword } from "../../constructs/provisioning/versions";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { memoryStore, refusal, tenant, versionsOf } from "../fixtures/tenants";

/** A store that fails when it is written. */
const brokenStore = (versions: Versions): SecretStore => ({
  ...memoryStore(),
  read: async () => versions,
  write: () => Promise.reject(new Error("the power went")),
});

describe("rotate", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  const worksAs = (credential: Credential, database: string) =>
    withClient(
      server.access.server,
      credential,
      database,
      async (client) => (await client.query("select current_user as user")).rows[0]?.user as string,
    );

  it("gives the other login a new password; the one in use works until the next rotation", async () => {
    const its = tenant("turn");
    await provision(scopeWith({ turn: its }), server.access);
    const first = (await versionsOf(server.access.store, its.secret)).current;
    expect(first.username).toBe("turn_a");

    expect(await rotate(its, server.access, { force: false })).toEqual({ current: "turn_b", previous: "turn_a" });
    const second = await versionsOf(server.access.store, its.secret);
    expect(second.previous).toEqual(first);
    expect(await worksAs(second.current, "turn")).toBe("turn_owner");
    expect(await worksAs(first, "turn")).toBe("turn_owner");

    expect(await rotate(its, server.access, { force: false })).toEqual({ current: "turn_a", previous: "turn_b" });
    const third = (await versionsOf(server.access.store, its.secret)).current;
    expect(third.password).not.toBe(first.password);
    expect(await worksAs(third, "turn")).toBe("turn_owner");
    expect(await refusal(worksAs(first, "turn"))).toBe('error: password authentication failed for user "turn_a"');
    expect((await provision(scopeWith({ turn: its }), server.access)).changes).toEqual([]);
  });

  it("leaves the sessions of the login in use alone", async () => {
    const its = tenant("alive");
    await provision(scopeWith({ alive: its }), server.access);
    const session = await open(server.access.server, (await versionsOf(server.access.store, its.secret)).current, "alive");
    await session.query("create table public.kept (id int)");
    await rotate(its, server.access, { force: false });
    await session.query("insert into public.kept values (1)");
    await session.end();
  });

  it("closes a leak at once when asked to revoke", async () => {
    const its = tenant("leak");
    const scope = scopeWith({ leak: its });
    await provision(scope, server.access);
    const leaked = (await versionsOf(server.access.store, its.secret)).current;
    const sessions = await Promise.all([1, 2].map(() => open(server.access.server, leaked, "leak")));
    const ends = sessions.map((session) => new Promise((resolve) => session.once("end", resolve)));

    expect(await revoke(its, server.access)).toEqual({ current: "leak_b", previous: "leak_a", ended: 2, unproved: null });
    await Promise.all(ends);
    // Which of the two is told depends on the order in which PostgreSQL looks.
    expect(await refusal(worksAs(leaked, "leak"))).toMatch(/password authentication failed|not permitted to log in/);
    // The password is gone, too: opening the login again by hand does not bring it back.
    await server.sql("alter role leak_a login");
    expect(await refusal(worksAs(leaked, "leak"))).toBe('error: password authentication failed for user "leak_a"');
  });

  it("does not open a revoked login again, until the next rotation gives it a new password", async () => {
    const its = tenant("shut");
    const scope = scopeWith({ shut: its });
    await provision(scope, server.access);
    const leaked = (await versionsOf(server.access.store, its.secret)).current;
    await revoke(its, server.access);
    expect((await provision(scope, server.access)).changes).toEqual([]);
    expect(await server.sql("select rolcanlogin from pg_roles where rolname = 'shut_a'")).toEqual([{ rolcanlogin: false }]);

    await rotate(its, server.access, { force: false });
    const { current } = await versionsOf(server.access.store, its.secret);
    expect(current.username).toBe("shut_a");
    expect(await worksAs(current, "shut")).toBe("shut_owner");
    expect(current.password).not.toBe(leaked.password);
  });

  it("never brings a revoked password back, however the next rotation ends", async () => {
    const its = tenant("dead");
    const scope = scopeWith({ dead: its });
    await provision(scope, server.access);
    const leaked = (await versionsOf(server.access.store, its.secret)).current;
    await revoke(its, server.access);
    expect((await versionsOf(server.access.store, its.secret)).previous).toBeNull();

    const store = {
      ...server.access.store,
      description: "broken",
      read: (secret: string) => server.access.store.read(secret),
      write: () => Promise.reject(new Error("the power went")),
    };
    await expect(rotate(its, { ...server.access, store }, { force: false })).rejects.toThrow("the power went");
    expect((await provision(scope, server.access)).changes.map((step) => step.why)).toEqual([
      "login dead_a may log in, and no version of its secret names it",
    ]);
    expect(await refusal(worksAs(leaked, "dead"))).toMatch(/password authentication failed|not permitted to log in/);
  });

  it("is carried on by provisioning where it was interrupted after the new version was stored", async () => {
    const its = tenant("half");
    const scope = scopeWith({ half: its });
    await provision(scope, server.access);
    const leaked = (await versionsOf(server.access.store, its.secret)).current;
    // What is on the disk after a SIGKILL right after the store was written.
    const next = { username: "half_b", password: "Half-done-0123456789" };
    await withClient(server.access.server, server.access.master, "postgres", (client) => setPassword(client, next));
    await server.access.store.write(its.secret, next, true);
    expect(await worksAs(leaked, "half")).toBe("half_owner");
    expect((await provision(scope, server.access)).changes.map((step) => step.why)).toEqual([
      "login half_a may log in, and no version of its secret names it",
    ]);
    expect(await refusal(worksAs(leaked, "half"))).toMatch(/password authentication failed|not permitted to log in/);
  });

  it("leaves one working login when two revoke at once", async () => {
    const its = tenant("pair");
    const scope = scopeWith({ pair: its });
    await provision(scope, server.access);
    await Promise.all([1, 2].map(() => revoke(its, server.access)));
    const { current, previous } = await versionsOf(server.access.store, its.secret);
    expect(previous).toBeNull();
    expect(await worksAs(current, "pair")).toBe("pair_owner");
    expect((await provision(scope, server.access)).changes).toEqual([]);
  });

  it("has provisioning end the sessions that an interrupted revocation left", async () => {
    const its = tenant("stay");
    const scope = scopeWith({ stay: its });
    await provision(scope, server.access);
    const versions = await versionsOf(server.access.store, its.secret);
    const session = await open(server.access.server, versions.current, "stay");
    const end = new Promise((resolve) => session.once("end", resolve));
    if (versions.previous === null) throw new Error("no previous version");
    await server.access.store.write(its.secret, versions.previous, true);
    const problems = (await diagnose("main", scope, server.access, server.stranger.certificate)).map((check) => check.problem);
    expect(problems).toContain("it was revoked, but has 1 sessions; run npm run provision");
    expect((await provision(scope, server.access)).changes.map((step) => step.why)).toEqual([
      "login stay_a may log in, and no version of its secret names it",
      "ending sessions of login stay_a needs its rights",
      "login stay_a was revoked, but still has sessions",
    ]);
    await end;
  });

  it("ends the sessions of both logins, whichever of them leaked", async () => {
    const its = tenant("both");
    await provision(scopeWith({ both: its }), server.access);
    const leaked = (await versionsOf(server.access.store, its.secret)).current;
    const session = await open(server.access.server, leaked, "both");
    const end = new Promise((resolve) => session.once("end", resolve));
    await rotate(its, server.access, { force: false });
    expect(await revoke(its, server.access)).toEqual({ current: "both_a", previous: "both_b", ended: 1, unproved: null });
    await end;
    expect(await refusal(worksAs(leaked, "both"))).toBe('error: password authentication failed for user "both_a"');
  });

  it("cannot be held up by a login that takes its lock", async () => {
    const its = tenant("grip");
    await provision(scopeWith({ grip: its }), server.access);
    const { current } = await versionsOf(server.access.store, its.secret);
    const session = await open(server.access.server, current, "postgres");
    await session.query("select pg_advisory_lock($1)", [0x706c6174]);
    expect(await revoke(its, { ...server.access, patience: { deadlineMs: 300 } })).toMatchObject({
      current: "grip_b",
      previous: "grip_a",
    });
  });

  it("takes a login whose connections are all in use as proved", async () => {
    const its = tenant("busy", {
      logins: [
        { name: "busy_a", connectionLimit: 1 },
        { name: "busy_b", connectionLimit: 1 },
      ],
    });
    await provision(scopeWith({ busy: its }), server.access);
    const { previous } = await versionsOf(server.access.store, its.secret);
    if (previous === null) throw new Error("no previous version");
    const session = await open(server.access.server, previous, "busy");
    expect(await rotate(its, server.access, { force: true })).toMatchObject({ current: "busy_b" });
    await session.end();
  });

  it("harms nobody when it is interrupted before the new version is stored", async () => {
    const its = tenant("halt");
    const scope = scopeWith({ halt: its });
    await provision(scope, server.access);
    const before = await versionsOf(server.access.store, its.secret);
    await expect(rotate(its, { ...server.access, store: brokenStore(before) }, { force: false })).rejects.toThrow("the power went");
    expect(await worksAs(before.current, "halt")).toBe("halt_owner");
    // The other login has a password that nobody knows; the next run sets the stored one again.
    expect((await provision(scope, server.access)).changes.map((step) => step.why)).toEqual(["login halt_b has a different password"]);
    expect(await rotate(its, server.access, { force: false })).toMatchObject({ current: "halt_b" });
  });

  it("keeps a leak closed when a revocation is interrupted, and has provisioning carry it on", async () => {
    const its = tenant("torn");
    const scope = scopeWith({ torn: its });
    await provision(scope, server.access);
    const before = await versionsOf(server.access.store, its.secret);
    await expect(revoke(its, { ...server.access, store: brokenStore(before) })).rejects.toThrow("the power went");
    for (const leaked of [before.current, before.previous])
      if (leaked !== null) expect(await refusal(worksAs(leaked, "torn"))).toMatch(/password authentication failed|not permitted to log in/);
    const { logins } = await provision(scope, server.access);
    const after = await versionsOf(server.access.store, its.secret);
    expect([logins.torn, after.current.username, after.previous]).toEqual(["torn_a", "torn_a", null]);
    expect(await worksAs(after.current, "torn")).toBe("torn_owner");
    expect(await refusal(worksAs(before.current, "torn"))).toMatch(/password authentication failed/);
    expect((await provision(scope, server.access)).changes).toEqual([]);
  });

  it("refuses to take the password from sessions, until it is forced to", async () => {
    const its = tenant("slow");
    await provision(scopeWith({ slow: its }), server.access);
    const { previous } = await versionsOf(server.access.store, its.secret);
    if (previous === null) throw new Error("no previous version");
    const session = await open(server.access.server, previous, "slow");
    expect(await refusal(rotate(its, server.access, { force: false }))).toBe(
      "ProvisioningError: login slow_b would get the new password, but still has 1 sessions of pods that have not read the secret since the last rotation; restart them, and run this again",
    );
    expect(await rotate(its, server.access, { force: true })).toMatchObject({ current: "slow_b" });
    await session.query("select 1");
    await session.end();
  });

  it("refuses a login that would not act as the owner, and stores nothing", async () => {
    const its = tenant("wrong");
    await provision(scopeWith({ wrong: its }), server.access);
    const before = await versionsOf(server.access.store, its.secret);
    await server.sql("alter role wrong_b in database wrong reset role");
    expect(await refusal(rotate(its, server.access, { force: false }))).toBe(
      "ProvisioningError: the new login acts as wrong_b, not as wrong_owner; first run npm run provision",
    );
    expect(await versionsOf(server.access.store, its.secret)).toEqual(before);
  });

  it("names the store where that fails, not the database, though the fault is like one of the database's", async () => {
    const its = tenant("blame");
    const scope = scopeWith({ blame: its });
    await provision(scope, server.access);
    const fault = () => Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    const versions = await versionsOf(server.access.store, its.secret);
    const sentence = "ProvisioningError: memory failed on secret test--blame (connect ECONNREFUSED); run this again";
    const accessTo = (store: SecretStore) => ({ ...server.access, store, patience: { deadlineMs: 300 } });
    const unreadable = accessTo({ ...memoryStore(), read: fault });
    const unwritable = accessTo({ ...brokenStore(versions), write: fault });
    for (const access of [unreadable, unwritable]) expect(await refusal(rotate(its, access, { force: false }))).toBe(sentence);
    expect(await refusal(provision(scope, unreadable))).toBe(sentence);
    expect(await refusal(revoke(its, unwritable))).toBe(sentence);
    expect(await refusal(provision(scope, unwritable))).toBe(sentence);
  });

  it("says what is missing before there is a password", async () => {
    expect(await refusal(rotate(tenant("none"), server.access, { force: false }))).toBe(
      "ProvisioningError: secret test--none has no password yet; first run npm run provision",
    );
  });
});
