import { Agent } from "node:https";
import { backOff } from "exponential-backoff";
import { GoogleAuth } from "google-auth-library";
import { UserError } from "../../constructs/model/errors";
import { isOutOfReach } from "../../constructs/provisioning/stored-secret";

/** Another endpoint of Kubernetes Engine than the public one, as gcloud takes it. */
const ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER";
const ENDPOINT = "https://container.googleapis.com/";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/** Milliseconds for one answer, and during which a call is tried again that may pass. */
const TIMEOUT = 10_000;
const PATIENCE = 60_000;

/** A cluster of GKE. */
export interface ClusterName {
  readonly project: string;
  /** Region or zone. */
  readonly location: string;
  readonly name: string;
}

const CONNECT_YOURSELF = "add --via HOST:PORT to connect with your own credentials";

/**
 * The Kubernetes API of a cluster with the person's own credentials: what kubectl does after `get-credentials`, without the two.
 *
 * Every call may be repeated: give what is created a name.
 */
export class ClusterApi {
  private constructor(
    private readonly auth: GoogleAuth,
    private readonly cluster: ClusterName,
    private readonly endpoint: string,
    private readonly agent: Agent,
  ) {}

  /** https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters/get @throws UserError */
  static async connect(cluster: ClusterName): Promise<ClusterApi> {
    const { project, location, name } = cluster;
    const auth = new GoogleAuth({ scopes: SCOPE, projectId: project });
    const url = new URL(`v1/projects/${project}/locations/${location}/clusters/${name}`, process.env[ENDPOINT_VARIABLE] ?? ENDPOINT);
    const request = () => auth.request<FoundCluster>({ url: url.href, timeout: TIMEOUT, retry: false });
    const { endpoint, masterAuth } = (await persist(request, (error) => explainEngine(error, cluster))).data;
    const ca = Buffer.from(masterAuth.clusterCaCertificate, "base64").toString();
    return new ClusterApi(auth, cluster, endpoint, new Agent({ ca }));
  }

  /** An object, or a list of some. @throws UserError */
  async read<T>(path: string): Promise<T> {
    return (await this.ask<T>({ path })).data;
  }

  /** A pod's log. @throws UserError */
  async readText(path: string): Promise<string> {
    return (await this.ask<string>({ path, responseType: "text" })).data;
  }

  /** Creates an object; the same one may be there from a try whose answer was lost. @throws UserError */
  async create(path: string, object: object): Promise<void> {
    await this.ask({ path, method: "POST", data: object });
  }

  private ask<T>({
    path,
    ...rest
  }: {
    readonly path: string;
    readonly method?: "POST";
    readonly data?: object;
    readonly responseType?: "text";
  }) {
    const request = { ...rest, url: `https://${this.endpoint}${path}`, agent: this.agent, timeout: TIMEOUT, retry: false };
    let tries = 0;
    const run = () => {
      tries += 1;
      return this.auth.request<T>(request).catch((error) => {
        if (tries > 1 && rest.method === "POST" && statusOf(error) === 409) return { data: undefined as T };
        throw error;
      });
    };
    return persist(run, (error) => this.explain(error));
  }

  /** A fault of Kubernetes as one sentence. */
  private explain(error: unknown): UserError {
    const { name } = this.cluster;
    const [status, message] = [statusOf(error), messageOf(error)];
    if (status === 403) return new UserError(`cluster ${name} refuses this (${message}); grant that permission, or ${CONNECT_YOURSELF}`);
    if (status === 404) return new UserError(`cluster ${name} does not have it (${message}); deploy the environment again`);
    if (isOutOfReach(error) || isUntrusted(error))
      return new UserError(
        `the control plane of cluster ${name} (${this.endpoint}) cannot be reached (${message}); run this from its authorized networks, or ${CONNECT_YOURSELF}`,
      );
    return explainOther(error, `cluster ${name}`);
  }
}

interface FoundCluster {
  /** Address of the control plane. */
  readonly endpoint: string;
  readonly masterAuth: { /** PEM text in base64. */ readonly clusterCaCertificate: string };
}

/** A fault of Kubernetes Engine as one sentence. */
function explainEngine(error: unknown, { project, location, name }: ClusterName): UserError {
  const [status, message] = [statusOf(error), messageOf(error)];
  if (status === 403)
    return new UserError(`you may not read cluster ${name} (${message}); grant container.clusters.get, or ${CONNECT_YOURSELF}`);
  if (status === 404) return new UserError(`project ${project} has no cluster ${name} in ${location}; correct gcp.cluster`);
  if (isOutOfReach(error))
    return new UserError(`Kubernetes Engine does not answer; check the network and run this again, or ${CONNECT_YOURSELF}`);
  return explainOther(error, "Kubernetes Engine");
}

function explainOther(error: unknown, who: string): UserError {
  const [status, message] = [statusOf(error), messageOf(error)];
  if (status === 401 || /credentials|invalid_grant|metadata/i.test(message))
    return new UserError(`there are no valid credentials for Google Cloud (${message}); run gcloud auth application-default login`);
  return new UserError(`${who} did not do this (${message}); run this again, or ${CONNECT_YOURSELF}`);
}

/** Tries again what passes by itself. */
async function persist<T>(run: () => Promise<T>, explain: (error: unknown) => UserError): Promise<T> {
  const deadline = Date.now() + PATIENCE;
  const retry = (error: unknown) => {
    const status = statusOf(error);
    return (status === 429 || status >= 500 || isOutOfReach(error)) && Date.now() < deadline;
  };
  try {
    return await backOff(run, { numOfAttempts: Number.MAX_SAFE_INTEGER, startingDelay: 200, maxDelay: 5_000, jitter: "full", retry });
  } catch (error) {
    throw explain(error);
  }
}

const isUntrusted = (error: unknown): boolean => /certificate|CERT_/.test(messageOf(error));

/** HTTP's; 0 where nothing was answered. */
function statusOf(error: unknown): number {
  const { response, status } = error as { readonly response?: { readonly status?: number }; readonly status?: number };
  return response?.status ?? (typeof status === "number" ? status : 0);
}

/** What Google, or Kubernetes, says of a fault, on one line. */
function messageOf(error: unknown): string {
  const { response } = error as { readonly response?: { readonly data?: unknown } };
  const data = (response?.data ?? {}) as { readonly message?: string; readonly error?: { readonly message?: string } };
  const message = data.error?.message ?? data.message ?? (error instanceof Error ? error.message : String(error));
  return message.split("\n")[0] ?? "";
}
