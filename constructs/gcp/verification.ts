import type { GcpSettings } from "./section";

/**
 * How a certificate is verified by those who connect directly. That of an instance which is made here carries the name that they connect
 * to only where a pool of the customer's signs it; that of another Cloud SQL is taken for Google's; what is none is called as its
 * certificate says.
 */
export function verification(
  server: { readonly isMade: boolean; readonly isCloudSql: boolean },
  { serverCaPool }: Pick<GcpSettings, "serverCaPool">,
): "verify-full" | "verify-ca" {
  if (server.isMade) return serverCaPool === null ? "verify-ca" : "verify-full";
  return server.isCloudSql ? "verify-ca" : "verify-full";
}
