import type { SecretReader } from "../kubernetes/objects";

export interface ExternalSecretsArgs {
  readonly project: string;
  /** GKE cluster, and the region or zone it is in. */
  readonly cluster: string;
  readonly location: string;
}

/**
 * Returns how External Secrets reads a platform's secret: as a service account whose principal may read and list only that secret.
 *
 * Google's `latest` is the newest version even if it is disabled: then External Secrets lists the versions and uses the newest enabled one,
 * like this project.
 */
export const secretReader = ({ project, cluster, location }: ExternalSecretsArgs): SecretReader => ({
  annotations: {},
  provider: (serviceAccount) => ({
    gcpsm: {
      projectID: project,
      secretVersionSelectionPolicy: "LatestOrFetch",
      auth: {
        workloadIdentity: {
          clusterLocation: location,
          clusterName: cluster,
          clusterProjectID: project,
          serviceAccountRef: { name: serviceAccount },
        },
      },
    },
  }),
});
