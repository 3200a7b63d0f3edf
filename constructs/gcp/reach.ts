import { kubernetesNames } from "../model/names";
import type { Topology } from "../model/target";
import type { Reach } from "../model/wire";
import { PROXY_PORT, platformSidecar } from "./auth-proxy";

/**
 * How a platform's pods reach their instance, in words that are known when it is planned.
 *
 * @param platform its way of access, and its release.
 * @param server where those connect who do it directly.
 * @param version of the Auth Proxy.
 */
export function reachOf(
  { access, namespace, release }: { readonly access: Topology["access"]; readonly namespace: string; readonly release: string },
  { host, port }: { readonly host: string; readonly port: number },
  version: string,
): Reach {
  switch (access) {
    case "direct":
      return { host, port, sidecar: null };
    case "sidecar":
      return { host: "127.0.0.1", port: PROXY_PORT, sidecar: platformSidecar(release, version) };
    case "proxy":
      return { host: `${kubernetesNames(release).proxy}.${namespace}.svc`, port: PROXY_PORT, sidecar: null };
  }
}
