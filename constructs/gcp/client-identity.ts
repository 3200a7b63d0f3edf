import { createHash } from "node:crypto";
import type { JsonObject } from "../model/json";

/** The project whose cluster gives pods their identities. */
export interface IdentityProject {
  readonly project: string;
  readonly projectNumber: string;
}

/** The Google identity of a Kubernetes service account with the Auth Proxy. Contains no deploy-time values. */
export interface ClientIdentity {
  /** In IAM's notation. */
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

/** Letters of a hash in a name. */
const HASH_LENGTH = 10;

/** @param kind value of `gcp.cluster.serviceAccounts`. */
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
  // Google allows 30 letters, which the names together exceed.
  const accountId = `postgres-${createHash("sha256").update(`${environment}/${of}`).digest("hex").slice(0, HASH_LENGTH)}`;
  // `example.com:my-project` has accounts of `my-project.example.com`.
  const domain = project.split(":").reverse().join(".");
  const email = `${accountId}@${domain}.iam.gserviceaccount.com`;
  return {
    member: `serviceAccount:${email}`,
    annotations: { "iam.gke.io/gcp-service-account": email },
    account: { project, accountId, email, of },
  };
}

/**
 * Returns a Kubernetes service account as a member of IAM, without a Google service account. Workload Identity must be on.
 *
 * https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
 */
export function principalOf({ project, projectNumber }: IdentityProject, namespace: string, serviceAccount: string): string {
  const pool = `projects/${projectNumber}/locations/global/workloadIdentityPools/${project}.svc.id.goog`;
  return `principal://iam.googleapis.com/${pool}/subject/ns/${namespace}/sa/${serviceAccount}`;
}
