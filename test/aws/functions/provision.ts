import { createServer, type Server as TcpServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { handler as provision } from "../../../constructs/aws/functions/provision";
import { throughFramework } from "../../fixtures/provider-framework";
import { tenant } from "../../fixtures/tenants";
import { create, MINUTES, MOMENT_OF_RETRIES, master, properties, secrets, secretsOf, server, worksAs } from "./world";

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
      "waiting: AWS does not allow it yet or cannot be reached yet (User is not authorized to perform: secretsmanager:GetSecretValue)",
    );
  });

  it("says what its role may not do when the time is over", async () => {
    secrets.refusals = Number.POSITIVE_INFINITY;
    const { Status, Reason } = await create({ denied: tenant("denied") }, {}, MOMENT_OF_RETRIES);
    secrets.refusals = 0;
    expect([Status, Reason.split("\n")[0]]).toEqual([
      "FAILED",
      `Secrets Manager denies access to secret ${master} (User is not authorized to perform: secretsmanager:GetSecretValue); grant permission to read it, to add versions, and to use its key`,
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

describe("a failing first deployment reports to CloudFormation", () => {
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
      `localhost:${server.server.port} rejects the password of master; write the correct one into its secret${LOGS}`,
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
      `Secrets Manager does not answer; connect the private subnets to it: with a NAT gateway, secretsManagerEndpoint: true, or the security group of an existing endpoint in existingSecretsManagerEndpoint${LOGS}`,
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
        `not finished within 5 s: the database has not answered; run it again to continue${LOGS}`,
      );
    });
  });
});
