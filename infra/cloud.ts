import type { SecretSource } from "../constructs/kubernetes/platform-objects";
import type { Fields } from "../constructs/model/fields";
import type { JsonObject } from "../constructs/model/json";
import type { Listener } from "../constructs/model/platform";
import type { PlacedPlatform, Reach, Wired } from "../constructs/model/wire";
import type { ServerAccess } from "../constructs/provisioning/access";
import type { Patience, Server } from "../constructs/provisioning/connect";
import type { Renewal } from "../constructs/provisioning/renewal";
import type { CloudView } from "./cloud-instance";
import type { PricedEnvironment } from "./cost/cost";
import type { ProjectEnvironment } from "./load";
import type { Change } from "./plan/change";
import type { PlannedServer, Used } from "./plan/servers";
import type { Snapshot } from "./snapshot";
import type { CLOUDS } from "./spec";

/** A cloud, as the commands see it; `X` are the fields of its section. Its functions take environments that it has loaded. */
export interface Cloud<X extends Fields = Fields> {
  readonly name: (typeof CLOUDS)[number];
  /** @throws UserError, SpecError */
  loadEnvironment(name: string): ProjectEnvironment<X>;
  /** The same for `plan` and `snapshot`: also reports packages that only these need. @throws UserError, SpecError */
  loadToSynthesize(name: string): ProjectEnvironment<X>;
  /** Where an environment is deployed: a region, and an account or project; null if the credentials in use decide it. */
  place(environment: ProjectEnvironment<X>): { readonly region: string; readonly account: string | null };
  /** The command that writes an environment's outputs to the usual file. */
  outputsCommand(environment: string): string;
  /**
   * Reads a deployed environment.
   *
   * @param file path of its deployment's outputs, as the user types it.
   * @throws UserError if the file is not of this environment.
   */
  readDeployment(environment: ProjectEnvironment<X>, file: string): Deployment;
  /**
   * Computes what a deployment would create and change.
   *
   * @param against path of a stored synthesis or state, or of an environment's file, as the user types it; null to compare nothing.
   */
  plan(environment: ProjectEnvironment<X>, against: string | null): Promise<DeploymentPlan>;
  /** Computes what a deployment would create, resource by resource. Needs the cloud's packages, but no account. */
  snapshot(environment: ProjectEnvironment<X>): Promise<Snapshot>;
}

/** A deployed environment. */
export interface Deployment {
  /** Addresses of an instance and of its first read replica, if any. */
  server(instance: string): Listener & { readonly reader?: Listener };
  /** How a platform's pods reach its instance. */
  reach(platform: PlacedPlatform): Reach;
  /** PEM text of the instance's certificate authority. */
  ca(instance: string): string;
  /** Where External Secrets reads the platform's secret. */
  secret(platform: string): SecretSource;
  /** Kubernetes objects by which the platform's pods reach the database. */
  accessObjects(platform: string, wired: Wired): readonly JsonObject[];
  /** What the user must do before those work; null if nothing. */
  caution(platform: string, wired: Wired): string | null;
  /**
   * Returns where the user connects to an instance, and a store that reads its platforms' secrets with the user's own credentials.
   *
   * @param via address to connect to instead of the database; null if the database is reachable.
   */
  connect(instance: string, via: Server["via"], patience: Patience): Pick<ServerAccess, "server" | "store">;
  /**
   * Returns a command that opens a tunnel to an instance from a machine outside its network, and explanations of its placeholders, which
   * are in capitals.
   *
   * @param port of the tunnel's near end on this machine.
   */
  tunnel(instance: string, port: number): { readonly command: string; readonly placeholders: readonly string[] };
  /** The same with the master's rights. Needs permission to read its secret. */
  access(instance: string, via: Server["via"], patience: Patience): Promise<Omit<ServerAccess, "provision">>;
  /**
   * Reads an instance from the cloud's API, with the user's own credentials. Missing permissions become sentences. Returns null for an
   * existing database that does not belong to the cloud.
   */
  view(instance: string): Promise<CloudView | null>;
  /** Days between two rotations of a platform's password; null if the deployment does not rotate it. */
  readonly rotationDays: number | null;
  /**
   * Renews a platform's password through the deployed program and its rights: the user needs no rights on the database and its secrets.
   * Null if no program is deployed for it.
   *
   * @param onWait gets a sentence about what it waits for.
   * @throws UserError
   */
  renew(platform: string, renewal: Renewal, onWait: (sentence: string) => void): Promise<RenewalReport> | null;
}

/** The result of a renewal, for the user. */
export interface RenewalReport {
  readonly sentences: readonly string[];
  /** Whether the new login works. */
  readonly isDone: boolean;
}

/** Effects of a deployment. */
export interface DeploymentPlan {
  /** Servers that it creates, by instance. */
  readonly servers: Readonly<Record<string, PlannedServer>>;
  /** Existing resources that it only reads. */
  readonly uses: readonly Used[];
  /** Changes, compared with an earlier state. */
  readonly changes: readonly Change[];
  /** The same changes, one line per resource. */
  readonly details: readonly string[];
  /** Other effects, a sentence each. */
  readonly notes: readonly string[];
  /** What was compared; null if nothing was. */
  readonly compared: readonly string[] | null;
  /** Billed parts after and before the deployment; before is null if nothing is compared, or if it is not known. */
  readonly priced: { readonly after: PricedEnvironment; readonly before: PricedEnvironment | null } | null;
  /** Numbers of resources after the deployment, one row per stack and type. */
  readonly resources: readonly { readonly stack: string; readonly type: string; readonly count: number }[];
  /** Settings with placeholder IDs, which block the deployment. */
  readonly examples: readonly string[];
}
