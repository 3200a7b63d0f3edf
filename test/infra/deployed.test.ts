import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RenewalEvent } from "../../constructs/aws/functions/by-hand";
import { rotate } from "../../constructs/aws/functions/rotate";
import { TENANT_TAG, tenantTag } from "../../constructs/aws/task";
import { type Client, close, open } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { awsCloud } from "../../infra/aws/cloud";
import type { AwsEnvironment } from "../../infra/aws/environment";
import type { Cloud } from "../../infra/cloud";
import { reachDeployed } from "../../infra/cloud-session";
import type { Invocation } from "../../infra/command";
import { gcpCloud } from "../../infra/gcp/cloud";
import { PERMISSIONS } from "../../infra/gcp/rotation";
import { provisionAll } from "../../infra/local/deliver";
import { toPsqlVariables } from "../../infra/psql";
import type { NamedSpec } from "../../infra/spec";
import { NETWORK, resolveAws, withAws } from "../fixtures/aws";
import { COMMANDS } from "../fixtures/commands";
import { CLUSTER, resolveGcp, SECTION, withGcp } from "../fixtures/gcp";
import { ClusterDouble } from "../fixtures/kubernetes";
import { LambdaDouble } from "../fixtures/lambda";
import { mountedFiles, one, registrationsOf } from "../fixtures/registrations";
import { SecretManagerDouble } from "../fixtures/secret-manager";
import { SecretsManagerDouble } from "../fixtures/secrets-manager";
import { startServer, type TestServer } from "../fixtures/server";
import { refusal } from "../fixtures/tenants";
import { ProjectCopy } from "../gcp/engine/project";

const project = new ProjectCopy();
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
  project.remove();
});

const silent = { doing: () => undefined, done: () => undefined, note: () => undefined, stop: () => undefined };
const BY_HAND = { revoke: false, force: false };

/** A command, as a person runs it; the doubles answer meanwhile. */
async function run(command: string, args: readonly string[], input = ""): Promise<{ code: number | null; output: string; errors: string }> {
  const env = { ...process.env, NO_COLOR: "1" };
  const child = spawn(process.execPath, [join(COMMANDS, `${command}.js`), ...args], { cwd: project.directory, env });
  const texts = { output: "", errors: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    texts.output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    texts.errors += chunk.toString();
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...texts })));
}

/** Outputs with a port on which nothing listens: only `--via`, and what is deployed, find the server. */
function writeOutputs(name: string, content: object): string {
  const file = join(project.directory, `${name}.json`);
  writeFileSync(file, JSON.stringify(content));
  return file;
}
const via = () => `127.0.0.1:${server.server.port}`;

const provisionThrough = async (environment: unknown, cloud: Cloud, outputs: string): Promise<void> => {
  const invocation = { environment, cloud, progress: silent, options: { outputs, via: [via()] }, args: [] };
  await provisionAll(await reachDeployed(invocation as unknown as Invocation<object>, cloud), silent);
};

const login = (credential: Credential | undefined, database: string): Promise<Client> => {
  if (credential === undefined) throw new Error("the secret is empty");
  return open(server.access.server, credential, database);
};

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
      /^UserError: login prefect_a would get the new password, and still has 1 sessions/,
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
      `you may not invoke function ${OWN} (AccessDeniedException of the double); grant lambda:InvokeFunction on it, or add --via HOST:PORT to connect with your own credentials`,
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
      `UserError: function ${OWN} failed (Sandbox.Timedout: Task timed out after 300.00 seconds); look at its log. If it is of an earlier version, run npx`,
    );
    lambda.functions.set(OWN, own);
    vi.stubEnv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1");
    expect(await refusal(renew() ?? Promise.resolve())).toContain(
      "UserError: Lambda does not answer; check the network and run this again",
    );
    vi.stubEnv("AWS_ENDPOINT_URL_LAMBDA", lambda.environment.AWS_ENDPOINT_URL_LAMBDA ?? "");
  });

  it("asks for another deployment where the outputs name no function, and connects itself where there can be none", () => {
    const older = outputs("older", null);
    expect(() => renew(environment, older)).toThrow(`${older} contains no function that rotates prefect; run npx cdk deploy`);
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
    expect(await psqlOf(credential, { via: null })).toMatchObject({ PGPORT: "1", PGHOSTADDR: "" });
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
      const env = { ...process.env, ...variables, PGSSLROOTCERT: caFile };
      const { stdout, stderr } = spawnSync("psql", ["--no-psqlrc", "-tAc", "select current_user"], { env, encoding: "utf8" });
      return stdout + stderr;
    };
    expect(await ask("localhost")).toBe("prefect_owner\n");
    expect(await ask(HOST)).toContain('does not match host name "db.example.internal"');
  });
});

