import type { Tenant } from "../model/spec";
import type { TenantLogins } from "../provisioning/access";

/** What a function needs to know about a server. The host and the ARN are deploy-time values. */
export interface ServerTask {
  readonly environment: string;
  readonly host: string;
  /** TCP port. CloudFormation converts it to a string. */
  readonly port: number | string;
  /** ARN of the master's secret. */
  readonly masterSecret: string;
}

/** What provisioning needs to know about an instance. */
export interface Task extends ServerTask {
  /** ARNs of the platforms' secrets, by the tenant's secret ID. */
  readonly secrets: Readonly<Record<string, string>>;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  /** PEM text of the server's certificate authority; left out if the program contains it, as it does for RDS regions. */
  readonly ca?: string;
}

/** What rotation needs to know in addition to its `ServerTask`: a file in the function's package, so that both change together. */
export interface RotationTask {
  /** PEM text of the server's certificate authority; null if the program contains it, as it does for RDS regions. */
  readonly ca: string | null;
  /** By the tag of their secrets. */
  readonly tenants: Readonly<Record<string, TenantLogins>>;
}

/** Name of that file. */
export const TASK_FILE = "task.json";

/** Seconds that one call of the rotation function may take. */
export const ROTATION_SECONDS = 300;

/** Variables of the functions. Lambda allows 4 KB of them, so none grows with an environment, and none contains a secret. */
export const VARIABLES = {
  /** A `ServerTask` as JSON, for the rotation function. */
  task: "TASK",
  /** PEM text of a certificate authority to trust instead of the region's: earlier versions have it here, and a rollback may restore it. */
  ca: "DATABASE_CA",
} as const;

/** Generation of a server if nothing counts them: in one stack, references change when it is replaced. */
export const FIRST_GENERATION = "1";

/** Tag of a platform's secret: `ENVIRONMENT--INSTANCE--PLATFORM`. No name has two hyphens in a row. */
export const TENANT_TAG = "platform-postgres/tenant";

/** Returns the tag's value. With an empty platform, the prefix for all platforms of an instance. */
export const tenantTag = (environment: string, instance: string, platform: string): string => [environment, instance, platform].join("--");
