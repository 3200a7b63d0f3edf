import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { createCa } from "../../constructs/local/certificates";
import { local } from "../../constructs/local/target";
import { resolve } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import type * as DryRun from "../../infra/dry-run";
import { withFiles } from "../../infra/existing";
import type * as Deliver from "../../infra/local/deliver";
import type * as Session from "../../infra/local/session";
import { temporary } from "../fixtures/cli";
import { startServer, type TestServer } from "../fixtures/server";
import type { Spec } from "../fixtures/specs";
import { refusal } from "../fixtures/tenants";

/** A database that somebody else made: the test's own server, of which the session knows only what the spec says. */
describe("existing", () => {
  const directory = temporary();
  let server: TestServer;
  let session: typeof Session;
  let deliver: typeof Deliver;
  let dryRun: typeof DryRun;

  beforeAll(async () => {
    server = await startServer();
    vi.stubEnv("PLATFORM_POSTGRES_DIRECTORY", directory);
    session = await import("../../infra/local/session.js");
    deliver = await import("../../infra/local/deliver.js");
    dryRun = await import("../../infra/dry-run.js");
    writeFileSync(join(directory, "ca.pem"), server.ca.certificate);
    writeFileSync(join(directory, "master.json"), JSON.stringify({ ...server.access.master, engine: "postgres" }), { mode: 0o600 });
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const quiet = { doing: () => undefined, done: () => undefined, note: () => undefined, stop: () => undefined };
  /** As the loader reads it: the environment's file is beside the others. */
  const environment = (change: object = {}) => withFiles(written(change), directory);
  const written = (change: object) =>
    resolve(
      {
        name: "theirs",
        instances: {
          main: {
            existing: {
              host: "localhost",
              port: server.server.port,
              ca: "ca.pem",
              masterSecret: "master.json",
              maxConnections: 200,
              ...change,
            },
          },
        },
        platforms: { prefect: {} },
      },
      { target: local, platforms },
    );

  it("is looked at before anything is made, in a dry run that leaves no file", async () => {
    const before = readdirSync(directory);
    const found = await session.withServers(environment(), quiet, (its) => dryRun.dryRunAll(its, quiet), { creates: false });
    const [main] = found.instances;
    expect(found.upToDate).toBe(false);
    expect(main?.statements.at(0)?.sql).toBe('CREATE ROLE "prefect_owner" NOLOGIN NOCREATEDB');
    expect(main?.secrets).toEqual([
      { platform: "prefect", secret: "theirs--prefect", logins: ["prefect_b", "prefect_a"], reason: "it is empty" },
    ]);
    expect(readdirSync(directory)).toEqual(before);
  });

  it("is provisioned, checked and wired, and no server is started", async () => {
    const checks = await session.withServers(environment(), quiet, async (its) => {
      await deliver.provisionAll(its, quiet);
      await deliver.deliver(its);
      return deliver.diagnoseAll(its, quiet);
    });
    expect(checks.filter((check) => check.problem !== null)).toEqual([]);
    expect(checks.length).toBeGreaterThan(8);
    expect(readFileSync(join(directory, "out/theirs/prefect/platform.env"), "utf8")).toContain(
      `@localhost:${server.server.port}/prefect\n`,
    );
    expect(readFileSync(join(directory, "out/theirs/prefect/README.txt"), "utf8")).not.toContain("localhost, which is this machine");
    expect(existsSync(join(directory, ".local", "servers"))).toBe(false);
  });

  const use = (change: object) => refusal(session.withServers(environment(change), quiet, async () => undefined));

  it("takes the CA as text, too", async () => {
    expect(await use({ ca: server.ca.certificate })).toBe("accepted");
  });

  it.each([
    [
      "a master that is not there",
      { masterSecret: "no.json" },
      'there is no file <directory>/no.json; write {"username": ..., "password": ...} into it, mode 0600',
    ],
    [
      "a master that is none",
      { masterSecret: "ca.pem" },
      '<directory>/ca.pem is not JSON with username and password; write {"username": ..., "password": ...} into it, mode 0600',
    ],
  ])("refuses %s in a sentence", async (_case, change, sentence) => {
    expect(await use(change)).toBe(`UserError: ${sentence.replace("<directory>", directory)}`);
  });

  it("refuses a master's file that others can read", async () => {
    chmodSync(join(directory, "master.json"), 0o644);
    expect(await use({})).toBe(`UserError: ${directory}/master.json can be read by others (mode 644); run chmod 600 on it`);
    chmodSync(join(directory, "master.json"), 0o600);
  });
});

describe("the files of an existing database", () => {
  const directory = temporary();
  const files: Readonly<Record<string, string>> = {
    "key.pem": "-----BEGIN PRIVATE KEY-----\nbm90IHRvIGJlIHNob3du\n-----END PRIVATE KEY-----\n",
    "empty.pem": "\n",
    "other.txt": "# no certificate\n",
    "cut.pem": "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n",
  };
  let certificate: string;
  beforeAll(async () => {
    certificate = (await createCa("theirs")).certificate;
    for (const [name, text] of Object.entries({ ...files, "ca.pem": certificate })) writeFileSync(join(directory, name), text);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const host = { host: "db.example", maxConnections: 200 };
  const sections = {
    local: [local, {}, "master.json"],
    aws: [aws, { aws: { region: "eu-central-1" } }, "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf"],
    gcp: [gcp, { gcp: { project: "my-project", projectNumber: "123456789012", region: "europe-west4", network: "ml" } }, "master"],
  } as const;
  const load = (name: keyof typeof sections, ca: string | null) => {
    const [target, section, masterSecret] = sections[name];
    const spec = {
      name: "theirs",
      instances: { main: { existing: { ...host, masterSecret, ca } } },
      platforms: { prefect: {} },
      ...section,
    };
    return withFiles(resolve(spec as Spec, { target: target as typeof local, platforms }), directory).instances.main?.settings.existing;
  };

  describe.each(Object.keys(sections) as (keyof typeof sections)[])("on %s", (target) => {
    it("start in the directory of the environment's file, or are absolute", () => {
      expect(load(target, "ca.pem")?.ca).toBe(certificate);
      expect(load(target, join(directory, "ca.pem"))?.ca).toBe(certificate);
      expect(load(target, certificate)?.ca).toBe(certificate);
      expect(load(target, "ca.pem")?.masterSecret).toBe(target === "local" ? join(directory, "master.json") : sections[target][2]);
    });

    it.each([
      ["key.pem", "must not contain a private key, got <directory>/key.pem"],
      ["empty.pem", "must contain a certificate in PEM (BEGIN CERTIFICATE), got the empty file <directory>/empty.pem"],
      ["other.txt", "must contain a certificate in PEM (BEGIN CERTIFICATE), got <directory>/other.txt"],
      ["cut.pem", "must contain only complete certificates, got <directory>/cut.pem"],
      [
        `${files["key.pem"]}\n${files["cut.pem"]}`,
        "must not contain a private key, because every pod gets this file, got a string that may contain a password or a key",
      ],
      [".", "must be a readable file, got <directory>"],
      ["../no/such.pem", "must be a readable file, got <parent>/no/such.pem"],
    ])("are refused, and never shown, where there is no certificate: %j", async (ca, rule) => {
      const expected = rule.replace("<directory>", directory).replace("<parent>", dirname(directory));
      const message = await refusal((async () => load(target, ca))());
      expect(message).toContain(`SpecError: invalid spec:\n  - instances.main.existing.ca: ${expected}; `);
      expect(message).not.toContain("bm90");
    });
  });
});
