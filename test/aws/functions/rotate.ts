import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { describe, expect, it, vi } from "vitest";
import type { RenewalEvent } from "../../../constructs/aws/functions/by-hand";
import { type handler, type RotationEvent, rotate } from "../../../constructs/aws/functions/rotate";
import { type RotationTask, TASK_FILE, TENANT_TAG, tenantTag } from "../../../constructs/aws/task";
import { packageWith } from "../../../constructs/aws/task-package";
import type { Tenant } from "../../../constructs/model/spec";
import { type Client, close, open } from "../../../constructs/provisioning/connect";
import { temporary } from "../../fixtures/cli";
import { refusal, tenant } from "../../fixtures/tenants";
import { create, MINUTES, master, properties, secrets, secretsOf, server, worksAs } from "./world";

describe("the rotation function", () => {
  /** The file in the function's package, and its variables. */
  let known: RotationTask = { ca: null, tenants: {} };
  function packageOf(tenants: Readonly<Record<string, Tenant>>): RotationTask {
    const { environment, host, port, masterSecret } = properties({});
    vi.stubEnv("TASK", JSON.stringify({ environment, host, port, masterSecret }));
    const byTag = Object.entries(tenants).map(([name, each]) => [tenantTag("test", "main", name), each]);
    return { ca: null, tenants: Object.fromEntries(byTag) };
  }
  /** What a rotation starts from: a platform that is provisioned, and what the function knows. */
  async function provisioned(name: string): Promise<string> {
    const tenants = { [name]: tenant(name) };
    const arns = secretsOf(tenants);
    await create(tenants, { secrets: arns });
    known = packageOf(tenants);
    return arns[`test--${name}`] ?? "";
  }
  const step = (Step: RotationEvent["Step"], SecretId: string, ClientRequestToken: string) =>
    rotate({ Step, SecretId, ClientRequestToken }, { getRemainingTimeInMillis: () => MINUTES }, known);
  const STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"] as const;

  it("gives the other login a new password in four steps; the login in use keeps working", async () => {
    const arn = await provisioned("turn");
    const before = secrets.value(arn);
    secrets.begin(arn, "token", "AWSPENDING");
    for (const each of STEPS) await step(each, arn, "token");
    const after = secrets.value(arn);
    expect([before?.username, after?.username]).toEqual(["turn_a", "turn_b"]);
    expect(secrets.value(arn, "AWSPREVIOUS")).toEqual(before);
    for (const credential of [before, after]) expect(await worksAs(credential, "turn")).toBe("turn_owner");
  });

  it("may be called again at every step, and keeps what it has", async () => {
    const arn = await provisioned("twice");
    secrets.begin(arn, "token", "AWSPENDING");
    await step("createSecret", arn, "token");
    const pending = secrets.value(arn, "AWSPENDING");
    for (const each of STEPS) for (let time = 0; time < 2; time++) await step(each, arn, "token");
    for (const each of STEPS) await step(each, arn, "token");
    expect(secrets.value(arn)).toEqual(pending);
    expect(await worksAs(pending, "twice")).toBe("twice_owner");
  });

  it("bears the test that Secrets Manager makes when rotation is set up, without a pending version", async () => {
    const arn = await provisioned("setup");
    const before = secrets.value(arn);
    await step("testSecret", arn, "no-such-version");
    expect(secrets.value(arn)).toEqual(before);
  });

  it("never makes a password current that the server was not given", async () => {
    const arn = await provisioned("late");
    for (const token of ["first", "second"]) {
      secrets.begin(arn, token, "AWSPENDING");
      await step("createSecret", arn, token);
    }
    const before = secrets.value(arn);
    const message = `ProvisioningError: version first of secret ${arn} is not pending; rotate it again`;
    expect(await refusal(step("setSecret", arn, "first"))).toBe(message);
    expect(await refusal(step("finishSecret", arn, "first"))).toBe(message);
    for (const each of STEPS) await step(each, arn, "second");
    // Lambda may deliver a call twice, and late.
    expect(await refusal(step("finishSecret", arn, "first"))).toBe(message);
    expect(secrets.value(arn, "AWSPREVIOUS")).toEqual(before);
    expect(await worksAs(secrets.value(arn), "late")).toBe("late_owner");
  });

  it("does not finish with a password that the server does not take", async () => {
    const arn = await provisioned("bad");
    secrets.begin(arn, "token", "AWSPENDING");
    await step("createSecret", arn, "token");
    expect(await refusal(step("testSecret", arn, "token"))).toBe(
      `ProvisioningError: localhost:${server.server.port} rejects the password of bad_b; write the correct one into its secret`,
    );
  });

  it("makes a password current only with the login that works: one that was changed since is given again", async () => {
    const arn = await provisioned("overlap");
    secrets.begin(arn, "token", "AWSPENDING");
    for (const each of STEPS.slice(0, 3)) await step(each, arn, "token");
    await server.sql("alter role overlap_b password 'Another-0123456789'");
    await step("finishSecret", arn, "token");
    expect(secrets.value(arn)?.username).toBe("overlap_b");
    expect(await worksAs(secrets.value(arn), "overlap")).toBe("overlap_owner");
  });

  it("leaves the current version where the pending login does not act as the owner", async () => {
    const arn = await provisioned("astray");
    const before = secrets.value(arn);
    secrets.begin(arn, "token", "AWSPENDING");
    for (const each of STEPS.slice(0, 3)) await step(each, arn, "token");
    await server.sql("alter role astray_b in database astray reset role");
    expect(await refusal(step("finishSecret", arn, "token"))).toBe(
      "ProvisioningError: the new login acts as astray_b, not as astray_owner; first provision environment test",
    );
    expect(secrets.value(arn)).toEqual(before);
  });

  it("makes the master's password current only when it logs in, and gives it again where an older one was put back", async () => {
    await server.sql("create role boss login createrole createdb password 'boss-password-boss-password'");
    const boss = { username: "boss", password: "boss-password-boss-password" };
    secrets.begin(master, "first", "AWSCURRENT", JSON.stringify(boss));
    await provisioned("bossed");
    secrets.begin(master, "token", "AWSPENDING");
    for (const each of STEPS.slice(0, 3)) await step(each, master, "token");
    await server.sql("alter role boss password 'boss-password-boss-password'");
    await step("finishSecret", master, "token");
    const after = secrets.value(master);
    expect(after?.password).not.toBe(boss.password);
    expect(await worksAs(after, "postgres")).toBe("boss");
    // With a login that can no longer log in, nothing becomes current.
    secrets.begin(master, "next", "AWSPENDING");
    for (const each of STEPS.slice(0, 3)) await step(each, master, "next");
    await server.sql("alter role boss nologin");
    expect(await refusal(step("finishSecret", master, "next"))).toMatch(/rejects boss \(role "boss" is not permitted to log in\)/);
    expect(secrets.value(master)).toEqual(after);
    expect(secrets.value(master, "AWSPENDING")?.username).toBe("boss");
  });

  it("rotates the master, on the same login, and carries on after every interruption", async () => {
    await server.sql("create role chief login createrole createdb password 'chief-password-chief-password'");
    const chief = { username: "chief", password: "chief-password-chief-password" };
    secrets.begin(master, "first", "AWSCURRENT", JSON.stringify(chief));
    const arn = await provisioned("led");
    secrets.begin(master, "token", "AWSPENDING");
    await step("createSecret", master, "token");
    await step("setSecret", master, "token");
    // In between the server knows the pending password only: whatever needs the master takes that.
    secrets.begin(arn, "other", "AWSPENDING");
    for (const each of STEPS) await step(each, arn, "other");
    for (const each of STEPS) await step(each, master, "token");
    const after = secrets.value(master);
    expect(after?.username).toBe("chief");
    expect(await worksAs(after, "postgres")).toBe("chief");
    expect(await refusal(worksAs(chief, "postgres"))).toBe('error: password authentication failed for user "chief"');
  });

  it("runs as it is packaged: the program, and beside it the task", async () => {
    const arn = await provisioned("packed");
    const outdir = temporary();
    try {
      const pack = () => packageWith(new Stack(new App({ outdir })), known);
      const { directory } = pack();
      // As an interrupted run leaves it.
      rmSync(join(directory, TASK_FILE));
      writeFileSync(join(directory, "program.js"), "");
      expect(pack()).toEqual({ directory, hash: expect.any(String) });
      const { rotate: packed } = require(join(directory, "program.js")) as { readonly rotate: typeof handler };
      secrets.begin(arn, "token", "AWSPENDING");
      for (const Step of STEPS)
        await packed({ Step, SecretId: arn, ClientRequestToken: "token" }, { getRemainingTimeInMillis: () => MINUTES });
    } finally {
      rmSync(outdir, { recursive: true, force: true });
    }
    expect(secrets.value(arn)?.username).toBe("packed_b");
  });

  it("works with variables of an earlier version, with its authority and tenants", async () => {
    const arn = await provisioned("older");
    const stale = { "test--older": "arn:of:another", gone: "arn:gone" };
    vi.stubEnv("TASK", JSON.stringify({ ...JSON.parse(process.env.TASK ?? ""), secrets: stale, tenants: { gone: tenant("gone") } }));
    secrets.begin(arn, "token", "AWSPENDING");
    for (const each of STEPS) await step(each, arn, "token");
    expect(await worksAs(secrets.value(arn), "older")).toBe("older_owner");
  });

  it("trusts the authority of its package, not the one of an earlier version's variables", async () => {
    const arn = await provisioned("trusted");
    known = { ...known, ca: server.ca.certificate };
    vi.stubEnv("DATABASE_CA", "");
    await step("testSecret", arn, "no-such-version");
    secrets.begin(arn, "token", "AWSPENDING");
    for (const each of STEPS) await step(each, arn, "token");
    expect(secrets.value(arn)?.username).toBe("trusted_b");
  });

  it("refuses a secret whose tag names another instance", async () => {
    await provisioned("here");
    const elsewhere = secrets.create("elsewhere", { [TENANT_TAG]: tenantTag("test", "other", "here") });
    expect(await refusal(step("createSecret", elsewhere, "token"))).toContain("does not belong to this instance");
  });

  it("rejects a secret of another instance", async () => {
    await provisioned("mine");
    const other = secrets.create("other");
    expect(await refusal(step("createSecret", other, "token"))).toBe(
      `ProvisioningError: secret ${other} does not belong to this instance; deploy the environment again`,
    );
  });

  it("refuses to rotate what was never provisioned", async () => {
    const [empty = ""] = Object.values(secretsOf({ empty: tenant("empty") }));
    known = packageOf({ empty: tenant("empty") });
    expect(await refusal(step("createSecret", empty, "token"))).toBe(
      `ProvisioningError: secret ${empty} has no password yet; deploy the environment first`,
    );
  });

  describe("that a person invokes", () => {
    const renew = (event: Partial<RenewalEvent>) =>
      rotate({ revoke: false, force: false, ...event } as RenewalEvent, { getRemainingTimeInMillis: () => MINUTES }, known);
    const stages = (arn: string) => ["AWSCURRENT", "AWSPREVIOUS"].map((stage) => secrets.value(arn, stage)?.username);
    /** A session of a platform's current login, as its pods have one. */
    async function connectTo(arn: string, database: string): Promise<Client> {
      const credential = secrets.value(arn);
      if (credential === undefined) throw new Error("the secret is empty");
      return open(server.access.server, credential, database);
    }

    it("gives the other login a new password; the login in use keeps working", async () => {
      const arn = await provisioned("asked");
      const before = secrets.value(arn);
      expect(await renew({ secret: arn })).toEqual({ current: "asked_b", previous: "asked_a", ended: null, unproved: null });
      expect(secrets.value(arn, "AWSPREVIOUS")).toEqual(before);
      for (const credential of [before, secrets.value(arn)]) expect(await worksAs(credential, "asked")).toBe("asked_owner");
    });

    it("closes a leak: the login in use is shut, its sessions end, and no version before is left", async () => {
      const arn = await provisioned("leaked");
      const before = secrets.value(arn);
      const session = await connectTo(arn, "leaked");
      try {
        expect(await renew({ secret: arn, revoke: true })).toEqual({ current: "leaked_b", previous: "leaked_a", ended: 1, unproved: null });
        expect(await refusal(session.query("select 1"))).not.toBe("accepted");
      } finally {
        await close(session);
      }
      expect(stages(arn)).toEqual(["leaked_b", undefined]);
      expect(await refusal(worksAs(before, "leaked"))).toMatch(/not permitted to log in|authentication failed/);
      expect(await worksAs(secrets.value(arn), "leaked")).toBe("leaked_owner");
    });

    it("refuses to renew a login that has sessions, unless it is forced", async () => {
      const arn = await provisioned("held");
      const session = await connectTo(arn, "held");
      try {
        await renew({ secret: arn });
        const current = secrets.value(arn);
        expect(await refusal(renew({ secret: arn }))).toContain(
          "ProvisioningError: login held_a would get the new password, but still has 1",
        );
        expect(secrets.value(arn)).toEqual(current);
        expect(await renew({ secret: arn, force: true })).toMatchObject({ current: "held_a", previous: "held_b" });
      } finally {
        await close(session);
      }
    });

    it("rejects the master's secret, another instance's, and an invalid event", async () => {
      await provisioned("ours");
      const elsewhere = secrets.create("theirs", { [TENANT_TAG]: tenantTag("test", "other", "ours") });
      expect(await refusal(renew({ secret: master }))).toBe(
        `ProvisioningError: secret ${master} is the master's; run aws secretsmanager rotate-secret --secret-id ${master}`,
      );
      expect(await refusal(renew({ secret: elsewhere, revoke: true }))).toContain("does not belong to this instance");
      expect(await refusal(renew({}))).toContain("ProvisioningError: the event must be {");
    });

    it("shows no password, in its answer, its faults and its log", async () => {
      const arn = await provisioned("canary");
      const before = secrets.value(arn);
      const answers = [await renew({ secret: arn }), await renew({ secret: arn, force: true }), await renew({ secret: arn, revoke: true })];
      await server.sql("alter role canary_a in database canary reset role");
      const astray = await renew({ secret: arn, revoke: true });
      expect(astray?.unproved).toContain("the new login acts as canary_a");
      const shown = JSON.stringify([answers, astray, vi.mocked(console.log).mock.calls]);
      expect(shown).toContain("on request");
      for (const password of [server.access.master.password, before?.password, secrets.value(arn)?.password]) {
        expect(password).toHaveLength(32);
        expect(shown).not.toContain(password);
      }
    });
  });
});
