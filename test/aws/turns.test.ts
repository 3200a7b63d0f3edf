import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { open } from "../../constructs/provisioning/connect";
import { diagnose } from "../../constructs/provisioning/doctor";
import { shut } from "../../constructs/provisioning/revoke";
import { rotate } from "../../constructs/provisioning/rotate";
import { ROTATION_DAYS, SecretsManagerDouble } from "../fixtures/secrets-manager";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { refusal, versionsOf } from "../fixtures/tenants";
import { HAPPENINGS, type Happening, STEPS, Turn } from "../fixtures/turns";

const DAY = 86_400_000;

/** What a rotation says whose version was given up before its second step, its third, and its last. */
const lost = (...tokens: readonly number[]): readonly string[] =>
  tokens.flatMap((token, index) =>
    (index === 0 ? ["setSecret", "finishSecret"] : ["finishSecret"]).map(
      (step) => `${step}: version turn-${token} of secret ARN is not pending; rotate it again`,
    ),
  );

/** `npm run proof:turns` plays every two of them. */
const TABLE: readonly { readonly what: Happening; readonly refusals: readonly string[] }[] = [
  { what: "provision", refusals: [] },
  { what: "rotate", refusals: lost(2, 3, 4) },
  { what: "revoke", refusals: lost(2, 3, 4) },
  { what: "second rotation begins", refusals: lost(3, 5, 7) },
];

describe("a scheduled rotation in four steps", () => {
  let server: TestServer;
  let secrets: SecretsManagerDouble;
  beforeAll(async () => {
    [server, secrets] = await Promise.all([startServer(), SecretsManagerDouble.start()]);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await server?.stop();
    await secrets?.stop();
  });
  beforeEach(() => {
    const master = secrets.create("master");
    secrets.begin(master, "first", "AWSCURRENT", JSON.stringify(server.access.master));
    const task = { environment: "test", host: "localhost", port: server.server.port, masterSecret: master };
    for (const [name, value] of Object.entries({ ...secrets.environment, TASK: JSON.stringify(task) })) vi.stubEnv(name, value);
    for (const method of ["log", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(TABLE)("is met by a $what before each of its steps, and after the last", async ({ what, refusals }) => {
    const turn = new Turn(`turn${HAPPENINGS.indexOf(what)}`, server, secrets);
    await turn.provision();
    for (let position = 0; position <= STEPS.length; position++) await turn.play({ [position]: [what] });
    expect(turn.refusals.map((sentence) => sentence.replace(/secret arn\S+/, "secret ARN"))).toEqual(refusals);
    expect((await turn.provision()).changes).toEqual([]);
  });

  async function begun(name: string) {
    const turn = new Turn(name, server, secrets);
    await turn.provision();
    const token = turn.begin();
    return { turn, token };
  }

  it("is not a fault for doctor between its steps", async () => {
    const { turn, token } = await begun("seen");
    const scope = scopeWith({ seen: turn.its });
    const problems = async () =>
      (await diagnose("main", scope, turn.access, server.stranger.certificate)).filter(
        (check) => check.subject === "seen" && check.problem !== null,
      );
    for (const step of STEPS) {
      await turn.step(step, token);
      expect(await problems()).toEqual([]);
    }
    expect(turn.refusals).toEqual([]);
  });

  it("opens no login that a revocation has shut and not renewed yet", async () => {
    const { turn, token } = await begun("torn");
    await turn.step("createSecret", token);
    const before = secrets.values(turn.arn);
    await shut(turn.its, turn.access);
    for (const step of ["setSecret", "finishSecret"] as const)
      expect(await refusal(turn.run(step, token))).toBe(
        "ProvisioningError: login torn_a was revoked, and the revocation was interrupted; first provision environment test",
      );
    expect(await refusal(rotate(turn.its, turn.access, { force: false }))).toContain("the revocation was interrupted");
    await turn.provision();
    expect(before.map(({ password }) => password)).not.toContain(secrets.value(turn.arn)?.password);
    expect(await refusal(turn.run("finishSecret", token))).toContain("is not pending; rotate it again");
    expect((await turn.provision()).changes).toEqual([]);
  });

  it("skips one turn for pods that still use the login to be renewed, and no more", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-30T12:00:00Z") });
    const { turn, token } = await begun("held");
    const { current, previous, since } = await versionsOf(turn.access.store, turn.its.secret);
    if (previous === null) throw new Error("no previous version");
    const session = await open(turn.access.server, previous, "held");
    const reach = (days: number) => vi.setSystemTime(new Date("2026-11-30T12:00:00Z").getTime() + days * DAY);
    const inUse =
      "login held_b would get the new password, but still has 1 sessions of pods that have not read the secret since the last rotation";
    const skipped = `ProvisioningError: ${inUse}; restart them; from 2026-12-31T12:00Z on, it is rotated anyway`;
    for (const days of [0, ROTATION_DAYS - 1, ROTATION_DAYS, ROTATION_DAYS + 0.9]) {
      reach(days);
      expect(await refusal(turn.run("createSecret", token))).toBe(skipped);
    }
    expect(await versionsOf(turn.access.store, turn.its.secret)).toEqual({ current, previous, since, pending: null });
    expect(console.error).not.toHaveBeenCalled();

    reach(ROTATION_DAYS + 1);
    for (const step of STEPS) await turn.run(step, token);
    expect(console.error).toHaveBeenCalledExactlyOnceWith(
      `${inUse}; it is rotated anyway, one day after it was due; restart them before they reconnect`,
    );
    expect(secrets.value(turn.arn)?.username).toBe("held_b");
    await session.query("select");
    await session.end();
  });

  it("bears that the answer to its last call is lost", async () => {
    const { turn, token } = await begun("lost");
    for (const step of STEPS) {
      if (step === "finishSecret") secrets.faults.push({ type: "InternalServiceError", status: 500, call: "UpdateSecretVersionStage" });
      await turn.step(step, token);
    }
    expect([turn.refusals, secrets.value(turn.arn)?.username]).toEqual([[], "lost_b"]);
  });

  it("gives up a version that would renew the login in use", async () => {
    const { turn, token } = await begun("back");
    await turn.step("createSecret", token);
    // A person makes the version before current again.
    const [current, previous] = [secrets.value(turn.arn), secrets.value(turn.arn, "AWSPREVIOUS")];
    secrets.begin(turn.arn, "by hand", "AWSCURRENT", JSON.stringify(previous));
    secrets.begin(turn.arn, "the other", "AWSPREVIOUS", JSON.stringify(current));
    expect(await refusal(turn.run("setSecret", token))).toBe(
      `ProvisioningError: version ${token} of secret ${turn.arn} would renew back_b, which is in use, so this rotation was abandoned; rotate it again`,
    );
    expect(secrets.value(turn.arn, "AWSPENDING")).toBeUndefined();
    await turn.play({});
    expect(secrets.value(turn.arn)?.username).toBe("back_a");
  });
});
