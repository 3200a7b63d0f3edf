import * as projects from "@pulumi/gcp/projects";
import type * as pulumi from "@pulumi/pulumi";

/** The project whose cluster gives pods their identities. */
export interface IdentityProject {
  readonly project: string;
  readonly projectNumber: string;
}

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
