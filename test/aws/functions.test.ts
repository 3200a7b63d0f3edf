import { rmSync } from "node:fs";
import { createServer, type Server as TcpServer } from "node:net";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RenewalEvent } from "../../constructs/aws/functions/by-hand";
import { handler as provision, type ResourceEvent } from "../../constructs/aws/functions/provision";
import { type handler, type RotationEvent, rotate } from "../../constructs/aws/functions/rotate";
import { type RotationTask, TENANT_TAG, tenantTag } from "../../constructs/aws/task";
import { packageWith } from "../../constructs/aws/task-package";
import type { JsonObject } from "../../constructs/model/json";
import type { Tenant } from "../../constructs/model/spec";
import { type Client, close, open, withClient } from "../../constructs/provisioning/connect";
import { temporary } from "../fixtures/cli";
import { type Answer, throughFramework } from "../fixtures/provider-framework";
import { SecretsManagerDouble } from "../fixtures/secrets-manager";
import { startServer, type TestServer } from "../fixtures/server";
import { refusal, tenant } from "../fixtures/tenants";

/** Milliseconds: Lambda's ten minutes, and so few that a fault is tried again for a moment. */
const MINUTES = 600_000;
const MOMENT_OF_RETRIES = 30_100;

let server: TestServer;
let secrets: SecretsManagerDouble;
let master: string;

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

const secretsOf = (tenants: Readonly<Record<string, Tenant>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tenants).map(([name, { secret }]) => [
      secret,
      secrets.create(secret, { [TENANT_TAG]: tenantTag("test", "main", name) }),
    ]),
  );

/** The properties as CloudFormation hands them on: its numbers are texts. */
const properties = (tenants: Readonly<Record<string, Tenant>>, change: object = {}): ResourceEvent["ResourceProperties"] =>
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

const create = (tenants: Readonly<Record<string, Tenant>>, change: object = {}, remaining = MINUTES): Promise<Answer> =>
  throughFramework(provision as never, { RequestType: "Create", ResourceProperties: properties(tenants, change) }, remaining);

const worksAs = async (credential: { username: string; password: string } | undefined, database: string): Promise<unknown> => {
  if (credential === undefined) throw new Error("the secret is empty");
  return withClient(server.access.server, credential, database, async (client) => {
    return (await client.query("select current_user as user")).rows[0]?.user;
  });
};

