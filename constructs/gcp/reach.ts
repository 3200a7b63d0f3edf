import { kubernetesNames } from "../model/names";
import type { Listener } from "../model/platform";
import type { Topology } from "../model/target";
import type { PlacedPlatform, Reach } from "../model/wire";
import { PROXY_PORT, platformSidecar, READER_PORT } from "./auth-proxy";

/** A platform's way of access, its release, and whether it reads from a replica. */
export interface Reaching {
  readonly access: Topology["access"];
  readonly namespace: string;
  readonly release: string;
  /** Default: no. */
  readonly reads?: boolean;
}

export const toReaching = ({ access, settings: { namespace, release }, readerPeak }: PlacedPlatform): Reaching => ({
  access,
  namespace,
  release,
  reads: readerPeak > 0,
});

/**
 * Returns how a platform's pods reach their instance, without deploy-time values.
 *
 * @param server for direct connections, with its first replica, if there is one.
 * @param version of the Auth Proxy.
 */
export function reachOf(
  { access, namespace, release, reads = false }: Reaching,
  { host, port, reader = null }: Listener & { readonly reader?: Listener | null },
  version: string,
): Reach {
  const isRead = reads && reader !== null;
  const through = (proxy: string) => ({ host: proxy, port: PROXY_PORT, reader: isRead ? { host: proxy, port: READER_PORT } : null });
  switch (access) {
    case "direct":
      return { host, port, reader: isRead ? { host: reader.host, port: reader.port } : null, sidecar: null };
    case "sidecar":
      return { ...through("127.0.0.1"), sidecar: platformSidecar(release, version, isRead) };
    case "proxy":
      return { ...through(`${kubernetesNames(release).proxy}.${namespace}.svc`), sidecar: null };
  }
}
