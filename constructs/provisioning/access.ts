import type { ForeignTables, ServerVersion } from "../model/platform";
import type { ResolvedInstance, Tenant } from "../model/spec";
import type { Patience, Server } from "./connect";
import type { Credential } from "./credential";
import type { SecretStore } from "./secret-store";

/** How to reach a server with the rights to provision it. */
export interface ServerAccess {
  readonly server: Server;
  /** A login with CREATEROLE and CREATEDB; no superuser is needed. */
  readonly master: Credential;
  readonly store: SecretStore;
  readonly patience: Patience;
  /** How a person has the environment provisioned, in the imperative: `run npm run provision -- --environment NAME`. */
  readonly provision: string;
  /** How a person closes the logins of a platform that left the spec, in the imperative; left out where no person reads it. */
  readonly closing?: (platform: string) => string;
  /** Command that restarts the server, for a person; left out where none is known. */
  readonly restart?: string | null;
  /** The verified versions of a platform's server, oldest first: they tell the order of its revisions. Left out where nobody compares them. */
  readonly versions?: (platform: string) => readonly Pick<ServerVersion, "version" | "revision">[];
  /** What other programs' tables break in a platform's databases; null if nothing. Left out where nobody looks. */
  readonly foreignTables?: (platform: string) => ForeignTables | null;
}

/** What provisioning makes on one server. */
export interface Work {
  readonly environment: string;
  readonly instance: Pick<ResolvedInstance, "tenants">;
}

/** An environment's part on one server. */
export interface Scope extends Work {
  readonly instance: ResolvedInstance;
}

/** What logging in, and changing passwords, take of a tenant. */
export interface TenantLogins extends Pick<Tenant, "owner" | "secret"> {
  readonly logins: readonly Named[];
  readonly databases: readonly Named[];
}
interface Named {
  readonly name: string;
}
