import * as container from "@pulumi/gcp/container";
import { Provider as GoogleProvider } from "@pulumi/gcp/provider";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { idOf } from "../../constructs/model/fields";
import type { GcpEnvironment } from "./environment";

/** Who deploys, and where to: the same for every resource. Who it is may be said in the stack's settings. */
export function createProviders(environment: GcpEnvironment): readonly pulumi.ProviderResource[] {
  const { project, region, cluster } = environment.section;
  const settings = new pulumi.Config("gcp");
  const google = new GoogleProvider("google", {
    project: idOf(project),
    region,
    impersonateServiceAccount: settings.get("impersonateServiceAccount"),
    billingProject: settings.get("billingProject"),
    userProjectOverride: settings.getBoolean("userProjectOverride"),
  });
  const made = [google, new random.Provider("random")];
  return cluster === null ? made : [...made, createClusterProvider(environment, google, idOf(cluster.name), cluster.location)];
}

/** The cluster, by the kubeconfig of the stack's settings, or as `gcloud container clusters get-credentials` would write one. */
function createClusterProvider({ section }: GcpEnvironment, google: GoogleProvider, name: string, location: string): KubernetesProvider {
  const settings = new pulumi.Config("kubernetes");
  const own = { kubeconfig: settings.get("kubeconfig"), context: settings.get("context") };
  const common = {
    // Namespaces outlive a stack: who makes it again finds them.
    upsertExistingObjects: true,
    // Without it, another endpoint or CA of the same cluster replaces the provider, and with it every release and namespace.
    // https://github.com/pulumi/pulumi-kubernetes/issues/4019
    clusterIdentifier: `projects/${idOf(section.project)}/locations/${location}/clusters/${name}`,
  };
  if ((own.kubeconfig ?? own.context) !== undefined) return new KubernetesProvider("cluster", { ...common, ...own });
  const found = container.getClusterOutput({ project: idOf(section.project), name, location }, { provider: google });
  const kubeconfig = pulumi.all([found.endpoint, found.masterAuths]).apply(([endpoint, auths]) => {
    return toKubeconfig(endpoint, auths[0]?.clusterCaCertificate ?? "");
  });
  return new KubernetesProvider("cluster", { ...common, kubeconfig });
}

/** As JSON, which is YAML, too. No secret is in it: who uses it identifies by a plugin of gcloud. */
function toKubeconfig(endpoint: string, ca: string): string {
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    command: "gke-gcloud-auth-plugin",
    installHint: "install it with gcloud components install gke-gcloud-auth-plugin",
    provideClusterInfo: true,
    interactiveMode: "Never",
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "cluster",
    contexts: [{ name: "cluster", context: { cluster: "cluster", user: "user" } }],
    clusters: [{ name: "cluster", cluster: { server: `https://${endpoint}`, "certificate-authority-data": ca } }],
    users: [{ name: "user", user: { exec } }],
  });
}
