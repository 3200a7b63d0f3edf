import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RenewalEvent } from "../../../constructs/aws/functions/by-hand";
import { rotate } from "../../../constructs/aws/functions/rotate";
import type { AwsEnvironment } from "../../../constructs/aws/stacks/aws-environment";
import { TENANT_TAG, tenantTag } from "../../../constructs/aws/task";
import { close } from "../../../constructs/provisioning/connect";
import type { Credential } from "../../../constructs/provisioning/credential";
import { awsCloud } from "../../../infra/aws/cloud";
import type { Cloud } from "../../../infra/cloud";
import { closeDocument, doctorDocument, dryRunDocument, provisionDocument, rotateDocument } from "../../../infra/documents/documents";
import type { Document } from "../../../infra/documents/schema";
import { statusDocument } from "../../../infra/documents/status-document";
import { toPsqlVariables, withoutLibpq } from "../../../infra/psql";
import type { NamedSpec } from "../../../infra/spec";
import { NETWORK, resolveAws, withAws } from "../../fixtures/aws";
import { readDocument } from "../../fixtures/documents";
import { LambdaDouble } from "../../fixtures/lambda";
import { RdsDouble } from "../../fixtures/rds";
import { SecretsManagerDouble } from "../../fixtures/secrets-manager";
import { writeSqlite } from "../../fixtures/sqlite";
import { refusal } from "../../fixtures/tenants";
import { BY_HAND, login, project, provisionThrough, RDS_HOST, run, server, via, writeOutputs } from "./world";

