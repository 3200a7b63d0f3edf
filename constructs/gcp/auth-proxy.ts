import { labels, metadata, RESTRICTED } from "../kubernetes/metadata";
import { toServiceAccount } from "../kubernetes/objects";
import type { JsonObject } from "../model/json";
import { kubernetesNames } from "../model/names";
import type { Topology } from "../model/target";
import { SIDECAR, type Wired } from "../model/wire";

/** Cloud SQL Auth Proxy, as it is where the environment names no other version. https://github.com/GoogleCloudPlatform/cloud-sql-proxy/releases */
export const AUTH_PROXY_VERSION = "2.28.0";
const IMAGE = "gcr.io/cloud-sql-connectors/cloud-sql-proxy";

/** Port at which it listens: PostgreSQL's own. */
export const PROXY_PORT = 5432;
/** Port at which it listens for the instance's first replica. */
export const READER_PORT = 5433;
const HEALTH_PORT = 9090;
/** Its variable for the instance, and the key of its ConfigMap: the name is known only when the instance is made. */
const CONNECTION_NAME = "CSQL_PROXY_INSTANCE_CONNECTION_NAME";
/** The same of the replica. https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/v2.25.3/cmd/root.go#L732 */
const READER_NAME = `${CONNECTION_NAME}_1`;

/** The instances that a proxy connects to, by `project:region:instance`, which may be known only late. */
export interface ProxiedInstances<T = string> {
  readonly primary: T;
  /** Null if nothing reads from a replica. */
  readonly reader: T | null;
}

/** What a proxy connects to, and its own version. */
export interface Proxied extends ProxiedInstances {
  readonly version: string;
}

/** Flags as variables. https://github.com/GoogleCloudPlatform/cloud-sql-proxy#configuring-the-proxy */
function variables(address: "127.0.0.1" | "0.0.0.0"): Readonly<Record<string, string>> {
  return {
    CSQL_PROXY_ADDRESS: address,
    CSQL_PROXY_PORT: String(PROXY_PORT),
    // Without it the public address is tried, and there is none.
    CSQL_PROXY_PRIVATE_IP: "true",
    CSQL_PROXY_STRUCTURED_LOGS: "true",
    CSQL_PROXY_HEALTH_CHECK: "true",
    // The kubelet asks from outside the pod.
    CSQL_PROXY_HTTP_ADDRESS: "0.0.0.0",
    CSQL_PROXY_HTTP_PORT: String(HEALTH_PORT),
    CSQL_PROXY_EXIT_ZERO_ON_SIGTERM: "true",
    // Less than the 30 seconds that a pod has.
    CSQL_PROXY_MAX_SIGTERM_DELAY: "20s",
  };
}

const probe = (path: string, timing: JsonObject): JsonObject => ({ httpGet: { path, port: HEALTH_PORT }, ...timing });

/** What the proxy runs as, whatever pod it is in. @param instances variables with their names. */
function container(address: "127.0.0.1" | "0.0.0.0", instances: readonly JsonObject[], version: string): JsonObject {
  return {
    name: SIDECAR,
    image: `${IMAGE}:${version}`,
    env: [...Object.entries(variables(address)).map(([name, value]) => ({ name, value })), ...instances],
    startupProbe: probe("/startup", { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 60 }),
    livenessProbe: probe("/liveness", { periodSeconds: 60, timeoutSeconds: 30, failureThreshold: 5 }),
    resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "256Mi" } },
    securityContext: RESTRICTED,
  };
}

const fromConfigMap = (name: string, reads: boolean): readonly JsonObject[] =>
  [CONNECTION_NAME, ...(reads ? [READER_NAME] : [])].map((key) => ({ name: key, valueFrom: { configMapKeyRef: { name, key } } }));

/** The proxy as a native sidecar, which starts before everything else in its pod, and ends after it. Kubernetes 1.29 or newer. */
const asSidecar = (made: JsonObject): JsonObject => ({ ...made, restartPolicy: "Always" });

