import type { ForeignTables, ServerVersion } from "../model/platform";
import type { ResolvedInstance, Tenant } from "../model/spec";
import type { Patience, Server } from "./connect";
import type { Credential } from "./credential";
import type { SecretStore } from "./secret-store";

/** How to reach a server with the permissions to provision it. */
export interface ServerAccess {
  readonly server: Server;
  /** A login with CREATEROLE and CREATEDB; no superuser is needed. */
  readonly master: Credential;
  readonly store: SecretStore;
  readonly patience: Patience;
  /** How a person provisions the environment, in the imperative: `run npm run provision -- --environment NAME`. */
  readonly provision: string;
  /** How a person closes the logins of a platform that was removed from the spec, in the imperative; left out if no person reads it. */
  readonly closing?: (platform: string) => string;
  /** Command for a person to restart the server; left out if none is known. */
  readonly restart?: string | null;
  /** The verified versions of a platform's server, oldest first, which order its revisions. Left out if they are not compared. */
  readonly versions?: (platform: string) => readonly Pick<ServerVersion, "version" | "revision">[];
  /** The harm of other programs' tables in a platform's databases; null if none. Left out if it is not checked. */
  readonly foreignTables?: (platform: string) => ForeignTables | null;
}

/** What provisioning creates on one server. */
export interface Work {
  readonly environment: string;
  readonly instance: Pick<ResolvedInstance, "tenants">;
}

/** An environment's part on one server. */
export interface Scope extends Work {
  readonly instance: ResolvedInstance;
}

/** The part of a tenant that is needed to log in and to change passwords. */
export interface TenantLogins extends Pick<Tenant, "owner" | "secret"> {
  readonly logins: readonly Named[];
  readonly databases: readonly Named[];
}
interface Named {
  readonly name: string;
}
