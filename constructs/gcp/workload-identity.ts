import { createHash } from "node:crypto";
import * as projects from "@pulumi/gcp/projects";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import type * as pulumi from "@pulumi/pulumi";
import type { JsonObject } from "../model/json";

/** The project whose cluster gives pods their identities. */
export interface IdentityProject {
  readonly project: string;
  readonly projectNumber: string;
}

/** The Google identity of a Kubernetes service account with the Auth Proxy. Contains no deploy-time values. */
export interface ClientIdentity {
  /** As IAM writes it. */
  readonly member: string;
  /** Annotations that the Kubernetes service account needs. */
  readonly annotations: JsonObject;
  /** Google service account to create; null if the Kubernetes service account itself is the identity. */
  readonly account: {
    readonly project: string;
    readonly accountId: string;
    readonly email: string;
    /** `NAMESPACE/NAME` of the Kubernetes service account. */
    readonly of: string;
  } | null;
}

/** Letters of a hash that make a name. */
const HASH_LENGTH = 10;

/** @param kind as `gcp.cluster.serviceAccounts` has it. */
export function clientIdentity(
  identity: IdentityProject,
  kind: "direct" | "google",
  environment: string,
  namespace: string,
  serviceAccount: string,
): ClientIdentity {
  if (kind === "direct") return { member: principalOf(identity, namespace, serviceAccount), annotations: {}, account: null };
  const { project } = identity;
  const of = `${namespace}/${serviceAccount}`;
  // Google takes 30 letters, which the names together exceed.
  const accountId = `postgres-${createHash("sha256").update(`${environment}/${of}`).digest("hex").slice(0, HASH_LENGTH)}`;
  const email = `${accountId}@${project}.iam.gserviceaccount.com`;
  return {
    member: `serviceAccount:${email}`,
    annotations: { "iam.gke.io/gcp-service-account": email },
    account: { project, accountId, email, of },
  };
}

/** Creates the Google service account of an identity, if it has one, and lets the Kubernetes service account act as it. */
export function createIdentity(
  name: string,
  { account }: ClientIdentity,
  environment: string,
  opts: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  if (account === null) return [];
  const { project, accountId, of } = account;
  const displayName = `PostgreSQL ${environment}: ${of}`.slice(0, LONGEST_DISPLAY_NAME);
  const made = new serviceaccount.Account(name, { project, accountId, displayName }, opts);
  const member = `serviceAccount:${project}.svc.id.goog[${of}]`;
  const binding = { serviceAccountId: made.name, role: "roles/iam.workloadIdentityUser", member };
  return [made, new serviceaccount.IAMMember(name, binding, opts)];
}

/** https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts */
const LONGEST_DISPLAY_NAME = 100;

/**
 * A service account of Kubernetes as a member of IAM, without a service account of Google's in between. Workload Identity has to be on.
 *
 * https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
 */
export function principalOf({ project, projectNumber }: IdentityProject, namespace: string, serviceAccount: string): string {
  const pool = `projects/${projectNumber}/locations/global/workloadIdentityPools/${project}.svc.id.goog`;
  return `principal://iam.googleapis.com/${pool}/subject/ns/${namespace}/sa/${serviceAccount}`;
}

/**
 * Lets a member open connections to one instance through the Auth Proxy. It still needs a password of the database.
 *
 * @param connectionName of the instance, `project:region:instance`.
 */
export function allowConnections(
  name: string,
  member: string,
  connectionName: pulumi.Output<string>,
  opts: pulumi.CustomResourceOptions,
): projects.IAMMember {
  const parts = connectionName.apply((text) => {
    const words = text.split(":");
    return { project: words.slice(0, -2).join(":"), instance: words.at(-1) };
  });
  const expression = parts.apply(
    ({ project, instance }) =>
      `resource.name == "projects/${project}/instances/${instance}" && resource.service == "sqladmin.googleapis.com"`,
  );
  return new projects.IAMMember(
    name,
    { project: parts.project, role: "roles/cloudsql.client", member, condition: { title: "One instance of Cloud SQL", expression } },
    opts,
  );
}
