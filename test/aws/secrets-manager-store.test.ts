import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createSecretsClient } from "../../constructs/aws/functions/task";
import { SecretsManagerStore } from "../../constructs/aws/secrets-manager-store";
import { SecretsManagerDouble } from "../fixtures/secrets-manager";
import { refusal } from "../fixtures/tenants";

describe("a store on Secrets Manager", () => {
  let secrets: SecretsManagerDouble;
  beforeAll(async () => {
    secrets = await SecretsManagerDouble.start();
    for (const [name, value] of Object.entries(secrets.environment)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await secrets.stop();
  });
  const storeOf = (arns: Readonly<Record<string, string>>) => new SecretsManagerStore(new SecretsManagerClient({}), arns);
  const [a, b] = [
    { username: "it_a", password: "first" },
    { username: "it_b", password: "second" },
  ];

  it("is empty while the secret is empty, then has the two newest versions", async () => {
    const store = storeOf({ it: secrets.create("it") });
    expect(await store.read("it")).toBeNull();
    await store.write("it", a);
    expect(await store.read("it")).toEqual({ current: a, previous: null, pending: null, since: expect.any(Date) });
    await store.write("it", b);
    expect(await store.read("it")).toEqual({ current: b, previous: a, pending: null, since: expect.any(Date) });
  });

  it("knows since when the current version is in use, whatever else was added", async () => {
    const arn = secrets.create("since");
    const store = storeOf({ it: arn });
    const added = (text: string) => vi.setSystemTime(new Date(text));
    vi.useFakeTimers({ toFake: ["Date"] });
    added("2026-11-01T00:00:00Z");
    await store.write("it", a);
    added("2026-11-28T10:00:00Z");
    await store.write("it", b);
    added("2026-11-30T00:00:00Z");
    secrets.begin(arn, "token", "AWSPENDING", JSON.stringify(a));
    expect((await store.read("it"))?.since).toEqual(new Date("2026-11-28T10:00:00Z"));
    vi.useRealTimers();
  });

  it("shows the version of a rotation under way, and gives it up for another current one", async () => {
    const arn = secrets.create("pending");
    const store = storeOf({ it: arn });
    await store.write("it", a);
    secrets.begin(arn, "token", "AWSPENDING");
    expect((await store.read("it"))?.pending).toBeNull();
    secrets.begin(arn, "token", "AWSPENDING", JSON.stringify(b));
    expect((await store.read("it"))?.pending).toEqual(b);
    await store.write("it", { ...b, password: "third" });
    expect((await store.read("it"))?.pending).toBeNull();
  });

  it("forgets the version before where it is asked to", async () => {
    const store = storeOf({ it: secrets.create("forgotten") });
    await store.write("it", a);
    await store.write("it", b, true);
    expect(await store.read("it")).toEqual({ current: b, previous: null, pending: null, since: expect.any(Date) });
  });

  it.each([
    { type: "ThrottlingException", status: 400, message: "Rate exceeded" },
    { type: "InternalServiceError", status: 500, message: "An error occurred" },
  ])("tries again at $type, and says at last that the fault is the store's", async ({ message, ...fault }) => {
    const arn = secrets.create("overloaded");
    const said: string[] = [];
    const patient = createSecretsClient({ deadlineMs: 60_000, onRetry: (sentence) => said.push(sentence) });
    const store = new SecretsManagerStore(patient, { it: arn });
    // AWS's client gives up after the third.
    const many = (call: string) => [1, 2, 3, 4].map(() => ({ ...fault, call }));
    secrets.faults.push(...many("PutSecretValue"));
    await store.write("it", a);
    await store.write("it", b);
    secrets.faults.push(...many("UpdateSecretVersionStage"));
    await store.write("it", { ...a, password: "third" }, true);
    expect(said).toEqual([1, 2].map(() => `AWS is busy (${message})`));
    expect([secrets.count(arn), await store.read("it")]).toEqual([
      3,
      { current: { ...a, password: "third" }, previous: null, pending: null, since: expect.any(Date) },
    ]);
    secrets.faults.push(...many("GetSecretValue"));
    expect(await refusal(storeOf({ it: arn }).read("it"))).toBe(
      `ProvisioningError: Secrets Manager failed on secret ${arn} (${message}); run this again`,
    );
    secrets.faults.length = 0;
  });

  it("says which secret is unknown or gone", async () => {
    expect(await refusal(storeOf({}).read("it"))).toBe("ProvisioningError: no AWS secret is known for it; deploy its environment again");
    expect(await refusal(storeOf({ it: "arn:gone" }).read("it"))).toBe(
      "ProvisioningError: there is no secret arn:gone; deploy its environment again",
    );
  });

  it("does not repeat the content of a secret that it cannot read", async () => {
    const arn = secrets.create("broken");
    secrets.begin(arn, "first", "AWSCURRENT", '{"password": canary');
    expect(await refusal(storeOf({ it: arn }).read("it"))).toBe(
      `ProvisioningError: secret ${arn} is not JSON with username and password; restore its last version`,
    );
  });
});
