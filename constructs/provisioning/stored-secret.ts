import { isObject, ownEntry } from "../model/json";
import type { Credential } from "./credential";
import { ProvisioningError } from "./errors";

/** Words for a secret store's errors and their remedies. */
export interface StoreWords {
  /** The service: `Secrets Manager`. */
  readonly service: string;
  readonly cloud: string;
  /** How to grant the permissions that the store may deny. */
  readonly grant: string;
  /** How a person or a pod gets credentials. */
  readonly logIn: string;
  /** How to connect the network to the service. */
  readonly connect: string;
  /** How to make an existing secret usable. */
  readonly mend: string;
  /** How to undo a version that is not a credential. */
  readonly takeBack: string;
}

/** A secret store's errors, each as one sentence. None quotes the content of a secret. */
export const storeFaults = ({ service, cloud, grant, logIn, connect, mend, takeBack }: StoreWords) => ({
  missing: (secret: string) => new ProvisioningError(`there is no secret ${secret}; deploy its environment again`),
  refused: (secret: string, message: string) =>
    new ProvisioningError(`${service} denies access to secret ${secret} (${message}); ${grant}`),
  unauthenticated: (message: string) => new ProvisioningError(`there are no valid credentials for ${cloud} (${message}); ${logIn}`),
  outOfReach: () => new ProvisioningError(`${service} does not answer; ${connect}`),
  unusable: (secret: string, message: string) => new ProvisioningError(`secret ${secret} cannot be used (${message}); ${mend}`),
  failed: (secret: string, message: string) => new ProvisioningError(sayFailed(service, secret, message)),
  malformed: (secret: string) => new ProvisioningError(sayMalformed(`secret ${secret}`, takeBack)),
  unnamed: (secret: string) => new ProvisioningError(`no ${cloud} secret is known for ${secret}; deploy its environment again`),
});

export type StoreFaults = ReturnType<typeof storeFaults>;

/** Returns the sentence about an unknown error of a store. */
export const sayFailed = (store: string, secret: string, message: string): string =>
  `${store} failed on secret ${secret} (${message}); run this again`;

/** Returns the sentence about a text that is not a credential. */
export const sayMalformed = (secret: string, remedy: string): string => `${secret} is not JSON with username and password; ${remedy}`;

/** Parses a stored text as JSON; undefined if it is not valid JSON. The parser's own message would quote the content. */
export function parseSecret(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** Returns `{ username, password }` without other keys; null if it is not a credential. */
export const toCredential = (value: unknown): Credential | null =>
  isObject(value) && typeof value.username === "string" && typeof value.password === "string"
    ? { username: value.username, password: value.password }
    : null;

/** Returns the text of a version. */
export const toSecretText = ({ username, password }: Credential): string => JSON.stringify({ username, password });

/** Parses the text of a version as a credential. @throws ProvisioningError */
export function readCredential(secret: string, content: string, faults: StoreFaults): Credential {
  const credential = toCredential(parseSecret(content));
  if (credential === null) throw faults.malformed(secret);
  return credential;
}

/** Returns the store's own name of a secret. @throws ProvisioningError */
export function findSecret(names: Readonly<Record<string, string>>, secret: string, faults: StoreFaults): string {
  const name = ownEntry(names, secret);
  if (name === undefined) throw faults.unnamed(secret);
  return name;
}

const OUT_OF_REACH = ["ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH"];

/** Whether nothing responded: a name that does not resolve, or an unreachable network. */
export function isOutOfReach(error: unknown): boolean {
  const { code, name, cause } = error as { readonly code?: string; readonly name?: string; readonly cause?: unknown };
  if (OUT_OF_REACH.includes(code ?? "") || name === "TimeoutError" || name === "AbortError") return true;
  return cause instanceof Error && isOutOfReach(cause);
}
