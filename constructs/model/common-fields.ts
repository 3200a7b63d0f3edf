import { violation } from "./errors";
import { choice, dependent, type Elsewhere, type Field, integer, json, list, map, nullable, shorthand, text } from "./fields";
import { IMAGE_FORM } from "./images";
import { EXTENSION, FIRST_DATABASE, IDENTIFIER, KUBERNETES_NAME, NAME } from "./names";
import { UNREADABLE } from "./unreadable";

/** How a pod reaches the database. `auto` lets the target choose. */
export const ACCESS = ["auto", "direct", "sidecar", "proxy"] as const;
export type Access = (typeof ACCESS)[number];

const databaseFields = {
  /** Name of the database; null derives it from the platform's name. @defaultValue `null` */
  name: nullable(text(IDENTIFIER)),
  /** Extensions to create in it, in addition to those that the platform needs. @defaultValue `[]` */
  extensions: list(text(EXTENSION)),
};

/** A map, with a remedy for users who write the name of its only database instead. */
function orOne<T, W>(field: Field<T, false, W>): Field<T, false, W> {
  return {
    ...field,
    read(written, path, report) {
      if (typeof written !== "string" || !IDENTIFIER.pattern.test(written)) return field.read(written, path, report);
      report(violation(path, "must be an object", written, `write { ${FIRST_DATABASE}: "${written}" }`));
      return UNREADABLE;
    },
  };
}

/** The settings that every platform has; `name` is its key in the spec. */
export function commonFields(name: string) {
  return {
    /** The kind of platform: `mlflow`, `application`. Required if the name is not already a kind. @defaultValue the platform's name */
    platform: dependent(text({ ...NAME, default: name })),
    /** The instance with its databases; may be left out if there is only one. @defaultValue `null` */
    instance: nullable(text({ pattern: /\S/, form: "an instance's name" })),
    /** Kubernetes namespace. @defaultValue the platform's name */
    namespace: dependent(text({ ...KUBERNETES_NAME, default: name })),
    /** Helm release; names of its Kubernetes objects begin with it. @defaultValue the platform's name */
    release: dependent(text({ ...KUBERNETES_NAME, default: name })),
    /**
     * Its databases by key, to change their names or add extensions: `{ main: "mlflow_prod" }`, or
     * `{ main: { name: "mlflow_prod", extensions: ["pg_stat_statements"] } }`. Changing a name creates an empty database; the previous database is kept.
     *
     * @defaultValue `{}`
     */
    databases: orOne(map(shorthand(databaseFields, "name"), NAME)),
    /** Version of the chart; if empty, the newest verified version. @defaultValue the newest verified version */
    chartVersion: dependent(text({ pattern: /^[A-Za-z0-9.+-]*$/, form: "a chart's version", default: "" })),
    /** Number of server pods. @defaultValue `1` */
    replicas: integer({ min: 1, max: 100, default: 1 }),
    /**
     * How pods reach the database: as the target decides, directly over TLS, through a proxy sidecar, or through one proxy for all pods.
     *
     * @defaultValue `"auto"`
     */
    access: choice(ACCESS, "auto"),
    /** A Kubernetes service account to run as; null lets the chart create one. @defaultValue `null` */
    serviceAccount: nullable(text(KUBERNETES_NAME)),
    /** Images that replace the chart's, by container. @defaultValue `{}` */
    images: map(text(IMAGE_FORM), {
      pattern: /^[a-z0-9-]+$/,
      form: "a container's name",
    }),
    /** Values for the chart, merged over this project's; they win, except over the wiring. @defaultValue `{}` */
    values: json(),
  };
}

/** Names of a platform's settings in other tools. */
export const PLATFORM_ELSEWHERE: Elsewhere = new Map([
  ["version", "use chartVersion"],
  ["image", "use images"],
  ["name", "use release, or databases for the name of its database"],
  ...["type", "kind"].map((key) => [key, "use platform"] as const),
  ["env", "use values"],
  ...["database", "dbname", "databasename"].map((key) => [key, 'use databases: { main: "..." }'] as const),
  ["dbs", "use databases"],
  ["extensions", 'use databases: { main: { extensions: ["..."] } }'],
  ...["secret", "secretname", "users", "user", "roles", "schema"].map(
    (key) => [key, "remove it; logins, their Secret and their rights are created"] as const,
  ),
  ...["host", "port", "username", "password", "databaseurl"].map((key) => [key, "remove it; the connection is wired"] as const),
]);

export type CommonFields = ReturnType<typeof commonFields>;
