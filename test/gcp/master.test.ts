import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readMaster, rotateMaster } from "../../constructs/gcp/master";
import { SecretManager } from "../../constructs/gcp/secret-manager-store";
import { open } from "../../constructs/provisioning/connect";
import { SecretManagerDouble } from "../fixtures/secret-manager";
import { startServer, type TestServer } from "../fixtures/server";

const SECRET = "projects/p/secrets/test--main--master";
const due = () => true;

describe("the master's password on Google Cloud", () => {
  let server: TestServer;
  let double: SecretManagerDouble;
  let manager: SecretManager;
  beforeAll(async () => {
    server = await startServer();
    double = await new SecretManagerDouble().start();
    for (const [name, value] of Object.entries(double.variables)) vi.stubEnv(name, value);
    manager = new SecretManager({ deadlineMs: 60_000 }, false);
    double.make(SECRET, server.access.master);
  });
  afterAll(async () => {
    double.stop();
    vi.unstubAllEnvs();
    await server.stop();
  });
  const logsIn = async (credential: { username: string; password: string }) =>
    open(server.access.server, credential, "postgres").then(
      async (client) => {
        await client.end();
        return true;
      },
      () => false,
    );

  it("is rotated when it is due: the new one works, the old one does not, and both are kept", async () => {
    expect(await rotateMaster(manager, SECRET, server.access.server, () => false)).toBe(false);
    expect(await rotateMaster(manager, SECRET, server.access.server, due)).toBe(true);
    const [current, previous] = double.contents(SECRET);
    expect(previous).toEqual(server.access.master);
    if (current === undefined) throw new Error("no version");
    expect([await logsIn(current), await logsIn(server.access.master)]).toEqual([true, false]);
    expect(current.password).toMatch(/^[A-Za-z0-9][A-Za-z0-9_~.-]{31}$/);
  });

  it("is found where a rotation was interrupted between the secret and the server, and that rotation is carried on", async () => {
    const [working] = double.contents(SECRET);
    if (working === undefined) throw new Error("no version");
    const stored = { username: working.username, password: "Stored_before_the_server_was_told" };
    await manager.add(SECRET, stored);
    expect(await readMaster(manager, SECRET, server.access.server)).toEqual(working);
    expect(await rotateMaster(manager, SECRET, server.access.server, () => false)).toBe(true);
    expect(await readMaster(manager, SECRET, server.access.server)).toEqual(stored);
    expect([await logsIn(stored), await logsIn(working)]).toEqual([true, false]);
    expect(double.contents(SECRET).length).toBe(3);
  });

  it("is missed in a sentence", async () => {
    double.make("projects/p/secrets/empty");
    await expect(readMaster(manager, "projects/p/secrets/empty", server.access.server)).rejects.toThrow(
      "secret projects/p/secrets/empty of the master is empty; put",
    );
  });
});
