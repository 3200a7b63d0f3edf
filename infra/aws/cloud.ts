import { secretReader } from "../../constructs/aws/external-secrets";
import { createSecretsClient, readMaster } from "../../constructs/aws/functions/task";
import { SecretsManagerStore } from "../../constructs/aws/secrets-manager-store";
import type { awsFields } from "../../constructs/aws/section";
import { secretStoreOf, toExternalSecret, toSecretStore } from "../../constructs/kubernetes/objects";
import { UserError } from "../../constructs/model/errors";
import { type JsonObject, ownEntry } from "../../constructs/model/json";
import type { PlacedPlatform, Wired } from "../../constructs/model/wire";
import type { Access } from "../../constructs/provisioning/access";
import type { Patience, Server } from "../../constructs/provisioning/connect";
import type { Cloud, Deployment } from "../cloud";
import { cdkDeploy } from "../command-line";
import { type AwsEnvironment, caOf } from "./environment";
import { loadAwsEnvironment } from "./load";
import { type Outputs, readOutputs } from "./outputs";

/** A store that whoever runs the cluster makes, where this project knows no cluster. */
const CLUSTER_STORE = "aws-secrets-manager";

/** AWS, as the commands see it. */
export const awsCloud: Cloud<typeof awsFields> = {
  name: "aws",
  loadEnvironment: loadAwsEnvironment,
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
    return this.find("instance", instance, this.outputs.instances);
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

  secretObjects(platform: string, wired: Wired): readonly JsonObject[] {
    const { secretArn: key, readerRoleArn } = this.find("platform", platform, this.outputs.platforms);
    const { platforms, section } = this.environment;
    const ca = this.ca(ownEntry(platforms, platform)?.instance ?? "");
    if (readerRoleArn === null)
      return [toExternalSecret(wired, { secretStore: { kind: "ClusterSecretStore", name: CLUSTER_STORE }, key }, ca)];
    const store = toSecretStore(wired, secretReader(section.region, readerRoleArn));
    return [...store, toExternalSecret(wired, { secretStore: secretStoreOf(wired), key }, ca)];
  }

  caution(platform: string): string | null {
    const { secretArn, readerRoleArn } = this.find("platform", platform, this.outputs.platforms);
    return readerRoleArn === null
      ? `The ClusterSecretStore ${CLUSTER_STORE} of External Secrets is yours: let it read ${secretArn}, and decrypt with its key.`
      : null;
  }

  async access(instance: string, via: Server["via"], patience: Patience): Promise<Omit<Access, "provision">> {
    const client = createSecretsClient(null, this.environment.section.region);
    const { host, port, masterSecret, restart } = this.find("instance", instance, this.outputs.instances);
    const server: Server = { host, port, tls: { mode: "verify-full", ca: this.ca(instance) }, via };
    const tenants = Object.entries(this.environment.instances[instance]?.tenants ?? {});
    const arns = tenants.map(([platform, { secret }]) => [secret, this.find("platform", platform, this.outputs.platforms).secretArn]);
    const master = await readMaster(client, { masterSecret }, server);
    return { server, master, store: new SecretsManagerStore(client, Object.fromEntries(arns)), patience, restart };
  }

  private find<T>(kind: string, name: string, among: Readonly<Record<string, T>>): T {
    const found = among[name];
    if (found === undefined)
      throw new UserError(`${this.file} knows no ${kind} ${name}; run ${cdkDeploy(this.environment.name, this.file)}`);
    return found;
  }
}