describe("the provisioning function", () => {
  it("makes databases and logins, and stores their passwords, which work", async () => {
    const tenants = { one: tenant("one"), two: tenant("two") };
    const arns = secretsOf(tenants);
    expect(await create(tenants, { secrets: arns })).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "provisioning" });
    for (const name of ["one", "two"]) expect(await worksAs(secrets.value(arns[`test--${name}`] ?? ""), name)).toBe(`${name}_owner`);
  });

  it("makes what an update adds, and leaves what it no longer names", async () => {
    const before = { old: tenant("old") };
    const arns = secretsOf({ ...before, added: tenant("added") });
    await create(before, { secrets: arns });
    const credential = secrets.value(arns["test--old"] ?? "");
    const after = { added: tenant("added") };
    const event = {
      RequestType: "Update",
      PhysicalResourceId: "provisioning",
      ResourceProperties: properties(after, { secrets: arns }),
      OldResourceProperties: properties(before, { secrets: arns }),
    };
    expect(await throughFramework(provision as never, event, MINUTES)).toMatchObject({
      Status: "SUCCESS",
      PhysicalResourceId: "provisioning",
    });
    expect(await worksAs(secrets.value(arns["test--added"] ?? ""), "added")).toBe("added_owner");
    expect(await worksAs(credential, "old")).toBe("old_owner");
  });

  it("waits until AWS knows everywhere what its role may do", async () => {
    const tenants = { fresh: tenant("fresh") };
    const arns = secretsOf(tenants);
    secrets.refusals = 2;
    expect(await create(tenants, { secrets: arns })).toMatchObject({ Status: "SUCCESS" });
    expect(secrets.refusals).toBe(0);
    expect(console.log).toHaveBeenCalledWith(
      "waiting: AWS does not allow or reach it yet (User is not authorized to perform: secretsmanager:GetSecretValue)",
    );
  });

  it("says what its role may not do when the time is over", async () => {
    secrets.refusals = Number.POSITIVE_INFINITY;
    const { Status, Reason } = await create({ denied: tenant("denied") }, {}, MOMENT_OF_RETRIES);
    secrets.refusals = 0;
    expect([Status, Reason.split("\n")[0]]).toEqual([
      "FAILED",
      `Secrets Manager refuses secret ${master} (User is not authorized to perform: secretsmanager:GetSecretValue); grant permission to read it, to add versions, and to use its key`,
    ]);
  });

  it("trusts the authority that it is given", async () => {
    const tenants = { given: tenant("given") };
    vi.stubEnv("DATABASE_CA", undefined);
    expect(await create(tenants)).toMatchObject({ Status: "FAILED" });
    expect(await create(tenants, { ca: server.ca.certificate })).toMatchObject({ Status: "SUCCESS" });
  });

  it("changes nothing when it runs again, not even a version of a secret", async () => {
    const tenants = { again: tenant("again") };
    const arns = secretsOf(tenants);
    await create(tenants, { secrets: arns });
    const arn = arns["test--again"] ?? "";
    const [before, versions] = [secrets.value(arn), secrets.count(arn)];
    expect(await create(tenants, { secrets: arns })).toMatchObject({ Status: "SUCCESS" });
    expect([secrets.value(arn), secrets.count(arn)]).toEqual([before, versions]);
  });

  it("deletes nothing when its stack is deleted", async () => {
    const tenants = { kept: tenant("kept") };
    const arns = secretsOf(tenants);
    await create(tenants, { secrets: arns });
    const event = { RequestType: "Delete", PhysicalResourceId: "provisioning", ResourceProperties: properties(tenants, { secrets: arns }) };
    expect(await throughFramework(provision as never, event, MINUTES)).toMatchObject({ Status: "SUCCESS" });
    expect(await worksAs(secrets.value(arns["test--kept"] ?? ""), "kept")).toBe("kept_owner");
  });

  it("logs no password", async () => {
    const tenants = { quiet: tenant("quiet") };
    const arns = secretsOf(tenants);
    const answer = await create(tenants, { secrets: arns });
    const told = JSON.stringify([answer, vi.mocked(console.log).mock.calls]);
    const passwords = [
      server.access.master.password,
      ...["AWSCURRENT", "AWSPREVIOUS"].map((stage) => secrets.value(arns["test--quiet"] ?? "", stage)?.password),
    ];
    expect(told).toContain("role quiet_owner is missing");
    for (const password of passwords) {
      expect(password).toHaveLength(32);
      expect(told).not.toContain(password);
    }
  });
});

