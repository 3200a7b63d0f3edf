import { toProxyObjects } from "../../constructs/gcp/auth-proxy";
import { secretReader } from "../../constructs/gcp/external-secrets";
import { readMaster } from "../../constructs/gcp/master";
import type { GcpEnvironment } from "../../constructs/gcp/parts/gcp-environment";
import { annotateAccounts, annotationsOf } from "../../constructs/gcp/parts/identity";
import type { Outputs } from "../../constructs/gcp/parts/outputs";
import { reachOf, toReaching } from "../../constructs/gcp/reach";
import { SecretManager, SecretManagerStore } from "../../constructs/gcp/secret-manager-store";
import type { gcpFields } from "../../constructs/gcp/section";
import { verification } from "../../constructs/gcp/verification";
import type { SecretSource } from "../../constructs/kubernetes/platform-objects";
import { UserError } from "../../constructs/model/errors";
import { idOf } from "../../constructs/model/fields";
import { type JsonObject, ownEntry } from "../../constructs/model/json";
import type { PlacedPlatform, Reach, Wired } from "../../constructs/model/wire";
import type { ServerAccess } from "../../constructs/provisioning/access";
import type { Patience, Server } from "../../constructs/provisioning/connect";
import type { Renewal } from "../../constructs/provisioning/renewal";
import type { Cloud, Deployment, RenewalReport } from "../cloud";
import type { CloudView } from "../cloud-instance";
import { pulumiCommand, quote } from "../command-line";
import { findOutput } from "../outputs";
import { describeCloudSql } from "./cloud-sql";
import { loadGcpEnvironment } from "./load";
import { OUTPUTS_FILE, outputsCommand, readOutputs } from "./outputs";
import { runRenewal } from "./rotation";

/** Name of the ClusterSecretStore that you create in the cluster if the spec has no `cluster`. */
const CLUSTER_STORE = "gcp-secret-manager";

/** Google Cloud, as the commands see it. */
export const gcpCloud: Cloud<typeof gcpFields> = {
  name: "gcp",
  loadEnvironment: loadGcpEnvironment,
  loadToSynthesize: loadGcpEnvironment,
  place: ({ section: { region, project } }) => ({ region, account: idOf(project) }),
  outputsCommand: (environment) => outputsCommand(environment, OUTPUTS_FILE),
  readDeployment: (environment, file) => new GcpDeployment(environment, readOutputs(environment.name, file), file),
  plan: async (environment, against) => {
    // Loaded on demand: the other commands do not need Pulumi.
    const { planGcp } = require("./plan") as typeof import("./plan");
    return planGcp(environment, against);
  },
  snapshot: async (environment) => {
    const { snapshotGcp } = require("./snapshot") as typeof import("./snapshot");
    return snapshotGcp(environment);
  },
};

/** An environment and the outputs of its stack. */
class GcpDeployment implements Deployment {
  constructor(
    private readonly environment: GcpEnvironment,
    private readonly outputs: Outputs,
    private readonly file: string,
  ) {}

  server(instance: string) {
    return findOutput(this.outputs.instances, instance, "instance", this.file, this.deploy());
  }

  reach(platform: PlacedPlatform): Reach {
    return reachOf(toReaching(platform), this.server(platform.instance), this.environment.section.authProxyVersion);
  }

  ca(instance: string): string {
    return this.server(instance).ca;
  }

  secret(platform: string): SecretSource {
    const { cluster, project } = this.environment.section;
    // Its short name in the project, which External Secrets needs.
    const key = this.secretOf(platform).split("/").at(-1) ?? "";
    if (cluster === null) return { key, store: CLUSTER_STORE, annotations: {} };
    const store = secretReader({ project: idOf(project), cluster: idOf(cluster.name), location: cluster.location });
    return { key, store, annotations: {} };
  }

  accessObjects(platform: string, wired: Wired): readonly JsonObject[] {
    const { access, instance } = this.platform(platform);
    const { connectionName: primary, reader } = this.server(instance);
    if (primary === null) return [];
    const version = this.environment.section.authProxyVersion;
    const proxied = { primary, reader: wired.connection.reader === null ? null : (reader?.connectionName ?? null), version };
    return toProxyObjects(wired, access, proxied, annotationsOf(this.environment, wired, access));
  }

