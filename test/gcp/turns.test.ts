import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SecretManager, SecretManagerStore } from "../../constructs/gcp/secret-manager-store";
import { withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { ProvisioningError } from "../../constructs/provisioning/errors";
import { provision } from "../../constructs/provisioning/provision";
import { revoke } from "../../constructs/provisioning/revoke";
import { rotate } from "../../constructs/provisioning/rotate";
import { rotateDue } from "../../constructs/provisioning/scheduled";
import { SecretManagerDouble } from "../fixtures/secret-manager";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { refusal, tenant } from "../fixtures/tenants";

describe("the Job, the CronJob and people, at once", () => {
  let server: TestServer;
  let secrets: SecretManagerDouble;
  beforeAll(async () => {
    [server, secrets] = await Promise.all([startServer(), new SecretManagerDouble().start()]);
    for (const [name, value] of Object.entries(secrets.variables)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    secrets?.stop();
    await server?.stop();
  });

  it("leave a platform that logs in, and nothing that was revoked", async () => {
    const its = tenant("busy");
    const scope = scopeWith({ busy: its });
    const secret = "projects/p/secrets/busy";
    secrets.make(secret);
    const store = new SecretManagerStore(new SecretManager(server.access.patience, false), { [its.secret]: secret });
    const access = { ...server.access, store };
    const ignore = () => undefined;
    const turns = { due: async () => 0, rotated: ignore, alarm: ignore };
    const tryTo = (run: Promise<unknown>) =>
      run.then(ignore, (error) => {
        if (!(error instanceof ProvisioningError)) throw error;
      });
    const worksAs = (credential: Credential) =>
      withClient(
        server.access.server,
        credential,
        "busy",
        async (client) => (await client.query("select current_user as user")).rows[0]?.user,
      );
    await provision(scope, access);
    for (let time = 0; time < 3; time++) {
      const leaked = secrets.contents(secret);
      await Promise.all([
        tryTo(provision(scope, access)),
        tryTo(rotateDue({ busy: its }, access, turns)),
        tryTo(rotate(its, access, { force: true })),
        revoke(its, access),
      ]);
      expect(await worksAs(secrets.contents(secret)[0] as Credential)).toBe("busy_owner");
      for (const each of leaked) expect(await refusal(worksAs(each))).toMatch(/password authentication failed|not permitted to log in/);
      await provision(scope, access);
      expect((await provision(scope, access)).changes).toEqual([]);
    }
  });
});
