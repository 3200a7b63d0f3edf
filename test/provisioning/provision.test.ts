import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { open, withClient } from "../../constructs/provisioning/connect";
import { provision } from "../../constructs/provisioning/provision";
import type { SecretStore } from "../../constructs/provisioning/secret-store";
import { scopeWith, singleUser, startServer, type TestServer } from "../fixtures/server";

import { memoryStore, refusal, tenant } from "../fixtures/tenants";

describe("provision", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  it("quotes every name, however hostile", async () => {
    const hostile = fc
      .string({
        unit: fc.constantFrom("'", '"', "\\", ";", "-", "$", " ", "\n", "%", "=", ".", "ä", "a", "A", "0", "--", "/*"),
        minLength: 1,
        maxLength: 10,
      })
      .filter((name) => name.trim() !== "");
    let run = 0;
    await fc.assert(
      fc.asyncProperty(hostile, async (name) => {
        run += 1;
        const its = tenant(`${name}${run}`, { secret: `test--hostile-${run}`, loginParameters: { application_name: name } });
        const scope = scopeWith({ hostile: its });
        await provision(scope, server.access);
        expect((await provision(scope, server.access)).changes).toEqual([]);
        expect(
          await server.sql(`select count(*)::int as count from pg_database where datname = ${literal(its.databases[0]?.name ?? "")}`),
        ).toEqual([{ count: 1 }]);
      }),
      { numRuns: 6 },
    );
  });

  it("lets concurrent runs wait for each other: one of them does the work", async () => {
    const scope = scopeWith({ many: tenant("many") });
    const results = await Promise.all([1, 2, 3, 4].map(() => provision(scope, server.access)));
    expect(results.filter((result) => result.changes.length > 0)).toHaveLength(1);
  });

  it("waits for another run no longer than its deadline", async () => {
    await withClient(server.access.server, server.access.master, "postgres", async (client) => {
      await client.query("select pg_advisory_lock($1)", [0x706c6174]);
      const access = { ...server.access, patience: { deadlineMs: 200 } };
      expect(await refusal(provision(scopeWith({ locked: tenant("locked") }), access))).toBe(
        `ProvisioningError: localhost:${server.server.port}: another run holds the lock, and did not finish within 0.2 s; wait for it, and run this again`,
      );
    });
  });

  it("gives a login whose password was changed elsewhere the one of its secret", async () => {
    const scope = scopeWith({ changed: tenant("changed") });
    await provision(scope, server.access);
    await server.sql("alter role changed_b password 'something-else'");
    expect((await provision(scope, server.access)).changes.map((step) => step.why)).toEqual(["login changed_b has a different password"]);
    expect((await provision(scope, server.access)).changes).toEqual([]);
  });

  it("makes new passwords where the secret store has lost them", async () => {
    const scope = scopeWith({ lost: tenant("lost") });
    await provision(scope, server.access);
    const empty: SecretStore = memoryStore();
    expect((await provision(scope, { ...server.access, store: empty })).changes.map((step) => step.why)).toEqual([
      "login lost_a has a different password",
      "login lost_b has a different password",
    ]);
  });

  it("mends what somebody changed, and drops nothing", async () => {
    const scope = scopeWith({ drift: tenant("drift") });
    await provision(scope, server.access);
    await server.sql("create table public.kept (id int)", "drift");
    await server.sql("alter database drift owner to master");
    await server.sql("grant connect on database drift to public");
    await server.sql("alter role drift_a in database drift reset role");
    await server.sql("revoke drift_owner from drift_b");
    await server.sql("alter role drift_b connection limit 99");
    const { changes } = await provision(scope, server.access);
    expect(changes.map((step) => step.sql)).toEqual([
      `ALTER ROLE "drift_b" NOCREATEDB CONNECTION LIMIT 5`,
      `GRANT "drift_owner" TO "drift_b" WITH INHERIT TRUE, SET TRUE`,
      `ALTER DATABASE "drift" OWNER TO "drift_owner"`,
      `REVOKE ALL ON DATABASE "drift" FROM PUBLIC`,
      `ALTER ROLE "drift_a" IN DATABASE "drift" SET "role" = 'drift_owner'`,
    ]);
    expect(await server.sql("select count(*)::int as count from pg_tables where tablename = 'kept'", "drift")).toEqual([{ count: 1 }]);
  });

  it("gives a login the rights of its owner role, where it was made not to inherit them", async () => {
    const its = tenant("alone");
    await server.sql("create role alone_a login noinherit");
    const { changes } = await provision(scopeWith({ alone: its }), server.access);
    expect(changes.map((step) => step.sql)).toContain('ALTER ROLE "alone_a" INHERIT');
    await server.sql("revoke alone_owner from alone_b; grant alone_owner to alone_b with inherit false");
    await provision(scopeWith({ alone: its }), server.access);
    expect((await provision(scopeWith({ alone: its }), server.access)).changes).toEqual([]);
  });

  it("takes the newer of two stored versions of one login", async () => {
    const its = tenant("twice");
    await server.access.store.write(its.secret, { username: "twice_a", password: "older-password" });
    await server.access.store.write(its.secret, { username: "twice_a", password: "newer-password" });
    await provision(scopeWith({ twice: its }), server.access);
    expect((await provision(scopeWith({ twice: its }), server.access)).changes).toEqual([]);
    const session = await open(server.access.server, { username: "twice_a", password: "newer-password" }, "twice");
    await session.end();
  });

  it("verifies the server whatever the shell says", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    // Node warns of it.
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const access = {
      ...server.access,
      server: { ...server.access.server, tls: { mode: "verify-full" as const, ca: server.stranger.certificate } },
    };
    expect(await refusal(provision(scopeWith({ shell: tenant("shell") }), access))).toContain("is not signed by the given CA");
    vi.unstubAllEnvs();
    warn.mockRestore();
  });

  it("asks for the grant where somebody else made a role", async () => {
    await server.sql("create role other_master login createrole createdb password 'other-master-password'");
    const other = { ...server.access, master: { username: "other_master", password: "other-master-password" } };
    const scope = scopeWith({ foreign: tenant("foreign") });
    await provision(scope, other);
    expect(await refusal(provision(scope, server.access))).toBe(
      [
        'ProvisioningError: role foreign_owner was created by another role; run as that role: GRANT "foreign_owner" TO "master" WITH ADMIN OPTION',
        'role foreign_a was created by another role; run as that role: GRANT "foreign_a" TO "master" WITH ADMIN OPTION',
        'role foreign_b was created by another role; run as that role: GRANT "foreign_b" TO "master" WITH ADMIN OPTION',
      ].join("\n"),
    );
    await withClient(other.server, other.master, "postgres", async (client) => {
      for (const role of ["foreign_owner", "foreign_a", "foreign_b"]) await client.query(`GRANT "${role}" TO "master" WITH ADMIN OPTION`);
    });
    expect((await provision(scope, server.access)).changes).toEqual([]);
  });

  it("refuses the databases of another environment", async () => {
    const scope = scopeWith({ shared: tenant("shared") });
    await provision(scope, server.access);
    expect(await refusal(provision({ ...scope, environment: "staging" }, server.access))).toBe(
      "ProvisioningError: role shared_owner belongs to environment test; use a separate instance for this environment",
    );
  });

  it("refuses a secret that names a foreign login", async () => {
    const its = tenant("mixed");
    await server.access.store.write(its.secret, { username: "somebody", password: "x" });
    expect(await refusal(provision(scopeWith({ mixed: its }), server.access))).toBe(
      `ProvisioningError: secret test--mixed in ${server.access.store.description} names the login somebody, not mixed_a or mixed_b; remove that version`,
    );
  });

  it("refuses a login that does not act as the owner", async () => {
    const its = tenant("astray", { loginParameters: { role: "none" } });
    expect(await refusal(provision(scopeWith({ astray: its }), server.access))).toBe(
      "ProvisioningError: astray_a acts as astray_a in database astray, not as astray_owner; update PostgreSQL to the next minor version",
    );
  });

  it("looks for functions and tables in the catalog only", async () => {
    expect(await server.sql("show search_path")).toEqual([{ search_path: "pg_catalog" }]);
  });

  it("names an extension that the server does not have", async () => {
    expect(
      await refusal(
        provision(
          scopeWith({ vector: tenant("vector", { databases: [{ name: "vector", extensions: ["no_such_extension"] }] }) }),
          server.access,
        ),
      ),
    ).toMatch(/^ProvisioningError: extension no_such_extension cannot be created in database vector \(.*\); allow it on the server$/);
  });

  describe("says in one sentence what to do", () => {
    const scope = () => scopeWith({ told: tenant("told") });
    const quick = { deadlineMs: 300 };

    it("when nothing listens", async () => {
      const access = { ...server.access, server: { ...server.access.server, port: 1 }, patience: quick };
      expect(await refusal(provision(scope(), access))).toBe(
        "ProvisioningError: nothing listens on localhost:1; start the database, or correct host and port",
      );
    });

    it("when the name does not resolve", async () => {
      const access = { ...server.access, server: { ...server.access.server, host: "no-such-host.invalid" }, patience: quick };
      expect(await refusal(provision(scope(), access))).toMatch(
        /^ProvisioningError: the name no-such-host\.invalid (does not resolve; correct the host|could not be looked up)/,
      );
    });

    it("when the CA is another's", async () => {
      const access = {
        ...server.access,
        server: { ...server.access.server, tls: { mode: "verify-full" as const, ca: server.stranger.certificate } },
      };
      expect(await refusal(provision(scope(), access))).toBe(
        `ProvisioningError: the certificate of localhost:${server.server.port} is not signed by the given CA; give the CA of this server`,
      );
    });

    it("when the certificate is for another name", async () => {
      server = await server.restart({ certificateFor: "db.example.internal" });
      const { access } = server;
      expect(await refusal(provision(scope(), access))).toBe(
        `ProvisioningError: the certificate of localhost:${server.server.port} is for another name; connect with a name that it contains`,
      );
      const byCa = { ...access, server: { ...access.server, tls: { mode: "verify-ca" as const, ca: server.ca.certificate } } };
      expect(await refusal(provision(scope(), byCa))).toBe("accepted");
      server = await server.restart({});
    });

    it("when the master's password is wrong", async () => {
      const access = { ...server.access, master: { username: "master", password: "wrong-Canary-password" } };
      const message = await refusal(provision(scope(), access));
      expect(message).toBe(
        `ProvisioningError: localhost:${server.server.port} rejects the password of master; write the correct one into its secret`,
      );
      expect(message).not.toContain("Canary");
    });

    it("when the master may not create roles", async () => {
      await server.sql("create role weak login password 'weak-password'");
      const access = { ...server.access, master: { username: "weak", password: "weak-password" } };
      expect(await refusal(provision(scope(), access))).toBe(
        `ProvisioningError: localhost:${server.server.port}: weak may not create roles and databases; run as an administrator: ALTER ROLE "weak" CREATEROLE CREATEDB`,
      );
    });

    it("when the server is read-only", async () => {
      await server.sql("create role reader login createrole createdb password 'reader-password'");
      await server.sql("alter role reader set default_transaction_read_only = on");
      const access = { ...server.access, master: { username: "reader", password: "reader-password" } };
      expect(await refusal(provision(scope(), access))).toBe(
        `ProvisioningError: localhost:${server.server.port}: the server is read-only, because default_transaction_read_only is on; set it to off in the server's configuration, or run: ALTER ROLE "reader" RESET default_transaction_read_only`,
      );
    });
  });

  it("waits for a server that is still starting", async () => {
    const scope = scopeWith({ patient: tenant("patient") });
    const waits: string[] = [];
    const port = server.server.port;
    await server.server.stop();
    const running = provision(scope, { ...server.access, patience: { deadlineMs: 600_000, onRetry: (sentence) => waits.push(sentence) } });
    while (waits.length === 0) await pause(20);
    server = await server.startAgain(port);
    expect((await running).changes.length).toBeGreaterThan(0);
    expect(waits[0]).toBe(`nothing listens on localhost:${port}; start the database, or correct host and port`);
  });
});