  caution(platform: string, wired: Wired): string | null {
    const { access } = this.platform(platform);
    if (this.environment.section.cluster !== null) return annotateAccounts(this.environment, wired, access);
    const store = `Create the ClusterSecretStore ${CLUSTER_STORE} of External Secrets, with permission to read and list the versions of ${this.secretOf(platform)} and with secretVersionSelectionPolicy LatestOrFetch.`;
    return access === "direct" ? store : `${store} The proxy's identity needs roles/cloudsql.client.`;
  }

  connect(instance: string, via: Server["via"], patience: Patience): Pick<ServerAccess, "server" | "store"> {
    const { host, port, ca, connectionName } = this.server(instance);
    const isMade = this.environment.instances[instance]?.settings.existing === null;
    const mode = verification({ isMade, isCloudSql: connectionName !== null }, this.environment.section);
    const tenants = Object.entries(this.environment.instances[instance]?.tenants ?? {});
    const names = Object.fromEntries(tenants.map(([platform, { secret }]) => [secret, this.secretOf(platform)]));
    const store = new SecretManagerStore(new SecretManager(patience, false), names);
    return { server: { host, port, tls: { mode, ca }, via }, store };
  }

  /**
   * Uses SSH, not the Auth Proxy, whose near end presents no certificate: `--via` verifies the database's own. Sources, read 2026-11-30:
   * https://cloud.google.com/iap/docs/using-tcp-forwarding, https://cloud.google.com/sdk/gcloud/reference/compute/ssh
   */
  tunnel(instance: string, localPort: number) {
    const { host, port } = this.server(instance);
    const { project, region } = this.environment.section;
    const words = ["gcloud", "compute", "ssh", "VM", "--project", idOf(project), "--zone", "ZONE", "--tunnel-through-iap"];
    return {
      command: [...words, "--", "-N", "-L", `${localPort}:${host}:${port}`].map(quote).join(" "),
      placeholders: ["VM: a virtual machine in the database's network", `ZONE: its zone, such as ${region}-b`],
    };
  }

  async access(instance: string, via: Server["via"], patience: Patience): Promise<Omit<ServerAccess, "provision">> {
    const connection = this.connect(instance, via, patience);
    const { masterSecret } = this.server(instance);
    const master = await readMaster(new SecretManager(patience, false), masterSecret, connection.server);
    return { ...connection, master, patience };
  }

  async view(instance: string): Promise<CloudView | null> {
    const { connectionName } = this.server(instance);
    return connectionName === null ? null : describeCloudSql(connectionName);
  }

  get rotationDays(): number | null {
    const { cluster, rotationDays } = this.environment.section;
    return cluster === null ? null : rotationDays;
  }

  renew(platform: string, renewal: Renewal, onWait: (sentence: string) => void): Promise<RenewalReport> | null {
    const { cluster, project } = this.environment.section;
    if (cluster === null) return null;
    const { instance } = this.platform(platform);
    const cronJob = this.server(instance).rotation ?? null;
    if (cronJob === null) throw new UserError(`${this.file} has no CronJob that rotates passwords on ${instance}; ${this.deploy()}`);
    const place = { project: idOf(project), location: cluster.location, name: idOf(cluster.name) };
    return runRenewal({ cluster: place, cronJob, platform }, renewal, onWait);
  }

  private platform(name: string) {
    const found = ownEntry(this.environment.platforms, name);
    if (found === undefined) throw new TypeError(`no platform ${name}`);
    return found;
  }

  /** Full name of a platform's secret. */
  private secretOf(platform: string): string {
    return findOutput(this.outputs.platforms, platform, "platform", this.file, this.deploy()).secret;
  }

  private deploy(): string {
    const { name } = this.environment;
    return `run ${pulumiCommand(["up"], name)}, and then ${outputsCommand(name, this.file)}`;
  }
}