describe("rotate and sql on AWS", () => {
  const OWN = "arn:aws:lambda:eu-central-1:111122223333:function:own";
  const FURTHER = "arn:aws:lambda:eu-central-1:111122223333:function:further";
  let secrets: SecretsManagerDouble;
  let lambda: LambdaDouble;
  let environment: AwsEnvironment;
  let spec: NamedSpec;
  let file: string;
  let master: string;
  const arns: Record<string, string> = {};
  const platforms = () => Object.fromEntries(Object.entries(arns).map(([name, secretArn]) => [name, { secretArn, readerRoleArn: null }]));
  const outputs = (name: string, rotation: object | null) => {
    const texts = { Instances: { main: { host: "localhost", port: 1, masterSecret: master, restart: null } }, Platforms: platforms() };
    const all = Object.entries({ ...texts, ...(rotation === null ? {} : { Rotation: rotation }) });
    return writeOutputs(name, { "postgres-deployed-access": Object.fromEntries(all.map(([key, each]) => [key, JSON.stringify(each)])) });
  };
  const args = (...more: readonly string[]) => ["--environment", "deployed", "--cloud", "aws", "--outputs", file, ...more];
  const renew = (its = environment, from = file) => awsCloud.readDeployment(its, from).renew("prefect", BY_HAND, () => undefined);
  const names = (platform: string) => ["AWSCURRENT", "AWSPREVIOUS"].map((stage) => secrets.value(arns[platform] ?? "", stage)?.username);

  beforeAll(async () => {
    [secrets, lambda] = await Promise.all([SecretsManagerDouble.start(), LambdaDouble.start()]);
    master = secrets.create("master");
    secrets.begin(master, "first", "AWSCURRENT", JSON.stringify(server.access.master));
    for (const name of ["prefect", "prefect-research"])
      arns[name] = secrets.create(name, { [TENANT_TAG]: tenantTag("deployed", "main", name) });
    const existing = { host: "localhost", port: server.server.port, ca: server.ca.certificate, masterSecret: master, maxConnections: 200 };
    spec = {
      name: "deployed",
      aws: { region: "eu-central-1", network: NETWORK },
      instances: { main: { existing } },
      acknowledge: { "aws-existing-is-not-this-machine": "it stands for a server in the network" },
      platforms: { prefect: {}, "prefect-research": { platform: "prefect" } },
    };
    environment = resolveAws(spec);
    project.write(spec);
    file = outputs("deployed", { main: { platforms: OWN, furtherPlatforms: FURTHER } });
    const { port } = server.server;
    const task = { environment: "deployed", host: "localhost", port, masterSecret: master };
    const variables = { ...secrets.environment, ...lambda.environment, TASK: JSON.stringify(task) };
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    // Each knows its own platform only.
    for (const [arn, name] of [
      [OWN, "prefect"],
      [FURTHER, "prefect-research"],
    ] as const) {
      const tenant = environment.instances.main?.tenants[name];
      const own = { ca: server.ca.certificate, tenants: { [tenantTag("deployed", "main", name)]: tenant } } as never;
      lambda.functions.set(arn, (event: RenewalEvent, context) => rotate(event, context, own));
    }
    await provisionThrough(environment, awsCloud as unknown as Cloud, file);
  });
  afterAll(async () => {
    await lambda?.stop();
    await secrets?.stop();
  });

  it("invokes the function of the platform, whose sentences come back", async () => {
    vi.spyOn(console, "log").mockReturnValue();
    const { code, output, errors } = await run("rotate", args("--platform", "prefect-research"));
    expect(errors).toMatch(/^✔ prefect-research has a new password, on login prefect_research_b [\d.]+ s\n$/);
    expect(output).toBe(
      "prefect_research_a works until the next rotation. External Secrets delivers it within a minute. Reloader restarts the pods; without it, run kubectl rollout restart deployment --selector app.kubernetes.io/instance=prefect-research --namespace prefect-research\n",
    );
    expect(code).toBe(0);
    expect(lambda.invoked).toEqual([[FURTHER, { secret: arns["prefect-research"], ...BY_HAND }]]);
    expect(names("prefect-research")).toEqual(["prefect_research_b", "prefect_research_a"]);
  });

  it("closes a leak by the function, and says how many sessions it ended", async () => {
    const session = await login(secrets.value(arns.prefect ?? ""), "prefect");
    const { code, output } = await run("rotate", args("--platform", "prefect", "--revoke"));
    await close(session);
    expect([code, output]).toEqual([0, expect.stringMatching(/^prefect_a can no longer log in; 1 of its sessions ended\. External/)]);
    expect(lambda.invoked.at(-1)).toEqual([OWN, { secret: arns.prefect, revoke: true, force: false }]);
    expect(names("prefect")).toEqual(["prefect_b", undefined]);
  });

  it("connects itself with --via, and invokes nothing", async () => {
    const before = lambda.invoked.length;
    const { code, output, errors } = await run("rotate", args("--platform", "prefect", "--via", via()));
    expect([code, errors]).toEqual([0, expect.stringContaining("✔ prefect has a new password, on login prefect_a")]);
    expect(output).toContain("prefect_b works until the next rotation.");
    expect(lambda.invoked).toHaveLength(before);
  });

  it("ends with the function's sentence where it fails, and with what does not work where a leak is closed", async () => {
    await renew();
    const session = await login(secrets.value(arns.prefect ?? "", "AWSPREVIOUS"), "prefect");
    expect(await refusal(renew() ?? Promise.resolve())).toMatch(
      /^UserError: login prefect_a would get the new password, but still has 1 sessions/,
    );
    await close(session);
    await server.sql("alter role prefect_a in database prefect reset role");
    const { code, errors, output } = await run("rotate", args("--platform", "prefect", "--revoke"));
    await server.sql("alter role prefect_a in database prefect set role prefect_owner");
    expect([code, output]).toEqual([1, expect.stringMatching(/^prefect_b can no longer log in; 0 of its sessions ended\.\n$/)]);
    expect(errors).toMatch(
      /✖ The leak is closed\. The new login does not work yet: the new login acts as prefect_a, not as prefect_owner; /,
    );
  });

  it.each([
    [
      "AccessDeniedException",
      `you have no permission to invoke function ${OWN} (AccessDeniedException of the double); grant lambda:InvokeFunction on it, or add --via HOST:PORT to connect with your own credentials`,
    ],
    ["ResourceNotFoundException", `there is no function ${OWN}; run npx cdk deploy `],
    [
      "ExpiredTokenException",
      "there are no valid credentials for AWS (ExpiredTokenException of the double); set AWS_PROFILE, or log in with aws sso login",
    ],
    [
      "TooManyRequestsException",
      `Lambda did not run function ${OWN} (TooManyRequestsException: TooManyRequestsException of the double); run this again, or`,
    ],
  ])("reports a fault of Lambda in a sentence: %s", async (fault, sentence) => {
    lambda.fault = fault;
    expect(await refusal(renew() ?? Promise.resolve())).toContain(`UserError: ${sentence}`);
    lambda.fault = null;
  });

  it("reports a function that ends without a sentence, and a Lambda that does not answer", async () => {
    const own = lambda.functions.get(OWN) as never;
    lambda.functions.set(OWN, async () => {
      throw Object.assign(new Error("Task timed out after 300.00 seconds"), { name: "Sandbox.Timedout" });
    });
    expect(await refusal(renew() ?? Promise.resolve())).toContain(
      `UserError: function ${OWN} failed (Sandbox.Timedout: Task timed out after 300.00 seconds); see its log. If it has an earlier version, run npx`,
    );
    lambda.functions.set(OWN, own);
    vi.stubEnv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1");
    expect(await refusal(renew() ?? Promise.resolve())).toContain(
      "UserError: Lambda does not answer, but the function may have run; check the network and run this again",
    );
    vi.stubEnv("AWS_ENDPOINT_URL_LAMBDA", lambda.environment.AWS_ENDPOINT_URL_LAMBDA ?? "");
  });

  it("asks for another deployment where the outputs name no function, and connects itself where there can be none", () => {
    const older = outputs("older", null);
    expect(() => renew(environment, older)).toThrow(`${older} has no function that rotates prefect; run npx cdk deploy`);
    expect(renew(resolveAws(withAws(spec, { network: null })), older)).toBeNull();
  });

  it("opens a prompt through a tunnel, without the master", async () => {
    secrets.begin(master, "first", "AWSCURRENT", "not for everybody");
    const { code, output, errors } = await run(
      "sql",
      ["prefect-research", ...args("--via", via())],
      "select current_user, session_user;\n",
    );
    secrets.begin(master, "first", "AWSCURRENT", JSON.stringify(server.access.master));
    expect([code, errors, output]).toEqual([0, "", expect.stringMatching(/│ prefect_research_owner │ prefect_research_b │/)]);
  });

  it("imports into one of several platforms of a kind, through a tunnel, without the master", async () => {
    const path = join(dirname(file), "prefect.db");
    writeSqlite(
      path,
      "create table alembic_version (version_num text); insert into alembic_version values ('14806cb26270'); create table flow (id text, name text); insert into flow values ('1', 'a');",
    );
    const tables =
      "create table public.alembic_version (version_num text); insert into public.alembic_version values ('50737cdaee36'); create table public.flow (id text, name text);\n";
    await run("sql", ["prefect-research", ...args("--via", via())], tables);
    secrets.begin(master, "first", "AWSCURRENT", "not for everybody");
    const { code, output, errors } = await run("import", ["-p", "prefect-research", "--from", path, "--yes", ...args("--via", via())]);
    secrets.begin(master, "first", "AWSCURRENT", JSON.stringify(server.access.master));
    expect(errors).toContain("In    1 row of 1 table\nOut   nothing: no table has a row\n");
    expect([code, output]).toEqual([
      0,
      expect.stringContaining(`npm run doctor -- --environment ${environment.name} --cloud aws --outputs `),
    ]);
    const { output: rows } = await run(
      "sql",
      ["prefect-research", ...args("--via", via())],
      "select name from public.flow; drop table public.flow, public.alembic_version;\n",
    );
    expect(rows).toContain("│ a ");
  });

  it("prints the command for a tunnel if the database cannot be reached", async () => {
    const away = writeOutputs("away", JSON.parse(readFileSync(file, "utf8").replace('\\"localhost\\"', '\\"db.invalid\\"')));
    const tunnel = [
      "✖ the name db.invalid does not resolve; correct the host, or connect from within its network",
      "To reach it from this machine, open a tunnel in another terminal:",
      `  aws ssm start-session --region eu-central-1 --target INSTANCE_ID --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters '{"host":["db.invalid"],"portNumber":["1"],"localPortNumber":["5433"]}'`,
      "    INSTANCE_ID: an EC2 instance in the database's network that Systems Manager manages",
      "Then run this again with --via localhost:5433",
      "",
    ].join("\n");
    const results = await Promise.all(
      [["sql", "prefect"], ["doctor"], ["provision"]].map(([command = "", ...words]) =>
        run(command, [...words, ...args("--outputs", away)], "select 1;\n"),
      ),
    );
    expect(results.map(({ errors }) => errors.replace(/^! .*\n/gm, ""))).toEqual([tunnel, tunnel, tunnel]);
    expect(results.map(({ code }) => code)).toEqual([1, 1, 1]);
  });

  const HOST = "db.example.internal";
  const psqlOf = (credential: Credential, change: object) => {
    const { server: its } = awsCloud
      .readDeployment(environment, file)
      .connect("main", { host: "localhost", port: 5433 }, { deadlineMs: 0 });
    return toPsqlVariables({ ...its, host: HOST, ...change }, credential, "prefect", "/ca.pem");
  };

  it("gives psql what a tunnel takes, by variables only", async () => {
    const credential = { username: "prefect_a", password: "secret" };
    expect(await psqlOf(credential, {})).toEqual({
      PGHOST: HOST,
      PGHOSTADDR: "127.0.0.1",
      PGPORT: "5433",
      PGUSER: "prefect_a",
      PGPASSWORD: "secret",
      PGDATABASE: "prefect",
      PGSSLMODE: "verify-full",
      PGSSLROOTCERT: "/ca.pem",
    });
    const direct = await psqlOf(credential, { via: null });
    expect([direct.PGPORT, Object.keys(direct)]).toEqual(["1", expect.not.arrayContaining(["PGHOSTADDR"])]);
    expect(withoutLibpq({ PATH: "/bin", PGHOSTADDR: "192.0.2.1", PGSERVICE: "elsewhere" })).toEqual({ PATH: "/bin" });
    expect(await refusal(psqlOf(credential, { via: { host: "no.invalid", port: 1 } }))).toBe(
      "UserError: the name no.invalid does not resolve; correct --via",
    );
  });

  it("lets psql through a tunnel, and verifies the server's own name", async ({ skip }) => {
    skip(spawnSync("psql", ["--version"]).status !== 0, "psql is not installed");
    const caFile = join(project.directory, "ca.pem");
    writeFileSync(caFile, server.ca.certificate);
    const ask = async (host: string) => {
      const credential = secrets.value(arns.prefect ?? "") ?? { username: "", password: "" };
      const variables = await psqlOf(credential, { host, via: { host: "localhost", port: server.server.port } });
      const env = { ...withoutLibpq({ ...process.env, PGSERVICE: "elsewhere" }), ...variables, PGSSLROOTCERT: caFile };
      const { stdout, stderr } = spawnSync("psql", ["--no-psqlrc", "-tAc", "select current_user"], { env, encoding: "utf8" });
      return stdout + stderr;
    };
    expect(await ask("localhost")).toBe("prefect_owner\n");
    expect(await ask(HOST)).toContain('does not match host name "db.example.internal"');
  });

  /** What a program reads of what is deployed. */
  const print = async <V>(document: Document<V>, command: string, ...more: readonly string[]) => {
    const { code, output } = await run(command, args("--format", "json", ...more));
    return { code, ...readDocument(document, output) };
  };

  it("prints for programs what rotation, provisioning and doctor find", async () => {
    vi.spyOn(console, "log").mockReturnValue();
    const about = { environment: "deployed", target: "aws" };
    const [current] = names("prefect-research");
    const other = current === "prefect_research_a" ? "prefect_research_b" : "prefect_research_a";
    const rotated = { code: 0, ...about, works: true, login: other, previousLogin: current, revoked: false, endedSessions: null };
    expect(await print(rotateDocument, "rotate", "--platform", "prefect-research")).toMatchObject(rotated);

    await server.sql("alter role prefect_research_a connection limit 1");
    const versions = () => Object.values(arns).map((arn) => secrets.count(arn));
    const before = versions();
    const drifted = await print(dryRunDocument, "provision", "--dry-run", "--via", via());
    expect(versions()).toEqual(before);
    expect(drifted).toMatchObject({ code: 2, ...about, upToDate: false });
    expect(drifted.instances[0]?.statements.map(({ platform, passwordOf }) => [platform, passwordOf])).toEqual([
      ["prefect-research", null],
    ]);
    const provisioned = await print(provisionDocument, "provision", "--via", via());
    expect(provisioned.instances[0]).toMatchObject({ directory: null, statements: drifted.instances[0]?.statements });
    expect(provisioned.platforms["prefect-research"]).toMatchObject({ login: other, configurationFile: null, startCommands: [] });
    expect(await print(dryRunDocument, "provision", "--dry-run", "--via", via())).toMatchObject({ code: 0, upToDate: true });
    expect(await print(doctorDocument, "doctor", "--via", via())).toMatchObject({ ...about, checks: provisioned.checks });
  });

  it("shows an instance of RDS on a page, and what the person may not see", async () => {
    const rds = await RdsDouble.start();
    for (const [name, value] of Object.entries(rds.environment)) vi.stubEnv(name, value);
    rds.described.set(
      "deployed-main",
      "<DBInstanceClass>db.m7g.large</DBInstanceClass><AllocatedStorage>100</AllocatedStorage><DBInstanceStatus>available</DBInstanceStatus>",
    );
    rds.refused.set("DescribeDBInstanceAutomatedBackups", "AccessDenied");
    const named = writeOutputs("named", JSON.parse(readFileSync(file, "utf8").replace('\\"localhost\\"', `\\"${RDS_HOST}\\"`)));
    const problem = "you have no permission to query RDS (AccessDenied of deployed-main); grant rds:DescribeDBInstanceAutomatedBackups";
    const { code, output, errors } = await run("status", args("--outputs", named, "--via", via()));
    const [current] = names("prefect");
    expect([code, errors]).toEqual([0, ""]);
    expect(output).toContain("\n  machine      db.m7g.large, 100 GiB, available, no standby\n");
    expect(output).toContain(`\n  backups      not visible: ${problem}\n`);
    expect(output).toContain(`\n    login        ${current}, since ${new Date().toISOString().slice(0, 10)} (`);
    const document = await print(statusDocument, "status", "--outputs", named, "--via", via());
    await rds.stop();
    expect(document.instances[0]).toMatchObject({
      machine: { type: "db.m7g.large", diskGib: 100, state: "available", zone: null, hasStandby: false, standbyZone: null },
      backups: null,
      notVisible: [{ part: "backups", problem }],
    });
    expect(Date.now() - Date.parse(document.instances[0]?.platforms.prefect?.passwordSince ?? "")).toBeLessThan(3_600_000);
  });

  it("does not query RDS about other databases", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL_RDS", "http://127.0.0.1:1");
    const { instances } = await print(statusDocument, "status", "--via", via());
    expect(instances[0]).toMatchObject({ machine: null, backups: null, notVisible: [] });
  });

  it("prints that a leak is closed although the new login does not work yet", async () => {
    await server.sql("alter role prefect_research_a in database prefect_research reset role");
    await server.sql("alter role prefect_research_b in database prefect_research reset role");
    const { code, works, problem, next, login, revoked } = await print(
      rotateDocument,
      "rotate",
      "--platform",
      "prefect-research",
      "--revoke",
    );
    expect({ code, works, next, revoked }).toEqual({ code: 1, works: false, next: null, revoked: true });
    expect(problem).toMatch(new RegExp(`^the new login acts as ${login}, not as prefect_research_owner; `));
  });

  it("prints how many sessions ended where a platform was closed", async () => {
    const { "prefect-research": _gone, ...platforms } = spec.platforms as Record<string, object>;
    project.write({ ...spec, platforms } as NamedSpec);
    const closed = await print(closeDocument, "provision", "--close", "prefect-research", "--via", via());
    project.write(spec);
    expect(closed).toMatchObject({ code: 0, platform: "prefect-research", endedSessions: 0 });
  });
});
