import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { local } from "../../constructs/local/target";
import { resolve } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import type * as Deliver from "../../infra/local/deliver";
import type * as Session from "../../infra/local/session";
import { startServer, type TestServer } from "../fixtures/server";
import { refusal } from "../fixtures/tenants";

/** A database that somebody else made: the test's own server, of which the session knows only what the spec says. */
describe("existing", () => {
  const directory = mkdtempSync(join(tmpdir(), "platform-postgres-"));
  let server: TestServer;
  let session: typeof Session;
  let deliver: typeof Deliver;

  beforeAll(async () => {
    server = await startServer();
    vi.stubEnv("PLATFORM_POSTGRES_DIRECTORY", directory);
    session = await import("../../infra/local/session.js");
    deliver = await import("../../infra/local/deliver.js");
    writeFileSync(join(directory, "ca.pem"), server.ca.certificate);
    writeFileSync(join(directory, "master.json"), JSON.stringify({ ...server.access.master, engine: "postgres" }), { mode: 0o600 });
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const quiet = { doing: () => undefined, done: () => undefined, note: () => undefined, stop: () => undefined };
  const environment = (change: object = {}) =>
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
    ["a CA that is not there", { ca: "no.pem" }, "there is no file <directory>/no.pem; write the path of the CA into existing.ca"],
    ["a CA that is none", { ca: "master.json" }, "<directory>/master.json holds no certificate in PEM; give the CA of the server"],
    [
      "a master that is not there",
      { masterSecret: "no.json" },
      'there is no file <directory>/no.json; write {"username": ..., "password": ...} into it, mode 0600',
    ],
    [
      "a master that is none",
      { masterSecret: "ca.pem" },
      "<directory>/ca.pem is no secret of this program (JSON with username and password); restore it, or delete it to get new passwords",
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
