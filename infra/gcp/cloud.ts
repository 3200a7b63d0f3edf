import { toProxyObjects } from "../../constructs/gcp/auth-proxy";
import { secretReader } from "../../constructs/gcp/external-secrets";
import { readMaster } from "../../constructs/gcp/master";
import { reachOf } from "../../constructs/gcp/reach";
import { SecretManager, SecretManagerStore } from "../../constructs/gcp/secret-manager-store";
import type { gcpFields } from "../../constructs/gcp/section";
import { verification } from "../../constructs/gcp/verification";
import { secretStoreOf, toExternalSecret, toSecretStore } from "../../constructs/kubernetes/objects";
import { UserError } from "../../constructs/model/errors";
import { idOf } from "../../constructs/model/fields";
import { type JsonObject, ownEntry } from "../../constructs/model/json";
import type { PlacedPlatform, Reach, Wired } from "../../constructs/model/wire";
import type { Access } from "../../constructs/provisioning/access";
import type { Patience, Server } from "../../constructs/provisioning/connect";
import type { Cloud, Deployment } from "../cloud";
import { pulumiCommand } from "../command-line";
import { type GcpEnvironment, loadGcpEnvironment } from "./environment";
import { annotateAccounts, annotationsOf } from "./identity";
import { type Outputs, outputsCommand, readOutputs } from "./outputs";

/** A store that whoever runs the cluster makes, where this project knows no cluster. */
const CLUSTER_STORE = "gcp-secret-manager";

/** Google Cloud, as the commands see it. */
export const gcpCloud: Cloud<typeof gcpFields> = {
  name: "gcp",
  loadEnvironment: loadGcpEnvironment,
  readDeployment: (environment, file) => new GcpDeployment(environment, readOutputs(environment.name, file), file),
  plan: async (environment, against) => {
    // Loaded when asked for: the other commands need no Pulumi.
    const { planGcp } = require("./plan") as typeof import("./plan");
    return planGcp(environment, against);
  },
  snapshot: async (environment) => {
    const { snapshotGcp } = require("./snapshot") as typeof import("./snapshot");
    return snapshotGcp(environment);
  },
};

/** An environment, and what its stack has printed. */
class GcpDeployment implements Deployment {
  constructor(
    private readonly environment: GcpEnvironment,
    private readonly outputs: Outputs,
    private readonly file: string,
  ) {}

  server(instance: string) {
    return this.find("instance", instance, this.outputs.instances);
  }

  reach({ access, settings, instance }: PlacedPlatform): Reach {
    return reachOf({ ...settings, access }, this.server(instance));
  }

  ca(instance: string): string {
    return this.server(instance).ca;
  }

  secretObjects(platform: string, wired: Wired): readonly JsonObject[] {
    const { cluster, project } = this.environment.section;
    const key = this.secretId(platform);
    const ca = this.ca(this.platform(platform).instance);
    if (cluster === null) return [toExternalSecret(wired, { secretStore: { kind: "ClusterSecretStore", name: CLUSTER_STORE }, key }, ca)];
    const reader = secretReader({ project: idOf(project), cluster: idOf(cluster.name), location: cluster.location });
    return [...toSecretStore(wired, reader), toExternalSecret(wired, { secretStore: secretStoreOf(wired), key }, ca)];
  }

  accessObjects(platform: string, wired: Wired): readonly JsonObject[] {
    const { access, instance } = this.platform(platform);
    const { connectionName } = this.server(instance);
    return connectionName === null ? [] : toProxyObjects(wired, access, connectionName, annotationsOf(this.environment, wired, access));
  }

  caution(platform: string, wired: Wired): string | null {
    const { access } = this.platform(platform);
    if (this.environment.section.cluster !== null) return annotateAccounts(this.environment, wired, access);
    const store = `The ClusterSecretStore ${CLUSTER_STORE} of External Secrets is yours: let it read and list the versions of ${this.secretOf(platform)}, and set its secretVersionSelectionPolicy to LatestOrFetch.`;
    return access === "direct" ? store : `${store} What the proxy runs as needs roles/cloudsql.client.`;
  }

  async access(instance: string, via: Server["via"], patience: Patience): Promise<Omit<Access, "provision">> {
    const manager = new SecretManager(patience, false);
    const { host, port, masterSecret, ca, connectionName } = this.server(instance);
    const isMade = this.environment.instances[instance]?.settings.existing === null;
    const mode = verification({ isMade, isCloudSql: connectionName !== null }, this.environment.section);
    const server: Server = { host, port, tls: { mode, ca }, via };
    const tenants = Object.entries(this.environment.instances[instance]?.tenants ?? {});
    const names = Object.fromEntries(tenants.map(([platform, { secret }]) => [secret, this.secretOf(platform)]));
    return { server, master: await readMaster(manager, masterSecret, server), store: new SecretManagerStore(manager, names), patience };
  }

  private platform(name: string) {
    return this.find("platform", name, this.environment.platforms);
  }

  /** Whole name of a platform's secret. */
  private secretOf(platform: string): string {
    return this.find("platform", platform, this.outputs.platforms).secret;
  }

  /** Its name in the project, as External Secrets wants it. */
  private secretId(platform: string): string {
    return this.secretOf(platform).split("/").at(-1) ?? "";
  }

  private find<T>(kind: string, name: string, among: Readonly<Record<string, T>>): NonNullable<T> {
    const found = ownEntry(among, name);
    const { name: stack } = this.environment;
    if (found == null)
      throw new UserError(
        `${this.file} knows no ${kind} ${name}; run ${pulumiCommand(["up"], stack)}, and then ${outputsCommand(stack, this.file)}`,
      );
    return found;
  }
}
