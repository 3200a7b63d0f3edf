import type { SecretReader } from "../kubernetes/objects";

export interface ExternalSecretsArgs {
  readonly project: string;
  /** GKE cluster, and the region or zone it is in. */
  readonly cluster: string;
  readonly location: string;
}

/**
 * How External Secrets reads a platform's secret: as a service account whose principal may read and list that secret, and no other.
 *
 * Google's `latest` is the newest version even if it is disabled: then External Secrets lists the versions, and takes the newest enabled one,
 * as we do.
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
