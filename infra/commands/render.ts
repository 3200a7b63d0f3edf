import { join } from "node:path";
import { objectsOf, toPlatformObjects } from "../../constructs/kubernetes/platform-objects";
import { UserError } from "../../constructs/model/errors";
import { mapValues } from "../../constructs/model/json";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { readChart } from "../chart";
import type { Deployment } from "../cloud";
import { readDeployment } from "../cloud-session";
import { type CloudOptions, createCommand, main, withCloudOptions, withExamples } from "../command";
import { npmCommand, root, typed } from "../command-line";
import type { ProjectEnvironment } from "../load";
import { type OutputFile, toPlatformFiles, writeOutput } from "../output";
import { toYaml } from "../yaml";

const command = withCloudOptions(
  createCommand("render", "Write the files for a cluster from the outputs of a deployment. They contain no password."),
);

withExamples(
  command,
  ["--cloud aws -e production --outputs cdk-outputs.json", "run it after cdk deploy --all --outputs-file cdk-outputs.json"],
  ["--cloud gcp -e production --outputs outputs.json", "run it after pulumi stack output --json > outputs.json"],
);

export const program = main<CloudOptions>(command, async (invocation) => {
  const { environment, cloud, progress } = invocation;
  if (cloud === null)
    throw new UserError(
      `--cloud is missing; to write the files on this machine, run ${npmCommand("start", { environment: environment.name })}`,
    );
  progress.doing("rendering");
  const directory = join(root(), "out", `${environment.name}-${cloud.name}`);
  const files = await toFiles(environment, readDeployment(invocation, cloud));
  await writeOutput(directory, files);
  progress.stop();
  process.stdout.write(`${files.length} files in ${typed(directory)}; start with each platform's README.txt\n`);
  return 0;
});

async function toFiles(environment: ProjectEnvironment, deployment: Deployment): Promise<readonly OutputFile[]> {
  const wired = wirePlatforms(environment, platforms, (platform) => deployment.reach(platform));
  const several = Object.keys(environment.instances).length > 1;
  const files: OutputFile[] = Object.keys(environment.instances).map((name) => ({
    path: several ? `ca-${name}.pem` : "ca.pem",
    content: deployment.ca(name),
    secret: false,
  }));
  for (const [name, each] of Object.entries(wired)) {
    const instance = environment.platforms[name]?.instance ?? "";
    const ca = deployment.ca(instance);
    const objects = toPlatformObjects(each, { ca, secret: deployment.secret(name), access: deployment.accessObjects(name, each) });
    files.push(
      ...toPlatformFiles(name, each, {
        objects,
        secretFile: "external-secret.yaml",
        caution: deployment.caution(name, each),
      }),
      { path: `${name}/external-secret.yaml`, content: toYaml(objectsOf(objects, "store", "secret")), secret: false },
      ...(await readChart(name, each)),
    );
  }
  return [...files, { path: "summary.json", content: `${JSON.stringify(toSummary(environment, deployment), null, 2)}\n`, secret: false }];
}

const toSummary = (environment: ProjectEnvironment, deployment: Deployment): object => ({
  environment: environment.name,
  target: environment.target,
  instances: mapValues(environment.instances, ({ settings, maxConnections }, name) => {
    const { host, port, reader } = deployment.server(name);
    return {
      majorVersion: settings.majorVersion,
      host,
      port,
      reader: reader && { host: reader.host, port: reader.port },
      maxConnections,
    };
  }),
  platforms: mapValues(environment.platforms, (platform, name) => ({
    instance: platform?.instance,
    databases: Object.values(platform?.databases ?? {}),
    connectionLimit: environment.instances[platform?.instance ?? ""]?.tenants[name]?.logins[0].connectionLimit,
  })),
});

if (require.main === module) void program.run();
