import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest";
import { handler as provision, type ResourceEvent } from "../../../constructs/aws/functions/provision";
import { TENANT_TAG, tenantTag } from "../../../constructs/aws/task";
import type { Tenant } from "../../../constructs/model/spec";
import { withClient } from "../../../constructs/provisioning/connect";
import { type Answer, throughFramework } from "../../fixtures/provider-framework";
import { SecretsManagerDouble } from "../../fixtures/secrets-manager";
import { startServer, type TestServer } from "../../fixtures/server";

/** Milliseconds: Lambda's ten minutes, and so few that a fault is tried again for a moment. */
export const MINUTES = 600_000;
export const MOMENT_OF_RETRIES = 30_100;

export let server: TestServer;
export let secrets: SecretsManagerDouble;
export let master: string;

beforeAll(async () => {
  [server, secrets] = await Promise.all([startServer(), SecretsManagerDouble.start()]);
});
afterAll(async () => {
  await server?.stop();
  await secrets?.stop();
});
beforeEach(() => {
  for (const [name, value] of Object.entries({ ...secrets.environment, DATABASE_CA: server.ca.certificate })) vi.stubEnv(name, value);
  vi.spyOn(console, "log").mockReturnValue();
  master = secrets.create("master");
  secrets.begin(master, "first", "AWSCURRENT", JSON.stringify(server.access.master));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

export const secretsOf = (tenants: Readonly<Record<string, Tenant>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tenants).map(([name, { secret }]) => [
      secret,
      secrets.create(secret, { [TENANT_TAG]: tenantTag("test", "main", name) }),
    ]),
  );

/** The properties as CloudFormation hands them on: its numbers are texts. */
export const properties = (tenants: Readonly<Record<string, Tenant>>, change: object = {}): ResourceEvent["ResourceProperties"] =>
  ({
    environment: "test",
    host: "localhost",
    port: String(server.server.port),
    masterSecret: master,
    tenants: JSON.stringify(tenants),
    // Not made anew where they are given.
    ...("secrets" in change ? {} : { secrets: secretsOf(tenants) }),
    ...change,
  }) as ResourceEvent["ResourceProperties"];

export const create = (tenants: Readonly<Record<string, Tenant>>, change: object = {}, remaining = MINUTES): Promise<Answer> =>
  throughFramework(provision as never, { RequestType: "Create", ResourceProperties: properties(tenants, change) }, remaining);

export const worksAs = async (credential: { username: string; password: string } | undefined, database: string): Promise<unknown> => {
  if (credential === undefined) throw new Error("the secret is empty");
  return withClient(server.access.server, credential, database, async (client) => {
    return (await client.query("select current_user as user")).rows[0]?.user;
  });
};