describe("a first deployment that fails tells CloudFormation", () => {
  const LOGS = "\n\nLogs: /aws/lambda/provisioning\n";
  const failing = async (change: object, remaining: number): Promise<string> => {
    const { Status, Reason } = await create({ failing: tenant("failing") }, change, remaining);
    expect(Status).toBe("FAILED");
    return Reason;
  };

  it("that nothing listens on the endpoint", async () => {
    expect(await failing({ port: "1" }, MOMENT_OF_RETRIES)).toBe(
      `nothing listens on localhost:1; start the database, or correct host and port${LOGS}`,
    );
  });

  it("that the endpoint's name is unknown", async () => {
    expect(await failing({ host: "db.invalid" }, MOMENT_OF_RETRIES)).toBe(
      `the name db.invalid does not resolve; correct the host, or connect from within its network${LOGS}`,
    );
  });

  it("that the endpoint's name is unknown, after it has looked it up again until its time was over", async () => {
    await failing({ host: "db.invalid" }, MOMENT_OF_RETRIES);
    expect(console.log).toHaveBeenCalledWith(expect.stringMatching(/^waiting: the name db\.invalid does not resolve/));
  });

  it("that the master's password is wrong", async () => {
    secrets.begin(master, "first", "AWSCURRENT", JSON.stringify({ ...server.access.master, password: "wrong" }));
    expect(await failing({}, MINUTES)).toBe(
      `localhost:${server.server.port} refuses the password of master; put the right one into its secret${LOGS}`,
    );
  });

  it("that the master may not create roles", async () => {
    await server.sql("create role poor login password 'poor-password-poor-password'");
    secrets.begin(master, "first", "AWSCURRENT", JSON.stringify({ username: "poor", password: "poor-password-poor-password" }));
    expect(await failing({}, MINUTES)).toBe(
      `localhost:${server.server.port}: poor may not create roles and databases; run as an administrator: ALTER ROLE "poor" CREATEROLE CREATEDB${LOGS}`,
    );
  });

  it("that the master's secret is empty", async () => {
    const empty = secrets.create("empty");
    expect(await failing({ masterSecret: empty }, MINUTES)).toBe(
      `secret ${empty} of the master is empty; put {"username": ..., "password": ...} into it${LOGS}`,
    );
  });

  it("that a secret is gone", async () => {
    const gone = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:gone-AbCdEf";
    expect(await failing({ secrets: { "test--failing": gone } }, MINUTES)).toBe(
      `there is no secret ${gone}; deploy its environment again${LOGS}`,
    );
  });

  it("that the function cannot reach Secrets Manager", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    expect(await failing({}, MOMENT_OF_RETRIES)).toBe(
      `Secrets Manager does not answer; give the private subnets a way to it: a NAT gateway, secretsManagerEndpoint: true, or the group of an existing endpoint in existingSecretsManagerEndpoint${LOGS}`,
    );
  });

  describe("in time", () => {
    let silent: TcpServer;
    beforeAll(async () => {
      silent = createServer(() => undefined);
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    });
    afterAll(() => silent?.close());

    it("that a database which never answers was waited for", async () => {
      const { port } = silent.address() as { port: number };
      expect(await failing({ host: "127.0.0.1", port: String(port) }, 5_300)).toBe(
        `not done within 5 s: the database has not answered; run it again to go on${LOGS}`,
      );
    });
  });
});

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

  it("gives the other login a new password in four steps; the one in use goes on working", async () => {
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
      `ProvisioningError: localhost:${server.server.port} refuses the password of bad_b; put the right one into its secret`,
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
    expect(await refusal(step("finishSecret", master, "next"))).toMatch(/refuses boss \(role "boss" is not permitted to log in\)/);
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
      const { directory } = packageWith(new Stack(new App({ outdir })), known as unknown as JsonObject);
      const { rotate: packed } = require(join(directory, "program.js")) as { readonly rotate: typeof handler };
      secrets.begin(arn, "token", "AWSPENDING");
      for (const Step of STEPS)
        await packed({ Step, SecretId: arn, ClientRequestToken: "token" }, { getRemainingTimeInMillis: () => MINUTES });
    } finally {
      rmSync(outdir, { recursive: true, force: true });
    }
    expect(secrets.value(arn)?.username).toBe("packed_b");
  });

  it("goes on while its variables are still those of an earlier version, with an authority and tenants of then", async () => {
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
    expect(await refusal(step("createSecret", elsewhere, "token"))).toContain("is none of this instance's");
  });

  it("refuses a secret that is none of its instance's", async () => {
    await provisioned("mine");
    const other = secrets.create("other");
    expect(await refusal(step("createSecret", other, "token"))).toBe(
      `ProvisioningError: secret ${other} is none of this instance's; deploy the environment again`,
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

    it("gives the other login a new password; the one in use goes on working", async () => {
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
          "ProvisioningError: login held_a would get the new password, and still has 1",
        );
        expect(secrets.value(arn)).toEqual(current);
        expect(await renew({ secret: arn, force: true })).toMatchObject({ current: "held_a", previous: "held_b" });
      } finally {
        await close(session);
      }
    });

    it("refuses the master's secret, another instance's, and an event that is none", async () => {
      await provisioned("ours");
      const elsewhere = secrets.create("theirs", { [TENANT_TAG]: tenantTag("test", "other", "ours") });
      expect(await refusal(renew({ secret: master }))).toBe(
        `ProvisioningError: secret ${master} is the master's; run aws secretsmanager rotate-secret --secret-id ${master}`,
      );
      expect(await refusal(renew({ secret: elsewhere, revoke: true }))).toContain("is none of this instance's");
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
      expect(shown).toContain("for a person");
      for (const password of [server.access.master.password, before?.password, secrets.value(arn)?.password]) {
        expect(password).toHaveLength(32);
        expect(shown).not.toContain(password);
      }
    });
  });
});
