/**
 * Every name that this project creates. Except for `databaseName`, each function is injective on valid input and stays within the alphabet and length of
 * its system, so two things never get the same name; `test/model/names.test.ts` checks that for arbitrary input.
 *
 * Nothing is cut or hashed: the inputs are bounded instead, because a person has to recognise the names in a console.
 */

/** An environment or instance: 1-30 of `a-z 0-9 -`, no hyphen at an end, no two in a row (two separate parts of a secret's name). */
export const NAME = {
  // A lookup by name would find the member `constructor`, which every object inherits.
  pattern: /^(?=.{1,30}$)(?!constructor$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  form: "1 to 30 of a-z, 0-9 and single hyphens, starting with a letter",
};

/** A Kubernetes namespace, service account or Helm release; 50 so that every suffix below fits a DNS label of 63. */
export const KUBERNETES_NAME = {
  pattern: /^(?=.{1,50}$)[a-z]([a-z0-9-]*[a-z0-9])?$/,
  form: "a Kubernetes name of 1 to 50 of a-z, 0-9 and hyphens, starting with a letter",
};

/** A platform's name whose roles would begin with `pg_`: PostgreSQL reserves those. https://www.postgresql.org/docs/17/sql-createrole.html */
export const RESERVED_NAME = /^pg(-|$)/;

/** A namespace that Kubernetes reserves. https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ */
export const RESERVED_NAMESPACE = /^kube-/;

/** A PostgreSQL extension, as `CREATE EXTENSION` accepts it. */
export const EXTENSION = { pattern: /^[a-z][a-z0-9_-]{0,62}$/, form: "an extension's name: a-z, 0-9, _ and hyphens" };

/** A PostgreSQL identifier that needs no quotes: PostgreSQL keeps 63 bytes of a name. */
export const IDENTIFIER = { pattern: /^[a-z_][a-z0-9_]{0,62}$/, form: "1 to 63 of a-z, 0-9 and _, not starting with a digit" };

/** Returns the roles of a platform: the owner cannot log in; the two logins act as the owner, so that one works while the other gets a new password. */
export function roleNames(platform: string): { readonly owner: string; readonly logins: readonly [string, string] } {
  const name = snake(platform);
  return { owner: `${name}_owner`, logins: [`${name}_a`, `${name}_b`] };
}

/** Returns a name as part of a PostgreSQL identifier. */
const snake = (name: string): string => name.replaceAll("-", "_");

/** Key of a platform's first database: further ones are named after platform and key. */
export const FIRST_DATABASE = "main";

/**
 * A database of a platform; `key` is null for the only one, or the first of several. Not injective (`a-b`, and key `b` of `a`):
 * `checkNames` rejects two equal names on one instance.
 */
export const databaseName = (platform: string, key: string | null): string =>
  key === null ? snake(platform) : `${snake(platform)}_${snake(key)}`;

/** A platform's secret in the secret store. Fits Secrets Manager, Secret Manager (`[A-Za-z0-9_-]`, 255) and a file name. */
export function storeSecretName(environment: string, platform: string): string {
  return `${environment}--${platform}`;
}

/** Returns the names of the Kubernetes objects that accompany a Helm release, in its namespace. */
export function kubernetesNames(release: string): {
  readonly secret: string;
  readonly caConfigMap: string;
  readonly migrateJob: string;
  /** The SecretStore of External Secrets, and the service account that it reads the secret with. */
  readonly secretStore: string;
  /** The service account of pods with a proxy sidecar, if the spec names none. */
  readonly client: string;
  /** The settings of a cloud's proxy, and the Deployment and Service of one proxy for all pods. */
  readonly proxy: string;
  /** Records which environment the release belongs to. */
  readonly owner: string;
} {
  return {
    secret: `${release}-db`,
    caConfigMap: `${release}-db-ca`,
    migrateJob: `${release}-db-migrate`,
    secretStore: `${release}-db-store`,
    client: `${release}-db-client`,
    proxy: `${release}-db-proxy`,
    owner: `${release}-db-owner`,
  };
}

/** Databases that belong to PostgreSQL or to a cloud: never a platform's. */
export const RESERVED_DATABASES: readonly string[] = ["postgres", "template0", "template1", "rdsadmin", "cloudsqladmin", "alloydbadmin"];
