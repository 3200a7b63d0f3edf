import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withClient } from "../../constructs/provisioning/connect";
import { observe } from "../../constructs/provisioning/observe";
import { plan } from "../../constructs/provisioning/plan";
import { provision } from "../../constructs/provisioning/provision";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { tenant } from "../fixtures/tenants";

// The statements differ below and from 16 on.
describe.each([15, 18] as const)("an interrupted run on PostgreSQL %i", (majorVersion) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(majorVersion);
  });
  afterAll(() => server?.stop());

  it("converges from every state that an interrupted run can leave", async () => {
    // As many tenants as there are states: before the first statement, after each, after the last.
    for (let count = 0, steps = 1; count <= steps; count++) {
      const name = `half_${count}`;
      const its = tenant(name, { databases: [{ name, extensions: ["pg_trgm"] }], loginParameters: { timezone: "UTC" } });
      await server.access.store.write(its.secret, { username: `${name}_a`, password: "half-done-password" });
      await withClient(server.access.server, server.access.master, "postgres", async (client) => {
        const planned = plan("test", [{ ...its, storedLogins: [`${name}_a`] }], await observe(client, [its])).steps;
        steps = planned.length;
        for (const step of planned.slice(0, count)) await client.query(step.sql);
      });
      const scope = scopeWith({ [name]: its });
      await provision(scope, server.access);
      expect((await provision(scope, server.access)).changes).toEqual([]);
    }
  });
});
