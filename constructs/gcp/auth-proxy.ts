import { labels, metadata, RESTRICTED } from "../kubernetes/metadata";
import { toServiceAccount } from "../kubernetes/objects";
import type { JsonObject } from "../model/json";
import { kubernetesNames } from "../model/names";
import type { Topology } from "../model/target";
import { SIDECAR, type Wired } from "../model/wire";

/** The default version of the Cloud SQL Auth Proxy. https://github.com/GoogleCloudPlatform/cloud-sql-proxy/releases */
export const AUTH_PROXY_VERSION = "2.28.0";
const IMAGE = "gcr.io/cloud-sql-connectors/cloud-sql-proxy";

/** Its port: PostgreSQL's default. */
export const PROXY_PORT = 5432;
/** Its port for the instance's first replica. */
export const READER_PORT = 5433;
const HEALTH_PORT = 9090;
/** Its variable for the instance, and the key of its ConfigMap: the name is a deploy-time value. */
const CONNECTION_NAME = "CSQL_PROXY_INSTANCE_CONNECTION_NAME";
/** The same for the replica. https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/v2.25.3/cmd/root.go#L732 */
const READER_NAME = `${CONNECTION_NAME}_1`;

/** The instances that a proxy connects to, as `project:region:instance`, which may be a deploy-time value. */
export interface ProxiedInstances<T = string> {
  readonly primary: T;
  /** Null if nothing reads from a replica. */
  readonly reader: T | null;
}

/** The instances of a proxy, and its version. */
export interface Proxied extends ProxiedInstances {
  readonly version: string;
}

/** Flags as variables. https://github.com/GoogleCloudPlatform/cloud-sql-proxy#configuring-the-proxy */
function variables(address: "127.0.0.1" | "0.0.0.0"): Readonly<Record<string, string>> {
  return {
    CSQL_PROXY_ADDRESS: address,
    CSQL_PROXY_PORT: String(PROXY_PORT),
    // Without it, the proxy tries the public address, which does not exist.
    CSQL_PROXY_PRIVATE_IP: "true",
    CSQL_PROXY_STRUCTURED_LOGS: "true",
    CSQL_PROXY_HEALTH_CHECK: "true",
    // The kubelet probes from outside the pod.
    CSQL_PROXY_HTTP_ADDRESS: "0.0.0.0",
    CSQL_PROXY_HTTP_PORT: String(HEALTH_PORT),
    CSQL_PROXY_EXIT_ZERO_ON_SIGTERM: "true",
    // Less than a pod's grace period of 30 seconds.
    CSQL_PROXY_MAX_SIGTERM_DELAY: "20s",
  };
}

const probe = (path: string, timing: JsonObject): JsonObject => ({ httpGet: { path, port: HEALTH_PORT }, ...timing });

/** Returns the proxy's container for any pod. @param instances variables with their names. */
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

/** Returns the proxy as a native sidecar, which starts before everything else in its pod and ends after it. Kubernetes 1.29 or newer. */
const asSidecar = (made: JsonObject): JsonObject => ({ ...made, restartPolicy: "Always" });

/**
 * Returns the sidecar of a platform's pods. `toProxyConfigMap` contains the instance, so that a release contains no deploy-time value.
 *
 * @param reads whether it also listens for the replica.
 */
export const platformSidecar = (release: string, version: string, reads: boolean): JsonObject =>
  asSidecar(container("127.0.0.1", fromConfigMap(kubernetesNames(release).proxy, reads), version));

/** Returns the sidecar of this project's own pods, which may contain deploy-time values. */
export const ownSidecar = (connectionName: string, version: string): JsonObject =>
  asSidecar(container("127.0.0.1", [{ name: CONNECTION_NAME, value: connectionName }], version));

/**
 * Returns the objects that a platform's pods need in addition to a release to reach the database through the proxy; none if they do not use it.
 *
 * @param annotations of the service account that the proxy runs as.
 */
export function toProxyObjects(wired: Wired, access: Topology["access"], proxied: Proxied, annotations: JsonObject): readonly JsonObject[] {
  if (access === "direct") return [];
  const account = toClientAccount(wired, annotations);
  const deployment = access === "proxy" ? toProxyDeployment(wired, proxied.version, annotations) : [];
  return [...(account === null ? [] : [account]), toProxyConfigMap(wired, proxied), ...deployment];
}

/** Returns the ConfigMap with the instances of a platform's proxy. */
function toProxyConfigMap({ namespace, release }: Wired, { primary, reader }: ProxiedInstances): JsonObject {
  const { proxy } = kubernetesNames(release);
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadata(proxy, namespace, release),
    data: { [CONNECTION_NAME]: primary, ...(reader === null ? {} : { [READER_NAME]: `${reader}?port=${READER_PORT}` }) },
  };
}

/** Returns the service account of the pods with a sidecar; null if a chart or a user creates it. */
function toClientAccount({ namespace, release, connection }: Wired, annotations: JsonObject): JsonObject | null {
  const { client } = kubernetesNames(release);
  if (connection.serviceAccount !== client) return null;
  return toServiceAccount(client, namespace, release, annotations);
}

/**
 * Returns the proxy as separate pods with a Service: two, spread over nodes, and open only to their namespace. Passwords and data travel in
 * plain text from a pod to them.
 */
function toProxyDeployment({ namespace, release, connection }: Wired, version: string, annotations: JsonObject): readonly JsonObject[] {
  const { proxy } = kubernetesNames(release);
  const reads = connection.reader !== null;
  const ports = [{ name: "postgresql", port: PROXY_PORT }, ...(reads ? [{ name: "replica", port: READER_PORT }] : [])];
  const own = metadata(proxy, namespace, release);
  const matchLabels = { ...labels(release), "app.kubernetes.io/name": proxy };
  const pod = {
    serviceAccountName: proxy,
    // It gets its identity from the node's metadata server, and never calls the Kubernetes API.
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
