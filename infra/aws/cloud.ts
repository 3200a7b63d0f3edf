import { secretReader } from "../../constructs/aws/external-secrets";
import { createSecretsClient, readMaster } from "../../constructs/aws/functions/task";
import { SecretsManagerStore } from "../../constructs/aws/secrets-manager-store";
import type { awsFields } from "../../constructs/aws/section";
import type { SecretSource } from "../../constructs/kubernetes/platform-objects";
import type { PlacedPlatform } from "../../constructs/model/wire";
import type { ServerAccess } from "../../constructs/provisioning/access";
import type { Patience, Server } from "../../constructs/provisioning/connect";
import type { Cloud, Deployment } from "../cloud";
import { cdkDeploy } from "../command-line";
import { findOutput } from "../outputs";
import { type AwsEnvironment, caOf } from "./environment";
import { loadAwsEnvironment } from "./load";
import { OUTPUTS_FILE, type Outputs, readOutputs } from "./outputs";

/** A store that whoever runs the cluster makes, where this project knows no cluster. */
const CLUSTER_STORE = "aws-secrets-manager";

/** AWS, as the commands see it. */
export const awsCloud: Cloud<typeof awsFields> = {
  name: "aws",
  loadEnvironment: loadAwsEnvironment,
  outputsCommand: (environment) => cdkDeploy(environment, OUTPUTS_FILE),
  readDeployment: (environment, file) => new AwsDeployment(environment, readOutputs(environment.name, file), file),
  plan: async (environment, against) => {
    // Loaded when asked for: the other commands need no CDK.
    const { planAws } = require("./plan") as typeof import("./plan");
    return planAws(environment, against);
  },
  snapshot: async (environment) => {
    const { snapshotAws } = require("./snapshot") as typeof import("./snapshot");
    return snapshotAws(environment);
  },
};

/** An environment, and what its stacks have printed. */
class AwsDeployment implements Deployment {
  constructor(
    private readonly environment: AwsEnvironment,
    private readonly outputs: Outputs,
    private readonly file: string,
  ) {}

  server(instance: string) {
    return findOutput(this.outputs.instances, instance, "instance", this.file, this.deploy());
  }

  reach({ instance }: PlacedPlatform) {
    const { host, port } = this.server(instance);
    return { host, port, sidecar: null };
  }

  accessObjects() {
    return [];
  }

  ca(instance: string): string {
    return caOf(this.environment, instance);
  }

  secret(platform: string): SecretSource {
    const { secretArn: key, readerRoleArn } = this.platform(platform);
    const store = readerRoleArn === null ? CLUSTER_STORE : secretReader(this.environment.section.region, readerRoleArn);
    return { key, store, annotations: {} };
  }

  caution(platform: string): string | null {
    const { secretArn, readerRoleArn } = this.platform(platform);
    return readerRoleArn === null
      ? `The ClusterSecretStore ${CLUSTER_STORE} of External Secrets is yours: let it read ${secretArn}, and decrypt with its key.`
      : null;
  }

  async access(instance: string, via: Server["via"], patience: Patience): Promise<Omit<ServerAccess, "provision">> {
    const client = createSecretsClient(patience, this.environment.section.region);
    const { host, port, masterSecret, restart } = this.server(instance);
    const server: Server = { host, port, tls: { mode: "verify-full", ca: this.ca(instance) }, via };
    const tenants = Object.entries(this.environment.instances[instance]?.tenants ?? {});
    const arns = tenants.map(([platform, { secret }]) => [secret, this.platform(platform).secretArn]);
    const master = await readMaster(client, { masterSecret }, server);
    return { server, master, store: new SecretsManagerStore(client, Object.fromEntries(arns)), patience, restart };
  }

  private platform(name: string) {
    return findOutput(this.outputs.platforms, name, "platform", this.file, this.deploy());
  }

  private deploy(): string {
    return `run ${cdkDeploy(this.environment.name, this.file)}`;
  }
}
