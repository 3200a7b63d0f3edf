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

/** A cloud, as the commands see it; `X` are the fields of its section. It takes back what its own `loadEnvironment` has returned. */
export interface Cloud<X extends Fields = Fields> {
  readonly name: (typeof CLOUDS)[number];
  /** @throws UserError, SpecError */
  loadEnvironment(name: string): ProjectEnvironment<X>;
  /** Where an environment is deployed: a region, and an account or project; null where the credentials in use decide it. */
  place(environment: ProjectEnvironment<X>): { readonly region: string; readonly account: string | null };
  /** The command that writes what a deployment of an environment printed, with the usual name of the file. */
  outputsCommand(environment: string): string;
  /**
   * What exists of an environment.
   *
   * @param file what its deployment printed, as the user types its path.
   * @throws UserError where the file is not of this environment.
   */
  readDeployment(environment: ProjectEnvironment<X>, file: string): Deployment;
  /**
   * What a deployment would make, and change of what there is.
   *
   * @param against a stored synthesis or state, or an environment's file, as the user types its path; null where nothing is compared.
   */
  plan(environment: ProjectEnvironment<X>, against: string | null): Promise<DeploymentPlan>;
  /** What a deployment would create, resource by resource. Needs the packages of the cloud, and no account. */
  snapshot(environment: ProjectEnvironment<X>): Promise<Snapshot>;
}

/** An environment that has been deployed. */
export interface Deployment {
  /** Where an instance listens, and its first read replica, if it has one. */
  server(instance: string): Listener & { readonly reader?: Listener };
  /** How a platform's pods reach its instance. */
  reach(platform: PlacedPlatform): Reach;
  /** PEM text of the instance's certificate authority. */
  ca(instance: string): string;
  /** Where External Secrets reads the platform's secret. */
  secret(platform: string): SecretSource;
  /** Kubernetes objects by which the platform's pods reach the database. */
  accessObjects(platform: string, wired: Wired): readonly JsonObject[];
  /** What a person must do before those work; null where nothing. */
  caution(platform: string, wired: Wired): string | null;
  /**
   * Where a person connects to an instance, and what reads its platforms' secrets with the person's own credentials.
   *
   * @param via what is dialled in place of the database; null where it can be reached.
   */
  connect(instance: string, via: Server["via"], patience: Patience): Pick<ServerAccess, "server" | "store">;
  /**
   * How a person reaches an instance from a machine outside its network: a command that opens a tunnel, and what its placeholders, in
   * capitals, stand for.
   *
   * @param port of the tunnel's near end on this machine.
   */
  tunnel(instance: string, port: number): { readonly command: string; readonly placeholders: readonly string[] };
  /** The same with the master's rights, which takes the right to read its secret. */
  access(instance: string, via: Server["via"], patience: Patience): Promise<Omit<ServerAccess, "provision">>;
  /**
   * An instance as the cloud's API describes it, with the person's own credentials. A person who may not ask gets sentences. Returns null for
   * an existing database that is not the cloud's.
   */
  view(instance: string): Promise<CloudView | null>;
  /** Days between two rotations of a platform's password; null if nothing that is deployed rotates it. */
  readonly rotationDays: number | null;
  /**
   * Renews a platform's password where its database is, with the deployment's own rights: the person needs none on the database and its
   * secrets. Null if nothing that is deployed can do it.
   *
   * @param onWait shows what it waits for, a sentence.
   * @throws UserError
   */
  renew(platform: string, renewal: Renewal, onWait: (sentence: string) => void): Promise<RenewalReport> | null;
}

/** The result of a renewal, for a person. */
export interface RenewalReport {
  readonly sentences: readonly string[];
  /** Whether the new login works. */
  readonly isDone: boolean;
}

/** What a deployment would do. */
export interface DeploymentPlan {
  /** By instance: those that it creates. */
  readonly servers: Readonly<Record<string, PlannedServer>>;
  /** What exists, and is only read. */
  readonly uses: readonly Used[];
  /** What it would change of what is compared. */
  readonly changes: readonly Change[];
  /** The same, resource by resource, a line each. */
  readonly details: readonly string[];
  /** What would happen besides, a sentence each. */
  readonly notes: readonly string[];
  /** What was compared; null where nothing was. */
  readonly compared: readonly string[] | null;
  /** What is paid for, and what of it is there already; null where nothing is compared, or that is not known. */
  readonly priced: { readonly after: PricedEnvironment; readonly before: PricedEnvironment | null } | null;
  /** What there would be: one row for each stack and kind of thing. */
  readonly resources: readonly { readonly stack: string; readonly type: string; readonly count: number }[];
  /** Ids that are examples: it cannot be deployed. */
  readonly examples: readonly string[];
}
