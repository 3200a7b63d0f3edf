import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createSecretsClient } from "../../constructs/aws/functions/task";
import { SecretsManagerStore } from "../../constructs/aws/secrets-manager-store";
import { SecretManager, SecretManagerStore } from "../../constructs/gcp/secret-manager-store";
import { withClient } from "../../constructs/provisioning/connect";
import { provision } from "../../constructs/provisioning/provision";
import type { SecretStore } from "../../constructs/provisioning/secret-store";
import { SecretManagerDouble } from "../fixtures/secret-manager";
import { SecretsManagerDouble } from "../fixtures/secrets-manager";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { refusal, tenant, versionsOf } from "../fixtures/tenants";

/** A store whose process ends after some writes. */
const endingAfter = (writes: number, store: SecretStore): SecretStore => {
  let done = 0;
  return {
    description: store.description,
    read: (secret) => store.read(secret),
    write: async (secret, credential, forget) => {
      await store.write(secret, credential, forget);
      done += 1;
      if (done === writes) throw new Error("killed");
    },
  };
};

describe("a platform's first two versions", () => {
  let server: TestServer;
  let secretsManager: SecretsManagerDouble;
  let secretManager: SecretManagerDouble;
  beforeAll(async () => {
    [server, secretsManager, secretManager] = await Promise.all([
      startServer(),
      SecretsManagerDouble.start(),
      new SecretManagerDouble().start(),
    ]);
    for (const [name, value] of Object.entries({ ...secretsManager.environment, ...secretManager.variables })) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    secretManager?.stop();
    await Promise.all([server?.stop(), secretsManager?.stop()]);
  });

  const STORES: Readonly<Record<string, (secret: string) => SecretStore>> = {
    directory: () => server.access.store,
    aws: (secret) => new SecretsManagerStore(createSecretsClient(null), { [secret]: secretsManager.create(secret) }),
    google: (secret) => {
      const name = `projects/p/secrets/${secret}`;
      secretManager.make(name);
      return new SecretManagerStore(new SecretManager({ deadlineMs: 60_000 }, false), { [secret]: name });
    },
  };
  const table = Object.keys(STORES).flatMap((store) => [1, 2].map((writes) => ({ store, writes })));

  it.each(table)("are the same after a kill behind write $writes into the store $store", async ({ store: kind, writes }) => {
    const name = `${kind}${writes}`;
    const its = tenant(name);
    const scope = scopeWith({ [name]: its });
    const store = STORES[kind]?.(its.secret) as SecretStore;
    expect(await refusal(provision(scope, { ...server.access, store: endingAfter(writes, store) }))).toContain("killed");
    const { logins } = await provision(scope, { ...server.access, store });
    const { current, previous } = await versionsOf(store, its.secret);
    expect([logins[name], current.username, previous?.username]).toEqual([`${name}_a`, `${name}_a`, `${name}_b`]);
    for (const credential of [current, previous])
      if (credential !== null) await withClient(server.access.server, credential, name, (client) => client.query("select"));
    expect((await provision(scope, { ...server.access, store })).changes).toEqual([]);
  });
});
