import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { close, open } from "../../constructs/provisioning/connect";
import { QUICK, readHostile } from "../fixtures/escalation/hostile";
import { escalate } from "../fixtures/escalation/run";
import { startServer, type TestServer } from "../fixtures/server";

/** `npm run proof:faults` tries all on 15 and 17, with and without the right to create databases. */
describe("a platform's login", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  it("crosses to nobody by any statement", async () => {
    const attempts = await escalate(server, true);
    expect(attempts.filter(({ problem }) => problem !== null)).toEqual([]);
    expect(attempts.length).toBeGreaterThan(1000);
  });

  it("reaches nobody by what it leaves for the commands to read", async () => {
    expect((await readHostile(server, QUICK)).filter(({ problem }) => problem !== null)).toEqual([]);
  });

  it("cannot send more than the program takes, which would end the process", async () => {
    const { server: at, master } = server.access;
    const session = await open(at, master, "postgres", { query: 0, lock: 0, bytes: 2 ** 20 });
    await session.query("select repeat('x', 100000)");
    await expect(session.query("select repeat('x', 10000000)")).rejects.toThrow(
      `localhost:${at.port} sent master more than 1 MB from database postgres; remove the oversized data there`,
    );
    await close(session);
  });
});
