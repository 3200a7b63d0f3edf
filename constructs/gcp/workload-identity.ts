import * as projects from "@pulumi/gcp/projects";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import type * as pulumi from "@pulumi/pulumi";
import type { ClientIdentity } from "./client-identity";

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
 * Allows a member to connect to one instance through the Auth Proxy. It still needs a database password.
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
