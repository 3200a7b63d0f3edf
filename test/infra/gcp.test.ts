import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { GcpEnvironment } from "../../constructs/gcp/parts/gcp-environment";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { reachDeployed } from "../../infra/cloud-session";
import type { Invocation } from "../../infra/command";
import { gcpCloud } from "../../infra/gcp/cloud";
import { diagnoseAll, provisionAll } from "../../infra/local/deliver";
import { filesBelow, startScript, temporary } from "../fixtures/cli";
import { minimalGcp, resolveGcp, withGcp } from "../fixtures/gcp";
import { SecretManagerDouble } from "../fixtures/secret-manager";
import { startServer, type TestServer } from "../fixtures/server";
import { refusal } from "../fixtures/tenants";

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const secret = (name: string) => `projects/my-project/secrets/${name}`;

/** What `pulumi stack output --json` prints. */
function outputs(environment: string, instance: object, platforms: readonly string[], name = environment): string {
  const file = join(directory, `${name}.json`);
  const main = {
    host: `main.${environment}.postgres.internal`,
    port: 5432,
    masterSecret: secret(`${environment}--main--master`),
    ...instance,
  };
  const named = Object.fromEntries(platforms.map((name) => [name, { secret: secret(`${environment}--${name}`) }]));
  writeFileSync(file, JSON.stringify({ environment, instances: { main }, platforms: named, next: "" }));
  return file;
}

/** What a person must do for a platform, as `npm run render` asks for it. */
function cautionOf(environment: GcpEnvironment, file: string, platform: keyof typeof platforms): string | null {
  const deployment = gcpCloud.readDeployment(environment, file);
  const wired = wirePlatforms(environment, platforms, (its) => deployment.reach(its))[platform];
  if (wired === undefined) throw new TypeError(`${platform} was not wired`);
  return deployment.caution(platform, wired);
}

