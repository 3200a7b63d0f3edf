import { kubernetesNames } from "../model/names";
import type { Topology } from "../model/target";

/**
 * Names that Google Cloud shows, before what Pulumi adds to make them free.
 *
 * @param replica its number, or null for the primary.
 */
export function physicalName(environment: string, instance: string, replica: number | null): string {
  return `${environment}-${instance}${replica === null ? "" : `-replica${replica}`}`;
}

/** The private DNS name of an instance: known when it is planned, whatever its address will be. */
export const hostName = (environment: string, instance: string): string => `${instance}.${environment}.postgres.internal`;

/** The private DNS name of an instance's first replica, in the same zone. */
export const readerHostName = (environment: string, instance: string): string => `read.${hostName(environment, instance)}`;

/** Whether a name is that of a replica: an instance called `read` has one part fewer. */
export const isReaderHostName = (name: string): boolean => /^read(\.[^.]+){2}\.postgres\.internal\.?$/.test(name);

/** The master's secret in Secret Manager. A platform's has a hyphen less in between, and no platform is called `master`. */
export const masterSecretName = (environment: string, instance: string): string => `${environment}--${instance}--master`;

/** A platform, and what it is: its key in the registry. */
export interface Named {
  readonly name: string;
  readonly kind: string;
}

/**
 * Pulumi's name of something of a platform. No platform has a dot in its name, so that two of them never make the same one: `a` with
 * `b-c`, and `a-b` with `c`. A platform that is called like its kind has a hyphen instead: no kind begins like another one.
 */
export const resourceName = ({ name, kind }: Named, what: string): string => `${name}${name === kind ? "-" : "."}${what}`;

/** What the Auth Proxy of a platform runs as: the service accounts of the pods beside it, or its own account. */
export function proxyAccounts(
  { release, serviceAccounts }: { readonly release: string; readonly serviceAccounts: readonly string[] },
  access: Topology["access"],
): readonly string[] {
  return { direct: [], sidecar: serviceAccounts, proxy: [kubernetesNames(release).proxy] }[access];
}

/** Namespace of what provisions and rotates. */
export const provisioningNamespace = (environment: string): string => `postgres-${environment}`;

/** The service account that provisions and rotates for an instance, in that namespace. */
export const provisioningAccount = (instance: string): string => `${instance}-provisioning`;

/** The CronJob that rotates the passwords of an instance's platforms, in that namespace. */
export const rotationCronJob = (instance: string): string => `${instance}-rotate`;

/** What a self link has before `projects/`. */
const LINK = /^https:\/\/[^/]+\/compute\/[^/]+\//;

/** `projects/P/global/networks/NAME` of a network's name in a project, whole name or self link. */
export function wholeNetwork(network: string, project: string): string {
  const name = network.replace(LINK, "");
  return name.includes("/") ? name : `projects/${project}/global/networks/${name}`;
}
