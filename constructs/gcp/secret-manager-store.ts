import { backOff } from "exponential-backoff";
import { GoogleAuth } from "google-auth-library";
import type { Patience } from "../provisioning/connect";
import type { Credential } from "../provisioning/credential";
import { ProvisioningError } from "../provisioning/errors";
import type { SecretStore, Versions } from "../provisioning/secret-store";
import { findSecret, isOutOfReach, readCredential, storeFaults, toSecretText } from "../provisioning/stored-secret";
import { isOverloaded, isUnauthenticated, messageOf, passes, persist, SCOPE, statusOf, TIMEOUT } from "./google-api";

/** Replaces the public endpoint, such as by a private one in the network. */
const ENDPOINT_VARIABLE = "SECRET_MANAGER_ENDPOINT";
const ENDPOINT = "https://secretmanager.googleapis.com";

/** Milliseconds until a new version is visible everywhere: everything except access by number is eventually consistent. */
const VISIBLE_WITHIN = 60_000;

/** A usable version of a secret, its number, and when it was added. */
export interface StoredVersion {
  readonly name: string;
  readonly credential: Credential;
  readonly created: Date;
}

interface Version {
  readonly name: string;
  readonly createTime: string;
  readonly state: string;
}

/**
 * Secret Manager over REST: its client library uses gRPC, and would not fit into the program's ConfigMap.
 *
 * https://cloud.google.com/secret-manager/docs/reference/rest
 */
export class SecretManager {
  // Secrets have full names: without a project here, the client would look for one, which takes a second.
  private readonly auth = new GoogleAuth({ scopes: SCOPE, projectId: "unused" });
  private readonly endpoint = process.env[ENDPOINT_VARIABLE] ?? ENDPOINT;

  /**
   * @param patience for temporary errors.
   * @param grantsAreNew treats denied access as temporary, too: a new permission takes minutes to apply.
   */
  constructor(
    private readonly patience: Patience,
    private readonly grantsAreNew: boolean,
  ) {}

  /** Returns the newest usable versions, newest first. @throws ProvisioningError */
  async newest(secret: string, count: number): Promise<readonly StoredVersion[]> {
    const listed = await this.list(secret);
    const versions = [...(await this.unlisted(secret, listed)), ...listed].slice(0, count);
    const accessed = versions.map(async ({ name, createTime }) => {
      const { payload } = await this.ask<{ payload: { data: string } }>(secret, "GET", `${name}:access`);
      return {
        name,
        credential: readCredential(secret, Buffer.from(payload.data, "base64").toString(), FAULTS),
        created: new Date(createTime),
      };
    });
    return Promise.all(accessed);
  }

  /** Adds a version, and returns when it is visible as the newest. */
  async add(secret: string, credential: Credential): Promise<void> {
    const name = await this.addOnce(secret, credential);
    const deadline = performance.now() + VISIBLE_WITHIN;
    await backOff(
      async () => {
        const [first] = await this.list(secret);
        if (first?.name !== name) throw new ProvisioningError(`secret ${secret} does not show its new version yet; run this again`);
      },
      { numOfAttempts: Number.MAX_SAFE_INTEGER, startingDelay: 200, maxDelay: 3_000, retry: () => performance.now() < deadline },
    );
  }

  /** If the response is lost, the version may exist: adding a second one would remove the previous version. */
  private async addOnce(secret: string, credential: Credential): Promise<string> {
    const data = Buffer.from(toSecretText(credential)).toString("base64");
    let isUncertain = false;
    const add = async (): Promise<string> => {
      const [newest] = isUncertain ? await this.newest(secret, 1) : [];
      if (newest?.credential.password === credential.password) return newest.name;
      isUncertain = true;
      return (await this.request<Version>("POST", `${secret}:addVersion`, { payload: { data } })).name;
    };
    return this.persist(secret, add);
  }

  /** Destroys every version except the newest ones. */
  async keep(secret: string, count: number): Promise<void> {
    for (const { name } of (await this.list(secret)).slice(count)) await this.ask(secret, "POST", `${name}:destroy`, {});
  }

