import { kubernetesNames } from "../model/names";
import type { Topology } from "../model/target";

/**
 * Returns a name in Google Cloud, without the suffix that Pulumi adds to make it unique.
 *
 * @param replica its number, or null for the primary.
 */
export function physicalName(environment: string, instance: string, replica: number | null): string {
  return `${environment}-${instance}${replica === null ? "" : `-replica${replica}`}`;
}

/** Returns the private DNS name of an instance, which is not a deploy-time value, unlike its address. */
export const hostName = (environment: string, instance: string): string => `${instance}.${environment}.postgres.internal`;

/** The private DNS name of an instance's first replica, in the same zone. */
export const readerHostName = (environment: string, instance: string): string => `read.${hostName(environment, instance)}`;

/** Whether a name is a replica's: an instance named `read` has one part fewer. */
export const isReaderHostName = (name: string): boolean => /^read(\.[^.]+){2}\.postgres\.internal\.?$/.test(name);

/** Returns the name of the master's secret in Secret Manager. A platform's secret has a different number of hyphens. */
export const masterSecretName = (environment: string, instance: string): string => `${environment}--${instance}--master`;

/** A platform, and its kind: a key of the registry. */
export interface Named {
  readonly name: string;
  readonly kind: string;
}

/**
 * Returns the Pulumi name of a platform's resource. No platform's name contains a dot, so two platforms never get the same name: `a` with
 * `b-c`, and `a-b` with `c`. A platform named like its kind gets a hyphen instead: no kind begins with another one.
 */
export const resourceName = ({ name, kind }: Named, what: string): string => `${name}${name === kind ? "-" : "."}${what}`;

/** Returns the service accounts of a platform's Auth Proxy: those of the pods with the sidecar, or its own. */
export function proxyAccounts(
  { release, serviceAccounts }: { readonly release: string; readonly serviceAccounts: readonly string[] },
  access: Topology["access"],
): readonly string[] {
  return { direct: [], sidecar: serviceAccounts, proxy: [kubernetesNames(release).proxy] }[access];
}

/** Returns the namespace of provisioning and rotation. */
export const provisioningNamespace = (environment: string): string => `postgres-${environment}`;

/** The service account that provisions and rotates for an instance, in that namespace. */
export const provisioningAccount = (instance: string): string => `${instance}-provisioning`;

/** The CronJob that rotates the passwords of an instance's platforms, in that namespace. */
export const rotationCronJob = (instance: string): string => `${instance}-rotate`;

/** The part of a self link before `projects/`. */
const LINK = /^https:\/\/[^/]+\/compute\/[^/]+\//;

/** Returns `projects/P/global/networks/NAME` for a network's name in a project, full name or self link. */
export function wholeNetwork(network: string, project: string): string {
  const name = network.replace(LINK, "");
  return name.includes("/") ? name : `projects/${project}/global/networks/${name}`;
}
