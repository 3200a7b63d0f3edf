import type { Credential } from "./credential";

/** The two newest versions of a secret. Both work until the next rotation; only the current one is delivered. */
export interface Versions {
  readonly current: Credential;
  readonly previous: Credential | null;
  /**
   * The version that a running rotation will make current. The server may already have this password instead of the previous one.
   * Omitted by stores whose rotation is a single step.
   */
  readonly pending?: Credential | null;
  /** When the current version was added, and its password came into use. Omitted if the store does not know. */
  readonly since?: Date;
}

/** A read-only secret store. */
export interface ReadableStore {
  /** Its name in messages. */
  readonly description: string;
  /** Returns the versions of a secret, or null while it has none. */
  read(secret: string): Promise<Versions | null>;
}

/** Where platform passwords are stored: a directory, AWS Secrets Manager, Google Secret Manager. */
export interface SecretStore extends ReadableStore {
  /**
   * Adds a version, which becomes the current one, and keeps the previous one. A pending version is discarded.
   *
   * @param forget keeps no earlier version: after a leak, none may be restored.
   */
  write(secret: string, credential: Credential, forget?: boolean): Promise<void>;
}
