import { type ClientIdentity, clientIdentity, type IdentityProject } from "../../constructs/gcp/workload-identity";
import { idOf } from "../../constructs/model/fields";
import { kubernetesNames } from "../../constructs/model/names";
import type { Topology } from "../../constructs/model/target";
import type { Wired } from "../../constructs/model/wire";
import type { GcpEnvironment } from "./environment";

/** The project that the cluster's identities belong to. */
export const identityOf = ({ section }: GcpEnvironment): IdentityProject => ({
  project: idOf(section.project),
  projectNumber: idOf(section.projectNumber),
});

/** What a service account with the Auth Proxy is for Google. */
export const clientOf = (environment: GcpEnvironment, namespace: string, account: string): ClientIdentity =>
  clientIdentity(identityOf(environment), environment.section.cluster?.serviceAccounts ?? "direct", environment.name, namespace, account);

/** Service accounts that run the Auth Proxy for a platform. */
export function proxyAccounts({ release, serviceAccounts }: Wired, access: Topology["access"]): readonly string[] {
  return { direct: [], sidecar: serviceAccounts, proxy: [kubernetesNames(release).proxy] }[access];
}

/** Annotations of the one service account that this project makes for a platform's proxy. */
export function annotationsOf(environment: GcpEnvironment, wired: Wired, access: Topology["access"]) {
  const { client, proxy } = kubernetesNames(wired.release);
  return clientOf(environment, wired.namespace, access === "proxy" ? proxy : client).annotations;
}

/** What a person must annotate, because the service account is the chart's or the user's; null where nothing. */
export function tellAccounts(environment: GcpEnvironment, wired: Wired, access: Topology["access"]): string | null {
  const own = Object.values(kubernetesNames(wired.release));
  const foreign = proxyAccounts(wired, access).filter((account) => !own.includes(account));
  const commands = foreign.flatMap((account) =>
    Object.entries(clientOf(environment, wired.namespace, account).annotations).map(
      ([key, value]) => `kubectl annotate serviceaccount --namespace ${wired.namespace} ${account} ${key}=${String(value)}`,
    ),
  );
  return commands.length === 0 ? null : `The service accounts of the proxy are not made here; run ${commands.join(" && ")}`;
}