describe("passwords", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await (await startServer()).restart({
      parameters: {
        log_statement: "all",
        log_min_messages: "debug1",
        log_min_error_statement: "debug1",
        shared_preload_libraries: "pg_stat_statements",
      },
    });
  });
  afterAll(() => server?.stop());

  it("never reach the server's log or its statistics; verifiers do", async () => {
    const { directory, port } = server.server;
    await server.server.stop();
    await singleUser(17, directory, "CREATE EXTENSION pg_stat_statements");
    server = await server.startAgain(port);
    const store = memoryStore();
    const its = tenant("canary");
    await store.write(its.secret, { username: "canary_b", password: "Canary-previous-012345678" });
    await store.write(its.secret, { username: "canary_a", password: "Canary-current-0123456789" });
    const scope = scopeWith({ canary: its });
    await provision(scope, { ...server.access, store });
    await server.sql("alter role canary_a password null");
    await provision(scope, { ...server.access, store });

    const statements = (await server.sql("select query from public.pg_stat_statements")).map((row) => String(row.query));
    expect(statements.filter((statement) => statement.includes('ROLE "canary_a"')).length).toBeGreaterThan(2);
    expect(statements.filter((statement) => statement.includes("Canary-"))).toEqual([]);
    const log = readFileSync(join(server.server.directory, "postgres.log"), "utf8");
    expect(log).toContain('CREATE ROLE "canary_a" LOGIN NOCREATEDB CONNECTION LIMIT 5 PASSWORD \'SCRAM-SHA-256$4096:');
    expect(log).not.toMatch(/Canary-/);
  });
});

const literal = (text: string): string => `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
