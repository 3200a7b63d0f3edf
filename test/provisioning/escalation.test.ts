import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { escalate } from "../fixtures/escalation/run";
import { startServer, type TestServer } from "../fixtures/server";

describe.each([15, 17] as const)("a platform's login on PostgreSQL %i", (majorVersion) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(majorVersion);
  });
  afterAll(() => server?.stop());

  it("crosses to nobody by any statement", async () => {
    const attempts = await escalate(server, majorVersion === 15);
    expect(attempts.filter(({ problem }) => problem !== null)).toEqual([]);
    expect(attempts.length).toBeGreaterThan(1000);
  });
});
