import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { examplesIn } from "../../constructs/model/fields";
import { awsCloud } from "../../infra/aws/cloud";
import { reachDeployed } from "../../infra/cloud-session";
import type { Invocation } from "../../infra/command";
import { diagnoseAll, provisionAll } from "../../infra/local/deliver";
import { minimalAws, resolveAws, withMain } from "../fixtures/aws";
import { filesBelow, projectDirectory, temporary } from "../fixtures/cli";
import { COMMANDS } from "../fixtures/commands";
import production from "../fixtures/environments/production";
import { SecretsManagerDouble } from "../fixtures/secrets-manager";
import { startServer, type TestServer } from "../fixtures/server";
import { refusal } from "../fixtures/tenants";

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const run = (program: string, args: readonly string[], variables: Record<string, string> = {}) =>
  spawnSync(program, args, { cwd: projectDirectory(), encoding: "utf8", env: { ...process.env, ...variables } });

const arn = (name: string) => `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-AbCdEf`;

/** What `cdk deploy --outputs-file` writes. */
function outputs(name: string, instances: object, platforms: object): string {
  const file = join(directory, `${name}.json`);
  const content = {
    [`postgres-${name}-access`]: { Instances: JSON.stringify(instances), Platforms: JSON.stringify(platforms) },
  };
  writeFileSync(file, JSON.stringify(content));
  return file;
}

/** What CDK writes of its plugins. */
interface Report {
  readonly pluginReports: readonly {
    readonly pluginName: string;
    readonly violations: readonly object[];
    readonly suppressedViolations?: readonly object[];
  }[];
}

const { app, context } = JSON.parse(readFileSync(join(projectDirectory(), "cdk.json"), "utf8")) as {
  readonly app: string;
  readonly context: object;
};
const [bundling = "", starting = ""] = app.split(" && ");