/**
 * The sidecar of a platform's pods. The instance stands in `toProxyConfigMap`, so that a release contains no deploy-time value.
 *
 * @param reads whether it also listens for the replica.
 */
export const platformSidecar = (release: string, version: string, reads: boolean): JsonObject =>
  asSidecar(container("127.0.0.1", fromConfigMap(kubernetesNames(release).proxy, reads), version));

/** The sidecar of a pod of our own, in which a late-bound name does no harm. */
export const ownSidecar = (connectionName: string, version: string): JsonObject =>
  asSidecar(container("127.0.0.1", [{ name: CONNECTION_NAME, value: connectionName }], version));

/**
 * What a platform's pods need beside a release to reach the database through the proxy; nothing where they do not.
 *
 * @param annotations of the service account that the proxy runs as.
 */
export function toProxyObjects(wired: Wired, access: Topology["access"], proxied: Proxied, annotations: JsonObject): readonly JsonObject[] {
  if (access === "direct") return [];
  const account = toClientAccount(wired, annotations);
  const deployment = access === "proxy" ? toProxyDeployment(wired, proxied.version, annotations) : [];
  return [...(account === null ? [] : [account]), toProxyConfigMap(wired, proxied), ...deployment];
}

/** Which instances the proxy of a platform connects to. */
function toProxyConfigMap({ namespace, release }: Wired, { primary, reader }: ProxiedInstances): JsonObject {
  const { proxy } = kubernetesNames(release);
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadata(proxy, namespace, release),
    data: { [CONNECTION_NAME]: primary, ...(reader === null ? {} : { [READER_NAME]: `${reader}?port=${READER_PORT}` }) },
  };
}

/** Service account of the pods with a sidecar, or null where somebody else makes it. */
function toClientAccount({ namespace, release, connection }: Wired, annotations: JsonObject): JsonObject | null {
  const { client } = kubernetesNames(release);
  if (connection.serviceAccount !== client) return null;
  return toServiceAccount(client, namespace, release, annotations);
}

/**
 * The proxy as pods of its own, with the service that platforms connect to: two, spread over nodes, and open to their namespace only.
 * From a pod to them passwords and data go in plain text.
 */
function toProxyDeployment({ namespace, release, connection }: Wired, version: string, annotations: JsonObject): readonly JsonObject[] {
  const { proxy } = kubernetesNames(release);
  const reads = connection.reader !== null;
  const ports = [{ name: "postgresql", port: PROXY_PORT }, ...(reads ? [{ name: "replica", port: READER_PORT }] : [])];
  const own = metadata(proxy, namespace, release);
  const matchLabels = { ...labels(release), "app.kubernetes.io/name": proxy };
  const pod = {
    serviceAccountName: proxy,
    // Its identity is the node's metadata server's to give; it asks nothing of Kubernetes.
    automountServiceAccountToken: false,
    containers: [
      {
        ...container("0.0.0.0", fromConfigMap(proxy, reads), version),
        ports: ports.map(({ name, port }) => ({ name, containerPort: port })),
        readinessProbe: probe("/readiness", { periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 3 }),
      },
    ],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels },
      },
    ],
  };
  return [
    toServiceAccount(proxy, namespace, release, annotations),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: own,
      spec: { replicas: 2, selector: { matchLabels }, template: { metadata: { labels: matchLabels }, spec: pod } },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: own,
      spec: { maxUnavailable: 1, selector: { matchLabels } },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: own,
      spec: { selector: matchLabels, ports: ports.map((port) => ({ ...port, targetPort: port.name })) },
    },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: own,
      spec: {
        podSelector: { matchLabels },
        policyTypes: ["Ingress"],
        ingress: [{ from: [{ podSelector: {} }], ports: ports.map(({ port }) => ({ protocol: "TCP", port })) }],
      },
    },
  ];
}
