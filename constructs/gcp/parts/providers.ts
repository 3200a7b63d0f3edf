import * as container from "@pulumi/gcp/container";
import { Provider as GoogleProvider } from "@pulumi/gcp/provider";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { idOf } from "../../model/fields";
import type { GcpEnvironment } from "./gcp-environment";

/**
 * Creates the providers for every resource. The stack's settings can set credentials. Providers that an owner was given, or has from its
 * parents, are not created.
 *
 * @param owner of the resources; null for a stack, which has none.
 */
export function createProviders(environment: GcpEnvironment, owner: pulumi.ComponentResource | null): readonly pulumi.ProviderResource[] {
  const { project, region, cluster } = environment.section;
  const { named, opts } = owner === null ? STACK : { named: (name: string) => `${environment.name}-${name}`, opts: { parent: owner } };
  const given = (token: string) => owner?.getProvider(token) ?? null;
  const google = given("gcp::") ?? createGoogle(named("google"), { project: idOf(project), region }, opts);
  const generator = given("random::") ?? new random.Provider(named("random"), {}, opts);
  if (cluster === null) return [google, generator];
  return [google, generator, given("kubernetes::") ?? createClusterProvider(environment, cluster, google, named("cluster"), opts)];
}

/** Names of a stack's providers, which have no owner. */
const STACK = { named: (name: string) => name, opts: {} };

function createGoogle(
  name: string,
  place: { readonly project: string; readonly region: string },
  opts: pulumi.ResourceOptions,
): GoogleProvider {
  const settings = new pulumi.Config("gcp");
  return new GoogleProvider(
    name,
    {
      ...place,
      impersonateServiceAccount: settings.get("impersonateServiceAccount"),
      billingProject: settings.get("billingProject"),
      userProjectOverride: settings.getBoolean("userProjectOverride"),
    },
    opts,
  );
}

/** Creates the provider of the cluster, from the kubeconfig in the stack's settings, or from one like that of `gcloud container clusters get-credentials`. */
function createClusterProvider(
  { section }: GcpEnvironment,
  cluster: NonNullable<GcpEnvironment["section"]["cluster"]>,
  google: pulumi.ProviderResource,
  called: string,
  opts: pulumi.ResourceOptions,
): KubernetesProvider {
  const { location } = cluster;
  const name = idOf(cluster.name);
  const settings = new pulumi.Config("kubernetes");
  const own = { kubeconfig: settings.get("kubeconfig"), context: settings.get("context") };
  const common = {
    // Namespaces outlive a stack: a recreated stack finds them.
    upsertExistingObjects: true,
    // Without it, a new endpoint or CA of the same cluster replaces the provider, and with it every release and namespace.
    // https://github.com/pulumi/pulumi-kubernetes/issues/4019
    clusterIdentifier: `projects/${idOf(section.project)}/locations/${location}/clusters/${name}`,
  };
  if ((own.kubeconfig ?? own.context) !== undefined) return new KubernetesProvider(called, { ...common, ...own }, opts);
  const found = container.getClusterOutput({ project: idOf(section.project), name, location }, { provider: google });
  const kubeconfig = pulumi.all([found.endpoint, found.masterAuths]).apply(([endpoint, auths]) => {
    return toKubeconfig(endpoint, auths[0]?.clusterCaCertificate ?? "");
  });
  return new KubernetesProvider(called, { ...common, kubeconfig }, opts);
}

/** Returns a kubeconfig as JSON, which is also YAML. It contains no secret: a gcloud plugin authenticates its user. */
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