/** What cdk.json says, its two halves. */
function buildApp(): void {
  const { status, stderr } = spawnSync("sh", ["-c", bundling], { cwd: projectDirectory(), encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
}
const runApp = (environment: string, env: NodeJS.ProcessEnv) =>
  spawnSync("sh", ["-c", starting], {
    cwd: projectDirectory(),
    encoding: "utf8",
    env: { ...env, CDK_CONTEXT_JSON: JSON.stringify({ ...context, environment }) },
  });

describe("cdk synth", () => {
  // The only run of all tests with validation: it is what takes the time. What --strict refuses is a warning, and there is none.
  it("makes production's templates without an account, and nothing finds even a warning in them", () => {
    buildApp();
    const outdir = join(directory, "cdk.out");
    const { CDK_VALIDATION: _off, ...env } = process.env;
    const { status, stderr } = runApp("production", { ...env, CDK_OUTDIR: outdir });
    const examples = examplesIn(production.aws, "aws").join(", ");
    expect([status, stderr]).toEqual([
      0,
      expect.stringContaining(`production has placeholder IDs; replace them before you deploy: ${examples}\n`),
    ]);
    const report = JSON.parse(readFileSync(join(outdir, "validation-report.json"), "utf8")) as Report;
    // CDK's own validation reports only where it finds something.
    expect(report.pluginReports.flatMap(({ violations }) => violations)).toEqual([]);
    const metadata = readdirSync(outdir).filter((file) => file.endsWith(".metadata.json"));
    const templates = readdirSync(outdir).filter((file) => file.endsWith(".template.json"));
    expect(metadata).toHaveLength(templates.length);
    for (const file of metadata) expect(readFileSync(join(outdir, file), "utf8")).not.toMatch(/aws:cdk:(warning|error)/);
    const acknowledged = report.pluginReports.find(({ pluginName }) => pluginName === "AwsSolutions")?.suppressedViolations ?? [];
    expect(acknowledged.length).toBeGreaterThan(5);
  });

  it("has every flag that the CDK recommends, so that none changes a template later", () => {
    expect(context).toEqual(require("aws-cdk-lib/recommended-feature-flags.json"));
  });

  it("ends in one sentence for an environment that is not for AWS", () => {
    const { status, stderr } = run(process.execPath, [join(projectDirectory(), ".build", "app.cjs")], {
      CDK_CONTEXT_JSON: '{"environment":"local"}',
    });
    expect([status, stderr]).toEqual([
      1,
      "environment local has no section aws; write one into infra/environments/local.ts, or use one of development, production\n",
    ]);
  });
});

describe("an environment that has been deployed", () => {
  const HOST = "db.example.internal";
  let server: TestServer;
  let secrets: SecretsManagerDouble;
  let environment: AwsEnvironment;
  let file: string;
  let platformSecret: string;

  beforeAll(async () => {
    server = await startServer(17, HOST);
    secrets = await SecretsManagerDouble.start();
    const [masterSecret, prefect] = [secrets.create("master"), secrets.create("prefect")];
    platformSecret = prefect;
    secrets.begin(masterSecret, "first", "AWSCURRENT", JSON.stringify(server.access.master));
    const existing = { host: HOST, ca: server.ca.certificate, masterSecret, maxConnections: 200 };
    environment = resolveAws(withMain({ ...minimalAws, name: "deployed" }, { existing }));
    const instances = { main: { host: HOST, port: 5432, masterSecret } };
    file = outputs("deployed", instances, { prefect: { secretArn: prefect, readerRoleArn: null } });
  });
  afterAll(async () => {
    await server?.stop();
    await secrets?.stop();
  });
  const silent = { doing: () => undefined, done: () => undefined, note: () => undefined, stop: () => undefined };
  const reach = (options: object) => {
    for (const [name, value] of Object.entries(secrets.environment)) vi.stubEnv(name, value);
    return reachDeployed({ environment, cloud: awsCloud, progress: silent, options, args: [] } as Invocation<object>, awsCloud);
  };

  it("is provisioned and looked into through a tunnel, whose far end is verified by its real name", async () => {
    const session = await reach({ outputs: file, via: [`127.0.0.1:${server.server.port}`] });
    await provisionAll(session, silent as never);
    expect(secrets.value(platformSecret)?.username).toBe("prefect_a");
    const found = await diagnoseAll(session, silent as never);
    expect(found.length).toBeGreaterThan(10);
    // The fixture is tuned for speed, not as a spec asks for.
    expect(found.filter(({ problem, promise }) => problem !== null && !promise.includes("max_connections"))).toEqual([]);
    vi.unstubAllEnvs();
  });

  it("is refused where the far end shows another name", async () => {
    const [instance] = (await reach({ outputs: file, via: [`127.0.0.1:${server.server.port}`] })).instances;
    const other = { ...instance, access: { ...instance?.access, server: { ...instance?.access.server, host: "other.example.internal" } } };
    expect(await refusal(provisionAll({ instances: [other as never] }, silent as never))).toBe(
      `ProvisioningError: the certificate of 127.0.0.1:${server.server.port} is for another name; connect with a name that it contains`,
    );
    vi.unstubAllEnvs();
  });

  it.each([
    [
      {},
      "--outputs is missing; give the file that this command writes: npx cdk deploy --all -c environment=deployed --outputs-file cdk-outputs.json",
    ],
    [
      { outputs: "/no/such/file" },
      "there is no file /no/such/file; run npx cdk deploy --all -c environment=deployed --outputs-file /no/such/file",
    ],
    [
      { outputs: __filename },
      `${__filename} is not valid JSON; run npx cdk deploy --all -c environment=deployed --outputs-file cdk-outputs.json`,
    ],
    [{ via: ["nowhere"] }, "--via nowhere: must be HOST:PORT, such as localhost:5433"],
    [{ via: ["mian=localhost:1"] }, '--via mian=localhost:1: must name an instance (main), as in main=localhost:1; did you mean "main"?'],
  ])("is asked for in a sentence: %j", async (options, message) => {
    expect(await refusal(reach({ ...("via" in options ? { outputs: file } : {}), ...options }))).toBe(`UserError: ${message}`);
    vi.unstubAllEnvs();
  });

  it("is refused when the outputs are of another environment", () => {
    const other = outputs("other", {}, {});
    expect(() => awsCloud.readDeployment(environment, other)).toThrow(
      `${other} has no output Instances of stack postgres-deployed-access; run npx cdk deploy --all -c environment=deployed --outputs-file cdk-outputs.json`,
    );
  });
});

describe("npm run render", () => {
  const host = "main.abcdefgh.eu-central-1.rds.amazonaws.com";

  it("writes the files for a cluster, with no password and the real names in them", () => {
    const platforms = {
      mlflow: { secretArn: arn("mlflow"), readerRoleArn: "arn:aws:iam::111122223333:role/reader" },
      prefect: { secretArn: arn("prefect"), readerRoleArn: null },
    };
    const file = outputs("development", { main: { host, port: 5432, masterSecret: arn("master") } }, platforms);
    const args = [join(COMMANDS, "render.js"), "--environment", "development", "--cloud", "aws", "--outputs", file];
    const { status, stderr, stdout } = run(process.execPath, args, { PLATFORM_POSTGRES_DIRECTORY: directory });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`${filesBelow(join(directory, "out", "development-aws")).length} files in `);
    const read = (path: string) => readFileSync(join(directory, "out", "development-aws", path), "utf8");
    expect(read("mlflow/values.yaml")).toContain(host);
    expect(read("mlflow/external-secret.yaml")).toContain("eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/reader");
    expect(read("mlflow/external-secret.yaml")).toContain(`key: ${arn("mlflow")}`);
    expect(read("prefect/external-secret.yaml")).toContain("kind: ClusterSecretStore");
    expect(read("prefect/README.txt")).toContain(
      `Create the ClusterSecretStore aws-secrets-manager of External Secrets, with permission to read ${arn("prefect")} and to decrypt with its key.`,
    );
    expect(read("ca.pem").match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
    expect(JSON.parse(read("summary.json"))).toMatchObject({ target: "aws", instances: { main: { host, port: 5432, majorVersion: 17 } } });
  });
});
