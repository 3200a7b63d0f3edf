import type { SecretReader } from "../kubernetes/objects";

/** Returns how External Secrets reads a platform's secret: as a service account that can assume a role, which may read that secret. */
export const secretReader = (region: string, roleArn: string): SecretReader => ({
  annotations: { "eks.amazonaws.com/role-arn": roleArn },
  provider: (serviceAccount) => ({
    aws: { service: "SecretsManager", region, auth: { jwt: { serviceAccountRef: { name: serviceAccount } } } },
  }),
});
