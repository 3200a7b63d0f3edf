import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createServerCertificate } from "../../constructs/local/certificates";
import type { Check } from "../../constructs/provisioning/check";
import { open } from "../../constructs/provisioning/connect";
import { diagnose } from "../../constructs/provisioning/doctor";
import { waitingParameters } from "../../constructs/provisioning/doctor-server";
import { provision } from "../../constructs/provisioning/provision";
import { revoke } from "../../constructs/provisioning/revoke";
import { bothPlatforms, reload, startServer, type TestServer } from "../fixtures/server";
import { refusal, versionsOf } from "../fixtures/tenants";

let server: TestServer | undefined;
const scope = bothPlatforms();

/** A server whose breaks were mended by the run before. */
async function sound(): Promise<TestServer> {
  server ??= await startServer();
  await provision(scope, server.access);
  return server;
}

const look = (its: TestServer): Promise<readonly Check[]> => diagnose("main", scope, its.access, its.stranger.certificate);
const problems = (checks: readonly Check[]): string[] =>
  checks.filter((check) => check.problem !== null).map((check) => `${check.subject}: ${check.problem}`);

describe("doctor", () => {
  afterAll(() => server?.stop());

  it("finds nothing in a sound server, and leaves nothing behind", async () => {
    const its = await sound();
    const checks = await look(its);
    expect(problems(checks)).toEqual([]);
    expect(checks.map((check) => check.promise)).toEqual(
      expect.arrayContaining([
        "rejects plain text to prefect",
        "its certificate is checked against the CA",
        "prefect_a works as prefect_owner in prefect",
        "prefect_b cannot connect to mlflow",
      ]),
    );
    expect(await its.sql("select count(*)::int as count from pg_tables where schemaname = 'public'", "prefect")).toEqual([{ count: 0 }]);
  });

  it("reports a database that belongs to another role", async () => {
    const its = await sound();
    await its.sql("alter database prefect owner to master");
    expect(problems(await look(its))).toContain("prefect: database prefect belongs to master, not to prefect_owner; run npm run provision");
  });

  it("sees a table that belongs to a login", async () => {
    const its = await sound();
    await its.sql("set role prefect_owner; create table public.stray (id int); reset role", "prefect");
    await its.sql("alter table public.stray owner to master", "prefect");
    expect(problems(await look(its))).toContain(
      'prefect: public.stray in prefect belong to master; run in that database as an administrator: ALTER TABLE "public"."stray" OWNER TO "prefect_owner"',
    );
    await its.sql("drop table public.stray", "prefect");
  });

  it("sees a missing extension", async () => {
    const its = await sound();
    await its.sql("drop extension pg_trgm", "prefect");
    expect(problems(await look(its))).toEqual([
      "prefect: extension pg_trgm is missing in prefect; run npm run provision",
      "prefect: extension pg_trgm is missing in prefect; run npm run provision",
    ]);
  });

  it.each([
    [
      "everybody",
      "grant connect on database prefect to public",
      "prefect: everyone may connect to database prefect; run npm run provision",
    ],
    [
      "another platform",
      "grant connect on database prefect to mlflow_b",
      'prefect: mlflow_b can connect too; revoke grants to individual roles (REVOKE CONNECT ON DATABASE "prefect" FROM ...), and run npm run provision',
    ],
  ])("sees an extra CONNECT grant to %s", async (_whom, statement, problem) => {
    const its = await sound();
    await its.sql(statement);
    const found = problems(await look(its));
    expect(found).toContain(problem);
    expect(found).toContain("mlflow: it can; run npm run provision");
    await its.sql("revoke connect on database prefect from mlflow_b");
  });

  it("sees a foreign member of the owner", async () => {
    const its = await sound();
    await its.sql("create role intruder login; grant prefect_owner to intruder");
    expect(problems(await look(its))).toContain(
      'prefect: intruder is a member of prefect_owner; if nobody needs it: REVOKE "prefect_owner" FROM "intruder"',
    );
    await its.sql("drop role intruder");
  });

  it("sees a login without SET role", async () => {
    const its = await sound();
    await its.sql("alter role prefect_b in database prefect reset role");
    const found = problems(await look(its));
    expect(found).toContain("prefect: login prefect_b does not set role to prefect_owner in database prefect; run npm run provision");
    expect(found).toContain("prefect: it acts as prefect_b; run npm run provision");
  });

  it("sees a password that the server does not know", async () => {
    const its = await sound();
    await its.sql("alter role mlflow_a password 'other'");
    const sentence = `mlflow: localhost:${its.server.port} rejects the password of mlflow_a; write the correct one into its secret`;
    // Neither entering its own database nor being kept out of another's could be seen.
    expect(problems(await look(its))).toEqual([sentence, sentence]);
  });

  it("sees a login that lost its right to the owner role", async () => {
    const its = await sound();
    await its.sql("revoke prefect_owner from prefect_a");
    expect(problems(await look(its))).toContain("prefect: login prefect_a is not a member of prefect_owner; run npm run provision");
  });

  it.each([
    ["everywhere", "all", ["mlflow", "prefect"]],
    ["to one database only", "prefect", ["prefect"]],
  ])("sees plain-text access %s", async (_where, database, subjects) => {
    const its = await sound();
    const file = join(its.server.directory, "data", "pg_hba.conf");
    const before = readFileSync(file, "utf8");
    appendFileSync(file, `host ${database} all 127.0.0.1/32 scram-sha-256\nhost ${database} all ::1/128 scram-sha-256\n`);
    await reload(its);
    const found = problems(await look(its));
    writeFileSync(file, before);
    await reload(its);
    const sentence = "a login without TLS was accepted; allow only hostssl in pg_hba.conf, or require TLS (rds.force_ssl, ENCRYPTED_ONLY)";
    expect(found).toEqual(subjects.map((subject) => `${subject}: ${sentence}`));
  });

  it("shows no password to whom asks for it without TLS", async () => {
    const its = await sound();
    const heard: string[] = [];
    // A double of somebody in between: passes TLS on, answers plain text itself, and asks for the password in clear.
    const listener = createServer((socket) => {
      socket
        .once("data", (first) => {
          if (first.length === 8) {
            const through = connect(its.server.port, "localhost", () => through.write(first));
            through
              .on("data", (data) => socket.write(data))
              .on("close", () => socket.destroy())
              .on("error", () => undefined);
            socket.on("data", (data) => through.write(data)).on("close", () => through.destroy());
            return;
          }
          socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
          socket.once("data", (answer) => {
            heard.push(answer.toString());
            socket.end();
          });
        })
        .on("error", () => undefined);
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as AddressInfo;
    const access = { ...its.access, server: { ...its.access.server, host: "127.0.0.1", port } };
    await diagnose("main", scope, access, its.stranger.certificate);
    await new Promise((resolve) => listener.close(resolve));
    expect(heard.length).toBeGreaterThan(0);
    const known = await Promise.all(["test--prefect", "test--mlflow"].map((secret) => versionsOf(its.access.store, secret)));
    const passwords = known.flatMap(({ current, previous }) => [current.password, previous?.password ?? current.password]);
    expect(passwords.filter((password) => heard.some((text) => text.includes(password)))).toEqual([]);
  });

  it("sees a role of its own in a foreign one", async () => {
    const its = await sound();
    await its.sql("create role powers; grant powers to prefect_a");
    expect(problems(await look(its))).toContain(
      'prefect: prefect_a is a member of powers; if nobody needs it: REVOKE "powers" FROM "prefect_a"',
    );
    await its.sql("drop role powers");
  });

  it("sees a right that no platform should have", async () => {
    const its = await sound();
    await its.sql("alter role prefect_a createrole");
    expect(problems(await look(its))).toContain("prefect: login prefect_a may create roles; run npm run provision");
  });

  it("sees a database that a platform made itself, and that everybody may enter", async () => {
    const its = await sound();
    await its.sql("create database prefect_extra owner prefect_owner");
    expect(problems(await look(its))).toEqual([
      expect.stringMatching(/^prefect: mlflow_a, mlflow_b can connect too; .*ON DATABASE "prefect_extra" FROM/),
    ]);
    await its.sql("drop database prefect_extra");
  });

  it("sees a certificate that ends soon, and one that has ended", async () => {
    const its = await sound();
    const install = async (days: number) => {
      const { certificate, key } = await createServerCertificate(its.ca, days);
      writeFileSync(join(its.server.directory, "data", "server.crt"), certificate);
      writeFileSync(join(its.server.directory, "data", "server.key"), key);
      await reload(its);
    };
    await install(10);
    expect(problems(await look(its))).toEqual([
      expect.stringMatching(/^instance main: it expires in (9|10) days \(20\d\d-\d\d-\d\d\); renew it$/),
    ]);
    await install(-1);
    expect(await refusal(look(its))).toBe(
      `ProvisioningError: the certificate of localhost:${its.server.port} has expired; renew it, or start again for a local server`,
    );
    await install(300);
    expect(problems(await look(its))).toEqual([]);
  });

  it("sees a parameter that waits for a restart, and names the command", async () => {
    const its = await sound();
    const main = scope.instance;
    const parameters = {
      ...main.settings.parameters,
      shared_buffers: "256MB",
      work_mem: "1GB",
      max_connections: 150,
    };
    const changed = { ...scope, instance: { ...main, settings: { ...main.settings, parameters } } };
    const access = { ...its.access, restart: "aws rds reboot-db-instance --db-instance-identifier main" };
    const [{ setting }] = (await its.sql("select setting from pg_settings where name = 'shared_buffers'")) as [{ setting: string }];
    expect(problems(await diagnose("main", changed, access, its.stranger.certificate))).toEqual([
      `instance main: shared_buffers is ${setting}, but the spec sets 32768; restart the server with ${access.restart}`,
    ]);
  });

  it("takes a list that the host has added to for what the spec says", () => {
    const settings = (libraries: string) => ({ ...scope.instance.settings, parameters: { shared_preload_libraries: libraries } });
    const inEffect = new Map([["shared_preload_libraries", "rdsutils,pgaudit, pg_stat_statements"]]);
    expect(waitingParameters(settings("pg_stat_statements, pgaudit"), inEffect)).toEqual([]);
    expect(waitingParameters(settings("pgaudit,pg_cron"), inEffect)).toEqual([
      "shared_preload_libraries is rdsutils,pgaudit, pg_stat_statements, but the spec sets pgaudit,pg_cron",
    ]);
  });

  it("sees fewer connections than the budget counts on, and another major version", async () => {
    const its = await sound();
    const wide = {
      ...scope,
      instance: { ...scope.instance, maxConnections: 600, settings: { ...scope.instance.settings, majorVersion: 18 as const } },
    };
    expect(problems(await diagnose("main", wide, its.access, its.stranger.certificate))).toEqual([
      "instance main: it is PostgreSQL 17; set majorVersion to 17, or upgrade the server",
      "instance main: max_connections is 500, but the budget needs 600; make sure that it is set, and restart the server",
    ]);
  });

  it("sees a login that holds all of its connections", async () => {
    const its = await sound();
    const { current } = await versionsOf(its.access.store, "test--prefect");
    const held = await Promise.all(Array.from({ length: 26 }, () => open(its.access.server, current, "prefect")));
    expect(problems(await look(its))).toEqual(["prefect: it has 26 open; raise the pool's budget in the spec, or shrink the pool"]);
    await Promise.all(held.map((client) => client.end()));
  });

  it("accepts a revoked login", async () => {
    const its = await sound();
    const tenant = scope.instance.tenants.mlflow;
    if (tenant === undefined) throw new Error("no mlflow");
    await revoke(tenant, its.access);
    expect(problems(await look(its))).toEqual([]);
  });

  it("sees an empty secret", async () => {
    const its = await sound();
    const store = { ...its.access.store, description: "empty", read: async () => null, write: async () => undefined };
    expect(problems(await diagnose("main", scope, { ...its.access, store }, its.stranger.certificate))).toContain(
      "prefect: its secret is empty; run npm run provision",
    );
  });
});
