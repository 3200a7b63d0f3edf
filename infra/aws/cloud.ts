import { secretReader } from "../../constructs/aws/external-secrets";
import { createSecretsClient, readMaster } from "../../constructs/aws/functions/task";
import { SecretsManagerStore } from "../../constructs/aws/secrets-manager-store";
import type { awsFields } from "../../constructs/aws/section";
import { type AwsEnvironment, caOf, hasNetwork, isInner } from "../../constructs/aws/stacks/aws-environment";
import type { Outputs } from "../../constructs/aws/stacks/outputs";
import type { SecretSource } from "../../constructs/kubernetes/platform-objects";
import { UserError } from "../../constructs/model/errors";
import { idOf } from "../../constructs/model/fields";
import type { PlacedPlatform } from "../../constructs/model/wire";
import type { ServerAccess } from "../../constructs/provisioning/access";
import type { Patience, Server } from "../../constructs/provisioning/connect";
import type { Renewal } from "../../constructs/provisioning/renewal";
import type { Cloud, Deployment, RenewalReport } from "../cloud";
import type { CloudView } from "../cloud-instance";
import { cdkDeploy, quote } from "../command-line";
import { findOutput } from "../outputs";
import { loadAwsEnvironment, loadAwsEnvironmentToSynthesize } from "./load";
import { OUTPUTS_FILE, readOutputs } from "./outputs";
import { invokeRotation } from "./rotation";

/** Name of the ClusterSecretStore that you create in the cluster if the spec has no `cluster`. */
const CLUSTER_STORE = "aws-secrets-manager";

/** AWS, as the commands see it. */
export const awsCloud: Cloud<typeof awsFields> = {
  name: "aws",
  loadEnvironment: loadAwsEnvironment,
  loadToSynthesize: loadAwsEnvironmentToSynthesize,
  place: ({ section: { region, account } }) => ({ region, account: account === null ? null : idOf(account) }),
  outputsCommand: (environment) => cdkDeploy(environment, OUTPUTS_FILE),
  readDeployment: (environment, file) => new AwsDeployment(environment, readOutputs(environment.name, file), file),
  plan: async (environment, against) => {
    // Loaded on demand: the other commands do not need the CDK.
    const { planAws } = require("./plan") as typeof import("./plan");
    return planAws(environment, against);
  },
  snapshot: async (environment) => {
    const { snapshotAws } = require("./snapshot") as typeof import("./snapshot");
    return snapshotAws(environment);
  },
};

/** An environment and the outputs of its stacks. */
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
    const { host, port, reader = null } = this.server(instance);
    return { host, port, reader, sidecar: null };
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
      ? `Create the ClusterSecretStore ${CLUSTER_STORE} of External Secrets, with permission to read ${secretArn} and to decrypt with its key.`
      : null;
  }

  connect(instance: string, via: Server["via"], patience: Patience): Pick<ServerAccess, "server" | "store"> {
    const { host, port } = this.server(instance);
    const tenants = Object.entries(this.environment.instances[instance]?.tenants ?? {});
    const arns = tenants.map(([platform, { secret }]) => [secret, this.platform(platform).secretArn]);
    const store = new SecretsManagerStore(this.secretsClient(patience), Object.fromEntries(arns));
    return { server: { host, port, tls: { mode: "verify-full", ca: this.ca(instance) }, via }, store };
  }

  /**
   * Needs AWS's Session Manager plugin on this machine. Sources, read 2026-11-30:
   * https://docs.aws.amazon.com/cli/latest/reference/ssm/start-session.html,
   * https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-sessions-start.html
   */
  tunnel(instance: string, localPort: number) {
    const { host, port, securityGroups = [] } = this.server(instance);
    const parameters = { host: [host], portNumber: [String(port)], localPortNumber: [String(localPort)] };
    const words = ["aws", "ssm", "start-session", "--region", this.environment.section.region, "--target", "INSTANCE_ID"];
    words.push("--document-name", "AWS-StartPortForwardingSessionToRemoteHost", "--parameters", JSON.stringify(parameters));
    const admitted = securityGroups.length === 0 ? "" : `, and that ${securityGroups.join(", ")} admits`;
    return {
      command: words.map(quote).join(" "),
      placeholders: [`INSTANCE_ID: an EC2 instance in the database's network that Systems Manager manages${admitted}`],
    };
  }

  async access(instance: string, via: Server["via"], patience: Patience): Promise<Omit<ServerAccess, "provision">> {
    const connection = this.connect(instance, via, patience);
    const { restart } = this.server(instance);
    const master = await readMaster(this.secretsClient(patience), this.server(instance), connection.server);
    return { ...connection, master, patience, restart };
  }

  view(instance: string): Promise<CloudView | null> {
    // Loaded on demand: the other commands do not need RDS's client.
    const { describeRds } = require("./rds") as typeof import("./rds");
    return describeRds(this.server(instance).host);
  }

  get rotationDays(): number | null {
    return hasNetwork(this.environment) ? this.environment.section.rotationDays : null;
  }

  renew(platform: string, renewal: Renewal): Promise<RenewalReport> | null {
    // Functions need a network.
    if (!hasNetwork(this.environment)) return null;
    const { secretArn } = this.platform(platform);
    const functions = this.outputs.rotation?.[this.environment.platforms[platform]?.instance ?? ""];
    const arn = functions?.[isInner(this.environment, platform) ? "furtherPlatforms" : "platforms"] ?? null;
    if (arn === null) throw new UserError(`${this.file} has no function that rotates ${platform}; ${this.deploy()}`);
    return invokeRotation(
      platform,
      arn,
      { ...renewal, secret: secretArn },
      { region: this.environment.section.region, deploy: this.deploy() },
    );
  }

  private secretsClient(patience: Patience) {
    return createSecretsClient(patience, this.environment.section.region);
  }

  private platform(name: string) {
    return findOutput(this.outputs.platforms, name, "platform", this.file, this.deploy());
  }

  private deploy(): string {
    return `run ${cdkDeploy(this.environment.name, this.file)}`;
  }
}
