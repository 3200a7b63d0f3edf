import { Agent } from "node:https";
import { GoogleAuth } from "google-auth-library";
import { isUnauthenticated, messageOf, passes, persist, SCOPE, statusOf, TIMEOUT } from "../../constructs/gcp/google-api";
import { UserError } from "../../constructs/model/errors";
import { isOutOfReach } from "../../constructs/provisioning/stored-secret";

/** Replaces the public endpoint of Kubernetes Engine; gcloud reads it, too. */
const ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER";
const ENDPOINT = "https://container.googleapis.com/";

/** Milliseconds for which a call is retried. */
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
 * Calls the Kubernetes API of a cluster with the user's own credentials, as kubectl does after `get-credentials`. Needs neither gcloud nor
 * kubectl.
 *
 * Every call may be repeated, so an object to create needs a name.
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
    const { endpoint, masterAuth } = (await patiently(request, (error) => explainEngine(error, cluster))).data;
    const ca = masterAuth?.clusterCaCertificate;
    if (!endpoint || !ca) throw new UserError(`cluster ${name} has no IP endpoint; ${CONNECT_YOURSELF}`);
    return new ClusterApi(auth, cluster, endpoint, new Agent({ ca: Buffer.from(ca, "base64").toString() }));
  }

  /** Returns an object, or a list of objects. @throws UserError */
  async read<T>(path: string): Promise<T> {
    return (await this.ask<T>({ path })).data;
  }

  /** Returns a pod's log. @throws UserError */
  async readText(path: string): Promise<string> {
    return (await this.ask<string>({ path, responseType: "text" })).data;
  }

  /** Creates an object, or accepts that an earlier try whose answer was lost created it. @throws UserError */
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
    return patiently(run, (error) => this.explain(error));
  }

  /** Describes an error of Kubernetes in one sentence. */
  private explain(error: unknown): UserError {
    const { name } = this.cluster;
    const [status, message] = [statusOf(error), messageOf(error)];
    if (status === 403) return new UserError(`cluster ${name} rejected this (${message}); grant that permission, or ${CONNECT_YOURSELF}`);
    if (status === 404) return new UserError(`cluster ${name} does not have it (${message}); deploy the environment again`);
    if (isOutOfReach(error) || isUntrusted(error))
      return new UserError(
        `the control plane of cluster ${name} (${this.endpoint}) cannot be reached (${message}); run this from its authorized networks, or ${CONNECT_YOURSELF}`,
      );
    return explainOther(error, `cluster ${name}`);
  }
}

interface FoundCluster {
  /** Address of the control plane; absent if it has a DNS name only. */
  readonly endpoint?: string;
  readonly masterAuth?: { /** PEM text in base64. */ readonly clusterCaCertificate?: string };
}

/** Describes an error of Kubernetes Engine in one sentence. */
function explainEngine(error: unknown, { project, location, name }: ClusterName): UserError {
  const [status, message] = [statusOf(error), messageOf(error)];
  if (status === 403)
    return new UserError(
      `you have no permission to read cluster ${name} (${message}); grant container.clusters.get, or ${CONNECT_YOURSELF}`,
    );
  if (status === 404) return new UserError(`project ${project} has no cluster ${name} in ${location}; correct gcp.cluster`);
  if (isOutOfReach(error))
    return new UserError(`Kubernetes Engine does not answer; check the network and run this again, or ${CONNECT_YOURSELF}`);
  return explainOther(error, "Kubernetes Engine");
}

function explainOther(error: unknown, who: string): UserError {
  const message = messageOf(error);
  if (isUnauthenticated(error))
    return new UserError(`there are no valid credentials for Google Cloud (${message}); run gcloud auth application-default login`);
  return new UserError(`${who} failed (${message}); run this again, or ${CONNECT_YOURSELF}`);
}

const patiently = <T>(run: () => Promise<T>, explain: (error: unknown) => UserError): Promise<T> =>
  persist(run, { deadlineMs: PATIENCE, passes, explain });

const isUntrusted = (error: unknown): boolean => /certificate|CERT_/.test(messageOf(error));