describe("rotate and sql on Google Cloud", () => {
  const CRON_JOB = "/apis/batch/v1/namespaces/postgres-hosted/cronjobs/main-rotate";
  const secretName = (id: string) => `projects/my-project/secrets/${id}`;
  let secrets: SecretManagerDouble;
  let cluster: ClusterDouble;
  let spec: NamedSpec;
  let file: string;
  const outputs = (name: string, change: object) => {
    const main = {
      host: "localhost",
      port: 1,
      ca: server.ca.certificate,
      connectionName: null,
      masterSecret: secretName("postgres-master"),
    };
    const named = Object.fromEntries(["mlflow", "mlflow-research"].map((each) => [each, { secret: secretName(`hosted--${each}`) }]));
    return writeOutputs(name, { environment: "hosted", instances: { main: { ...main, ...change } }, platforms: named });
  };
  const args = (...more: readonly string[]) => ["--environment", "hosted", "--cloud", "gcp", "--outputs", file, ...more];
  const renew = (renewal = BY_HAND, platform = "mlflow", its = resolveGcp(spec), from = file) =>
    gcpCloud.readDeployment(its, from).renew(platform, renewal, () => undefined);
  const names = (platform: string) => secrets.contents(secretName(`hosted--${platform}`)).map(({ username }) => username);

  beforeAll(async () => {
    secrets = await new SecretManagerDouble().start();
    secrets.make(secretName("postgres-master"), server.access.master);
    for (const name of ["mlflow", "mlflow-research"]) secrets.make(secretName(`hosted--${name}`));
    const existing = {
      host: "localhost",
      port: server.server.port,
      ca: server.ca.certificate,
      masterSecret: "postgres-master",
      maxConnections: 200,
    };
    spec = {
      name: "hosted",
      gcp: { ...SECTION, cluster: { ...CLUSTER, installReleases: false } },
      instances: { main: { existing } },
      platforms: { mlflow: { workers: 1 }, "mlflow-research": { platform: "mlflow", workers: 1 } },
    };
    project.write(spec);
    const registrations = await registrationsOf(spec);
    cluster = await ClusterDouble.start(
      "projects/my-project/locations/europe-west4/clusters/ml",
      mountedFiles(registrations),
      secrets.variables,
    );
    const cronJob = one(registrations, "CronJob").inputs as { readonly metadata: object };
    cluster.objects.set(CRON_JOB, { ...cronJob, metadata: { ...cronJob.metadata, uid: "uid-of-the-cron-job" } });
    file = outputs("hosted", { rotation: { namespace: "postgres-hosted", cronJob: "main-rotate" } });
    for (const [name, value] of Object.entries({ ...secrets.variables, ...cluster.environment })) vi.stubEnv(name, value);
    await provisionThrough(resolveGcp(spec), gcpCloud as unknown as Cloud, file);
  });
  afterAll(() => {
    cluster?.stop();
    secrets?.stop();
  });

  it("makes a Job from the CronJob, whose sentences come back", async () => {
    const { code, output, errors } = await run("rotate", args("--platform", "mlflow-research"));
    expect(errors).toMatch(/^✔ mlflow-research has a new password, on login mlflow_research_b [\d.]+ s\n$/);
    expect(output).toBe(
      "mlflow_research_a works until the next rotation. External Secrets delivers it within a minute. Reloader restarts the pods; without it, run kubectl rollout restart deployment --selector app.kubernetes.io/instance=mlflow-research --namespace mlflow-research\n",
    );
    expect(code).toBe(0);
    expect(names("mlflow-research")).toEqual(["mlflow_research_b", "mlflow_research_a"]);
  });

  it("leaves the CronJob's pod as it is but for the arguments, and runs it once", () => {
    const [job] = cluster.jobs;
    const { spec: from } = (cluster.objects.get(CRON_JOB) as { spec: { jobTemplate: { spec: Record<string, unknown> } } }).spec.jobTemplate;
    expect(job).toMatchObject({
      metadata: {
        name: expect.stringMatching(/^main-rotate-[0-9a-f]{8}$/),
        namespace: "postgres-hosted",
        ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name: "main-rotate", uid: "uid-of-the-cron-job" }],
      },
      spec: { backoffLimit: 0, ttlSecondsAfterFinished: 86_400, activeDeadlineSeconds: from.activeDeadlineSeconds },
    });
    const text = JSON.stringify(job?.spec.template);
    expect(text).toContain('["/program/program.js","renew","mlflow-research"]');
    expect(text.replace('"renew","mlflow-research"', '"rotate"')).toBe(JSON.stringify(from.template));
  });

  it("closes a leak in the Job, and says how many sessions it ended", async () => {
    const [current] = secrets.contents(secretName("hosted--mlflow"));
    const session = await login(current, "mlflow");
    const report = await renew({ revoke: true, force: false });
    await close(session);
    expect(report).toEqual({
      sentences: ["mlflow has a new password, on login mlflow_b", "mlflow_a can no longer log in; 1 of its sessions ended"],
      isDone: true,
    });
    expect(names("mlflow")).toEqual(["mlflow_b"]);
  });

  it("ends with the Job's sentence where it fails", async () => {
    expect(await renew(BY_HAND, "mlflow")).toMatchObject({ isDone: true });
    const session = await login(secrets.contents(secretName("hosted--mlflow"))[1], "mlflow");
    const { code, output, errors } = await run("rotate", args("--platform", "mlflow"));
    expect([code, output, errors]).toEqual([
      1,
      "",
      expect.stringMatching(/^✖ login mlflow_b would get the new password, and still has 1 /),
    ]);
    expect(await renew({ revoke: false, force: true })).toMatchObject({ isDone: true });
    await close(session);
  });

  it("creates one Job where the answer to the first try was lost", async () => {
    const before = cluster.jobs.length;
    cluster.lostAnswers = 1;
    expect(await renew()).toMatchObject({ isDone: true });
    expect(cluster.jobs).toHaveLength(before + 1);
  });

  it("connects itself with --via, and creates nothing", async () => {
    const before = cluster.jobs.length;
    const { code, errors } = await run("rotate", args("--platform", "mlflow", "--via", via(), "--revoke"));
    expect([code, errors]).toEqual([0, expect.stringContaining("✔ mlflow has a new password, on login mlflow_")]);
    expect(cluster.jobs).toHaveLength(before);
  });

  it.each([
    [
      /^GET \/v1\/projects/,
      403,
      "you may not read cluster ml (/v1/projects/my-project/locations/europe-west4/clusters/ml is refused by the double); grant container.clusters.get, or add --via HOST:PORT",
    ],
    [/^GET \/v1\/projects/, 404, "project my-project has no cluster ml in europe-west4; correct gcp.cluster"],
    [/cronjobs/, 404, `cluster ml does not have it (${CRON_JOB} is refused by the double); deploy the environment again`],
    [
      /^POST/,
      403,
      "cluster ml refuses this (/apis/batch/v1/namespaces/postgres-hosted/jobs is refused by the double); grant that permission, or add --via HOST:PORT",
    ],
    [/cronjobs/, 401, "there are no valid credentials for Google Cloud ("],
  ])("reports a refusal in a sentence, and creates nothing: %s %s", async (path, status, sentence) => {
    const before = cluster.jobs.length;
    cluster.refused.set(path, status);
    const message = await refusal(renew() ?? Promise.resolve());
    cluster.refused.clear();
    expect(message).toContain(`UserError: ${sentence}`);
    expect(cluster.jobs).toHaveLength(before);
  });

  it("says where to look when the Job was created and its log may not be read", async () => {
    cluster.refused.set(/\/log$/, 403);
    const message = await refusal(renew({ revoke: true, force: false }) ?? Promise.resolve());
    cluster.refused.clear();
    await cluster.idle();
    const { name } = cluster.jobs.at(-1)?.metadata ?? {};
    expect(message).toContain(`UserError: Job ${name} was created, but its result is unknown: cluster ml refuses this (`);
    expect(message).toContain(`To look, run kubectl logs --namespace postgres-hosted job/${name} --container program`);
  });

  it("does not send the person's token to a control plane that shows another authority's certificate", async () => {
    const path = "/v1/projects/my-project/locations/europe-west4/clusters/ml";
    const found = cluster.objects.get(path) as { endpoint: string };
    const before = cluster.asked.filter((each) => each.includes("/apis/")).length;
    cluster.objects.set(path, { ...found, masterAuth: { clusterCaCertificate: Buffer.from(server.ca.certificate).toString("base64") } });
    const message = await refusal(renew() ?? Promise.resolve());
    cluster.objects.set(path, found);
    expect(message).toContain(`UserError: the control plane of cluster ml (${found.endpoint}) cannot be reached (`);
    expect(cluster.asked.filter((each) => each.includes("/apis/"))).toHaveLength(before);
  });

  it("asks for another deployment where the outputs name no CronJob, and connects itself without a cluster", () => {
    const older = outputs("older-hosted", {});
    expect(() => renew(BY_HAND, "mlflow", resolveGcp(spec), older)).toThrow(
      `${older} contains no CronJob that rotates on main; run pulumi up`,
    );
    expect(renew(BY_HAND, "mlflow", resolveGcp(withGcp(spec, { cluster: null })), older)).toBeNull();
  });

  it("opens a prompt through a tunnel, without the master", async () => {
    const before = secrets.asked.length;
    const { code, errors, output } = await run("sql", ["mlflow", ...args("--via", via())], "select current_user;\n");
    expect([code, errors, output]).toEqual([0, "", expect.stringContaining("mlflow_owner")]);
    expect(secrets.asked.slice(before).filter((each) => each.includes("postgres-master"))).toEqual([]);
  });

  it("needs the permissions that README names, and no other", () => {
    const readme = readFileSync(join(__dirname, "..", "..", "README.md"), "utf8");
    const needed = cluster.asked.map((call) => Object.keys(PERMISSIONS).find((permission) => PERMISSIONS[permission]?.test(call)) ?? call);
    expect([...new Set(needed)].sort()).toEqual(Object.keys(PERMISSIONS).sort());
    expect([...new Set(readme.match(/\bcontainer\.\w+\.\w+/g))].sort()).toEqual(Object.keys(PERMISSIONS).sort());
  });

  it("shows no password to the cluster, in arguments and logs", () => {
    const passwords = ["hosted--mlflow", "hosted--mlflow-research", "postgres-master"].flatMap((id) =>
      secrets.contents(secretName(id)).map(({ password }) => password),
    );
    expect(passwords.length).toBeGreaterThan(3);
    const shown = JSON.stringify([cluster.jobs, cluster.logs]);
    expect(shown).toContain("has a new password");
    expect(passwords.filter((password) => shown.includes(password))).toEqual([]);
  });
});
