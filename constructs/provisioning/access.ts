import type { ResolvedInstance } from "../model/spec";
import type { Patience, Server } from "./connect";
import type { Credential } from "./credential";
import type { SecretStore } from "./secret-store";

/** How to reach a server with the rights to provision it. */
export interface Access {
  readonly server: Server;
  /** A login with CREATEROLE and CREATEDB; no superuser is needed. */
  readonly master: Credential;
  readonly store: SecretStore;
  readonly patience: Patience;
}

/** An environment's part on one server. */
export interface Scope {
  readonly environment: string;
  readonly instance: ResolvedInstance;
}
