import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { SecretManager, SecretManagerStore } from "../../constructs/gcp/secret-manager-store";
import { SecretManagerDouble } from "../fixtures/secret-manager";

const NAME = "projects/p/secrets/test--prefect";
const patience = { deadlineMs: 60_000 };
const credential = (username: string) => ({ username, password: `Password-of-${username}` });

describe("Google Secret Manager as a store", () => {
  let double: SecretManagerDouble;
  beforeAll(async () => {
    double = await new SecretManagerDouble().start();
    for (const [name, value] of Object.entries(double.variables)) vi.stubEnv(name, value);
  });
  afterAll(() => {
    double.stop();
    vi.unstubAllEnvs();
  });
  afterEach(() => {
    double.refusals = 0;
  });
  const store = (grantsAreNew = false) =>
    new SecretManagerStore(new SecretManager(patience, grantsAreNew), { "test--prefect": NAME, "test--none": "projects/p/secrets/none" });

  it("is empty without versions, then has the newest two", async () => {
    double.make(NAME);
    expect(await store().read("test--prefect")).toBeNull();
    await store().write("test--prefect", credential("b"));
    expect(await store().read("test--prefect")).toMatchObject({ current: credential("b"), previous: null });
    await store().write("test--prefect", credential("a"));
    expect(await store().read("test--prefect")).toMatchObject({ current: credential("a"), previous: credential("b") });
  });

  it("knows since when the current version is in use", async () => {
    double.make(NAME, credential("a"));
    double.age(10);
    const since = async () => (await store().read("test--prefect"))?.since?.getTime() ?? 0;
    expect(Date.now() - (await since())).toBeGreaterThanOrEqual(10 * 86_400_000);
    await store().write("test--prefect", credential("b"));
    expect(Date.now() - (await since())).toBeLessThan(3_600_000);
  });

  it("destroys versions before the previous one, and after a leak that one, too", async () => {
    double.make(NAME, credential("a"), credential("b"));
    await store().write("test--prefect", credential("c"));
    expect(double.contents(NAME).map(({ username }) => username)).toEqual(["c", "b"]);
    await store().write("test--prefect", credential("d"), true);
    expect(double.contents(NAME).map(({ username }) => username)).toEqual(["d"]);
  });

  it("returns from a write only when the new version is shown", async () => {
    double.make(NAME, credential("a"));
    double.staleLists = 3;
    await store().write("test--prefect", credential("b"));
    expect(double.staleLists).toBe(0);
    expect((await store().read("test--prefect"))?.current).toEqual(credential("b"));
  });

  it("reads a version that is not listed yet, because its writer was interrupted", async () => {
    double.make(NAME, credential("a"), credential("b"));
    double.staleLists = 1;
    expect(await store().read("test--prefect")).toMatchObject({ current: credential("b"), previous: credential("a") });
    expect(double.staleLists).toBe(0);
  });

  it("adds a version once, even where the answer to it was lost", async () => {
    double.make(NAME, credential("a"), credential("b"));
    double.lostAnswers = 1;
    await store().write("test--prefect", credential("c"));
    expect(double.contents(NAME).map(({ username }) => username)).toEqual(["c", "b"]);
  });

  it("waits for a right that was just granted, where that can be, and says what is missing where it cannot", async () => {
    double.make(NAME, credential("a"));
    double.refusals = 3;
    expect((await store(true).read("test--prefect"))?.current).toEqual(credential("a"));
    double.refusals = 1;
    await expect(store().read("test--prefect")).rejects.toThrow(
      `Secret Manager denies access to secret ${NAME} (Permission 'secretmanager.versions.list' denied); grant permission to read it and to add versions`,
    );
  });

  it.each([429, 503, 500])(
    "tries again while Secret Manager answers %s, and says at last that the fault is the store's",
    async (status) => {
      double.make(NAME, credential("a"));
      double.failures.push(status, status, status);
      expect((await store().read("test--prefect"))?.current).toEqual(credential("a"));
      double.failures.push(status);
      await expect(new SecretManager({ deadlineMs: 0 }, false).newest(NAME, 1)).rejects.toThrow(
        `Secret Manager failed on secret ${NAME} (${status === 429 ? "Quota exceeded" : "The service is currently unavailable."}); run this again`,
      );
    },
  );

  it.each([
    ["a secret that is not there", "test--none", "there is no secret projects/p/secrets/none; deploy its environment again"],
    ["a secret that nobody has named", "test--other", "no Google Cloud secret is known for test--other; deploy its environment again"],
  ])("says of %s what to do", async (_what, secret, message) => {
    await expect(store().read(secret)).rejects.toThrow(message);
  });

  it("never quotes the content of a secret", async () => {
    double.make(NAME, "Canary-that-is-no-JSON");
    const error = await store()
      .read("test--prefect")
      .catch((reason: Error) => reason.message);
    expect(error).toBe(`secret ${NAME} is not JSON with username and password; disable its last version`);
  });

  it("says that Google is out of reach", async () => {
    vi.stubEnv("SECRET_MANAGER_ENDPOINT", "http://127.0.0.1:1");
    const manager = new SecretManager({ deadlineMs: 0 }, false);
    await expect(manager.newest(NAME, 1)).rejects.toThrow(
      "Secret Manager does not answer; connect the network to it (Private Google Access), or set SECRET_MANAGER_ENDPOINT",
    );
    vi.stubEnv("SECRET_MANAGER_ENDPOINT", double.variables.SECRET_MANAGER_ENDPOINT ?? "");
  });
});
