import { idOf } from "../../model/fields";
import { kubernetesNames } from "../../model/names";
import type { Topology } from "../../model/target";
import type { Wired } from "../../model/wire";
import { type ClientIdentity, clientIdentity, type IdentityProject } from "../client-identity";
import { proxyAccounts } from "../names";
import type { GcpEnvironment } from "./gcp-environment";

/** The project that the cluster's identities belong to. */
export const identityOf = ({ section }: GcpEnvironment): IdentityProject => ({
  project: idOf(section.project),
  projectNumber: idOf(section.projectNumber),
});

/** The Google identity of a service account with the Auth Proxy. */
export const clientOf = (environment: GcpEnvironment, namespace: string, account: string): ClientIdentity =>
  clientIdentity(identityOf(environment), environment.section.cluster?.serviceAccounts ?? "direct", environment.name, namespace, account);

/** Annotations of the service account that this project creates for a platform's proxy. */
export function annotationsOf(environment: GcpEnvironment, wired: Wired, access: Topology["access"]) {
  const { client, proxy } = kubernetesNames(wired.release);
  return clientOf(environment, wired.namespace, access === "proxy" ? proxy : client).annotations;
}

/** The commands that annotate service accounts which a chart or the user creates; null if there are none. */
export function annotateAccounts(environment: GcpEnvironment, wired: Wired, access: Topology["access"]): string | null {
  const own = Object.values(kubernetesNames(wired.release));
  const foreign = proxyAccounts(wired, access).filter((account) => !own.includes(account));
  const commands = foreign.flatMap((account) =>
    Object.entries(clientOf(environment, wired.namespace, account).annotations).map(
      ([key, value]) => `kubectl annotate serviceaccount --namespace ${wired.namespace} ${account} ${key}=${String(value)}`,
    ),
  );
  return commands.length === 0
    ? null
    : `The proxy's service accounts are created by a chart or by you. To annotate them, run ${commands.join(" && ")}`;
}
