import type { GcpSettings } from "./section";

/**
 * Returns how direct connections verify the certificate. The certificate of a created instance contains the DNS name only if the customer's
 * CA pool signs it; an existing Cloud SQL instance is assumed to use Google's CA; any other server must have the name in its
 * certificate.
 */
export function verification(
  server: { readonly isMade: boolean; readonly isCloudSql: boolean },
  { serverCaPool }: Pick<GcpSettings, "serverCaPool">,
): "verify-full" | "verify-ca" {
  if (server.isMade) return serverCaPool === null ? "verify-ca" : "verify-full";
  return server.isCloudSql ? "verify-ca" : "verify-full";
}
