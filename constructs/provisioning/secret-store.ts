import type { Credential } from "./credential";

/** The two newest versions of a secret. Both work until the next rotation; only the current one is delivered. */
export interface Versions {
  readonly current: Credential;
  readonly previous: Credential | null;
  /**
   * What a rotation under way is about to make current. The server may already know this password in place of the previous one.
   * Omitted by stores whose rotation is a single step.
   */
  readonly pending?: Credential | null;
  /** When the current version was added: its password is in use since then. Omitted if the store does not know. */
  readonly since?: Date;
}

/** A secret store, for those who only read. */
export interface ReadableStore {
  /** What a person calls it, for messages. */
  readonly description: string;
  /** The versions of a secret, or null while it has none. */
  read(secret: string): Promise<Versions | null>;
}

/** Where platform passwords are born and kept: a directory, AWS Secrets Manager, Google Secret Manager. */
export interface SecretStore extends ReadableStore {
  /**
   * Adds a version, which becomes the current one, and keeps the one before. A pending version is given up.
   *
   * @param forget keeps no version before: after a leak none of them may come back.
   */
  write(secret: string, credential: Credential, forget?: boolean): Promise<void>;
}
