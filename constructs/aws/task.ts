/** What a function needs to know of an instance: the host and the ARNs are known only when it is deployed. */
export interface Task<T> {
  readonly environment: string;
  readonly host: string;
  /** TCP port. CloudFormation makes a text of it. */
  readonly port: number | string;
  /** ARN of the master's secret. */
  readonly masterSecret: string;
  /** ARNs of the platforms' secrets, by the id that a tenant has for its own. */
  readonly secrets: Readonly<Record<string, string>>;
  /** By platform. */
  readonly tenants: Readonly<Record<string, T>>;
}

/** Variables of the functions. None holds a secret. */
export const VARIABLES = {
  /** A `Task` as JSON, for what is called without properties. */
  task: "TASK",
  /** PEM text of the certificate authority of a database that somebody else made outside RDS. */
  ca: "DATABASE_CA",
} as const;