  private async list(secret: string): Promise<readonly Version[]> {
    const query = new URLSearchParams({ filter: "state:ENABLED", pageSize: "100" });
    const { versions = [] } = await this.ask<{ versions?: readonly Version[] }>(secret, "GET", `${secret}/versions?${query}`);
    return [...versions].sort((a, b) => numberOf(b) - numberOf(a));
  }

  /** Returns versions that lists do not show yet, newest first: an interrupted run has not waited for them. */
  private async unlisted(secret: string, [newest]: readonly Version[]): Promise<readonly Version[]> {
    const found: Version[] = [];
    for (let number = (newest === undefined ? 0 : numberOf(newest)) + 1; ; number += 1) {
      const version = await this.persist(secret, () => this.find(`${secret}/versions/${number}`));
      if (version === null) return found;
      if (version.state === "ENABLED") found.unshift(version);
    }
  }

  private async find(version: string): Promise<Version | null> {
    return this.request<Version>("GET", version).catch((error: unknown) => {
      if (statusOf(error) === 404) return null;
      throw error;
    });
  }

  /** @throws ProvisioningError */
  private ask<T>(secret: string, method: "GET" | "POST", path: string, data?: object): Promise<T> {
    return this.persist(secret, () => this.request<T>(method, path, data));
  }

  private async request<T>(method: "GET" | "POST", path: string, data?: object): Promise<T> {
    const answer = await this.auth.request<T>({ url: `${this.endpoint}/v1/${path}`, method, data, timeout: TIMEOUT, retry: false });
    return answer.data;
  }

  /** Retries temporary errors. @throws ProvisioningError */
  private persist<T>(secret: string, run: () => Promise<T>): Promise<T> {
    return persist(run, {
      ...this.patience,
      passes: (error) => passes(error) || (statusOf(error) === 403 && this.grantsAreNew),
      explain: (error) => explain(error, secret),
    });
  }
}

const numberOf = ({ name }: Version): number => Number(name.split("/").at(-1));

const FAULTS = storeFaults({
  service: "Secret Manager",
  cloud: "Google Cloud",
  grant: "grant permission to read it and to add versions",
  logIn: "run gcloud auth application-default login",
  connect: `connect the network to it (Private Google Access), or set ${ENDPOINT_VARIABLE}`,
  mend: "check its versions",
  takeBack: "disable its last version",
});

/** Returns an error of Secret Manager as one sentence. */
function explain(error: unknown, secret: string): Error {
  if (error instanceof ProvisioningError) return error;
  const [status, message] = [statusOf(error), messageOf(error)];
  if (status === 404) return FAULTS.missing(secret);
  if (status === 403) return FAULTS.refused(secret, message);
  if (isOutOfReach(error)) return FAULTS.outOfReach();
  if (isOverloaded(error)) return FAULTS.failed(secret, message);
  if (isUnauthenticated(error)) return FAULTS.unauthenticated(message);
  return FAULTS.unusable(secret, message);
}

/**
 * Platform secrets in Google Secret Manager: the newest enabled version is the one to use, the next is the previous one. Older ones are
 * destroyed.
 *
 * @param names full names of the secrets, by the tenant's secret ID.
 */
export class SecretManagerStore implements SecretStore {
  readonly description = "Google Secret Manager";

  constructor(
    private readonly manager: SecretManager,
    private readonly names: Readonly<Record<string, string>>,
  ) {}

  async read(secret: string): Promise<Versions | null> {
    const [current, previous] = await this.manager.newest(this.nameOf(secret), 2);
    if (current === undefined) return null;
    return { current: current.credential, previous: previous?.credential ?? null, since: current.created };
  }

  async write(secret: string, credential: Credential, forget = false): Promise<void> {
    const name = this.nameOf(secret);
    await this.manager.add(name, credential);
    await this.manager.keep(name, forget ? 1 : 2);
  }

  private nameOf(secret: string): string {
    return findSecret(this.names, secret, FAULTS);
  }
}
