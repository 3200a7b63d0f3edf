import type { Tenant } from "../model/spec";
import type { TenantLogins } from "../provisioning/access";

/** What a function needs to know of a server: the host and the ARN are known only when it is deployed. */
export interface ServerTask {
  readonly environment: string;
  readonly host: string;
  /** TCP port. CloudFormation makes a text of it. */
  readonly port: number | string;
  /** ARN of the master's secret. */
  readonly masterSecret: string;
}

/** What provisioning needs to know of an instance. */
export interface Task extends ServerTask {
  /** ARNs of the platforms' secrets, by the id that a tenant has for its own. */
  readonly secrets: Readonly<Record<string, string>>;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  /** PEM text of the certificate authority of an existing database; left out for RDS, whose function has its region's. */
  readonly ca?: string;
}

/** What rotation needs to know besides its `ServerTask`: a file in the function's package, so that it changes together with the program. */
export interface RotationTask {
  /** PEM text of the certificate authority of an existing database; null for RDS, whose function has its region's. */
  readonly ca: string | null;
  /** By the tag of their secrets. */
  readonly tenants: Readonly<Record<string, TenantLogins>>;
}

/** Name of that file. */
export const TASK_FILE = "task.json";

/** Variables of the functions. Lambda takes 4 KB of them, so nothing that grows with an environment is one; none holds a secret. */
export const VARIABLES = {
  /** A `ServerTask` as JSON, for a function that is called without properties. */
  task: "TASK",
  /** PEM text of a certificate authority to trust in place of the region's: earlier versions have it here, and a rollback may bring it back. */
  ca: "DATABASE_CA",
} as const;

/** Tag of a platform's secret: `ENVIRONMENT--INSTANCE--PLATFORM`. No name has two hyphens in a row. */
export const TENANT_TAG = "platform-postgres/tenant";

/** The tag's value. With an empty platform, the beginning of those of all platforms of an instance. */
export const tenantTag = (environment: string, instance: string, platform: string): string => [environment, instance, platform].join("--");