describe("an environment that has been deployed to Google Cloud", () => {
  let server: TestServer;
  let secrets: SecretManagerDouble;
  let file: string;
  const environment = resolveGcp({
    ...minimalGcp,
    name: "deployed",
    instances: { main: { parameters: { max_connections: 200 } } },
  });

  beforeAll(async () => {
    // As Google's own authority does it: the certificate is for no name that anybody dials.
    server = await startServer(17, "project:instance.invalid");
    secrets = await new SecretManagerDouble().start();
    secrets.make(secret("deployed--main--master"), server.access.master);
    secrets.make(secret("deployed--prefect"));
    file = outputs("deployed", { ca: server.ca.certificate, connectionName: "my-project:europe-west4:db" }, ["prefect"]);
    for (const [name, value] of Object.entries(secrets.variables)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    secrets.stop();
    await server.stop();
  });
  const silent = { doing: () => undefined, done: () => undefined, note: () => undefined, stop: () => undefined };
  const reach = (options: object) =>
    reachDeployed({ environment, cloud: gcpCloud, progress: silent, options, args: [] } as Invocation<object>, gcpCloud);

  it("is provisioned and looked into by a person, through a tunnel", async () => {
    const session = await reach({ outputs: file, via: [`127.0.0.1:${server.server.port}`] });
    await provisionAll(session, silent as never);
    expect(secrets.contents(secret("deployed--prefect")).map(({ username }) => username)).toEqual(["prefect_a", "prefect_b"]);
    const found = await diagnoseAll(session, silent as never);
    expect(found.length).toBeGreaterThan(10);
    expect(found.filter(({ problem }) => problem !== null)).toEqual([]);
  });

  it.each([
    [{}, "--outputs is missing; give the file that this command writes: pulumi stack output --json --stack deployed > outputs.json"],
    [{ outputs: "/no/such/file" }, "there is no file /no/such/file; run pulumi stack output --json --stack deployed > /no/such/file"],
    [{ outputs: __filename }, `${__filename} is not valid JSON; run pulumi stack output --json --stack deployed > outputs.json`],
  ])("is asked for in a sentence: %j", async (options, message) => {
    expect(await refusal(reach(options))).toBe(`UserError: ${message}`);
  });

  it("is refused when the outputs are of another environment, or of nothing", () => {
    const other = outputs("other", {}, []);
    expect(() => gcpCloud.readDeployment(environment, other)).toThrow(
      `${other} is of environment other, not of deployed; run pulumi stack output --json --stack deployed > outputs.json`,
    );
    writeFileSync(other, "{}");
    expect(() => gcpCloud.readDeployment(environment, other)).toThrow(`${other} has no outputs of this project`);
  });

  it("says which service accounts a person must annotate, where Google service accounts are asked for and a chart makes its own", () => {
    const spec = { ...minimalGcp, name: "deployed", acknowledge: { "kubeflow-pipelines-is-for-development": "it is a test" } };
    const wanted = {
      prefect: {},
      "kubeflow-pipelines": { images: { "api-server": "example.com/api:1", "cache-server": "example.com/c:1" } },
    };
    const own = (serviceAccounts: "direct" | "google") =>
      resolveGcp(withGcp({ ...spec, platforms: wanted }, { cluster: { name: "ml", location: "europe-west4", serviceAccounts } }));
    const connected = outputs(
      "deployed",
      { ca: "ca", connectionName: "my-project:europe-west4:db" },
      ["prefect", "kubeflow-pipelines"],
      "google",
    );
    expect(cautionOf(own("direct"), connected, "kubeflow-pipelines")).toBeNull();
    expect(cautionOf(own("google"), connected, "prefect")).toBeNull();
    const email = "postgres-[0-9a-f]{10}@my-project\\.iam\\.gserviceaccount\\.com";
    const annotate = (account: string) =>
      `kubectl annotate serviceaccount --namespace kubeflow ${account} iam\\.gke\\.io/gcp-service-account=${email}`;
    expect(cautionOf(own("google"), connected, "kubeflow-pipelines")).toMatch(
      new RegExp(
        `^The proxy's service accounts are created by a chart or by you\\. To annotate them, run ${["ml-pipeline", "kubeflow-pipelines-cache", "metadata-grpc-server"].map(annotate).join(" && ")}$`,
      ),
    );
  });

  it("shows what is left to do if the spec names no cluster", () => {
    const own = resolveGcp(withGcp({ ...minimalGcp, name: "deployed" }, { cluster: null }));
    expect(cautionOf(own, file, "prefect")).toBe(
      "Create the ClusterSecretStore gcp-secret-manager of External Secrets, with permission to read and list the versions of projects/my-project/secrets/deployed--prefect and with secretVersionSelectionPolicy LatestOrFetch. The proxy's identity needs roles/cloudsql.client.",
    );
  });

  it("is refused when the outputs lack a platform that the environment has by now", () => {
    const older = outputs("deployed", {}, []);
    expect(() => gcpCloud.readDeployment(environment, older).secret("prefect")).toThrow(
      `${older} contains no platform prefect; run pulumi up --stack deployed, and then pulumi stack output --json --stack deployed > ${older}`,
    );
    expect(() => gcpCloud.readDeployment(environment, older).server("constructor")).toThrow(`${older} contains no instance constructor`);
  });
});

describe("npm run render", () => {
  it("writes the files for a cluster, with no password and the real names in them", async () => {
    const ca = "-----BEGIN CERTIFICATE-----\nof the instance\n-----END CERTIFICATE-----\n";
    const file = outputs("development", { ca, connectionName: "my-project:europe-west4:development-main-1a2b3c4" }, ["mlflow", "prefect"]);
    const args = ["--environment", "development", "--cloud", "gcp", "--outputs", file];
    const { code, output } = await startScript(directory, "render", args).result;
    const written = filesBelow(join(directory, "out", "development-gcp")).length;
    expect([code, output]).toEqual([0, expect.stringContaining(`${written} files in `)]);
    const read = (path: string) => readFileSync(join(directory, "out", "development-gcp", path), "utf8");
    expect(read("mlflow/values.yaml")).toContain("name: mlflow-db-proxy");
    expect(read("mlflow/manifests.yaml")).toContain(
      "CSQL_PROXY_INSTANCE_CONNECTION_NAME: my-project:europe-west4:development-main-1a2b3c4",
    );
    expect(read("mlflow/manifests.yaml")).toContain("name: mlflow-db-client");
    expect(read("mlflow/external-secret.yaml")).toContain("key: development--mlflow");
    expect(read("mlflow/external-secret.yaml")).toContain("clusterLocation: europe-west4");
    expect(JSON.parse(read("summary.json"))).toMatchObject({
      target: "gcp",
      instances: { main: { host: "main.development.postgres.internal" } },
    });
  });
});
