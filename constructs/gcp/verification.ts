import type { GcpSettings } from "./section";

/**
 * How a certificate is verified by those who connect directly. Cloud SQL's carries the name that they connect to only where a pool of the
 * customer's signs it; what is no Cloud SQL is called as its certificate says.
 */
export function verification(isCloudSql: boolean, { serverCaPool }: Pick<GcpSettings, "serverCaPool">): "verify-full" | "verify-ca" {
  return isCloudSql && serverCaPool === null ? "verify-ca" : "verify-full";
}
