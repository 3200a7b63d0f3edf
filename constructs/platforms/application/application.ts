import { reloadOnSecretChange, sidecars, tlsMounts, tlsVariables, toEnv } from "../../kubernetes/pod";
import { CONNECT_VARIABLES } from "../../model/dead-connections";
import { type JsonObject, mapValues } from "../../model/json";
import { databaseName, FIRST_DATABASE } from "../../model/names";
import {
  type Connection,
  type Demand,
  definePlatform,
  type Platform,
  type PlatformDatabase,
  type Variables,
  type WiringDefinition,
} from "../../model/platform";
import { applicationSecret, processJdbcUri, processUri, READER_ENDING, secretKey } from "./addresses";
import { applicationRules } from "./rules";
import { type ApplicationFields, type ApplicationSettings, applicationFields } from "./settings";

/** Its key in the registry. */
const KIND = "application";

/** Named, so that its settings are documented wherever its type is shown. */
export interface Application extends Platform<ApplicationFields, "main"> {}

/** Any program with a PostgreSQL database. Its Secret has the login in every form that drivers accept; the Deployment is not created here. */
export const application: Application = definePlatform({
  title: "Application",
  fitsAnyProgram: true,
  fields: applicationFields,
  driver: { name: "any", dialect: "libpq's PG* variables, a URI, JDBC's URL, SQLAlchemy's URLs" },
  rules: applicationRules,
  transactionPooling: () => ({
    works: true,
    note: "if the program keeps neither prepared statements nor other session state",
  }),
  sidecarBeforeMigrations: () => true,
  databases: ({ databases }): Readonly<Record<"main", PlatformDatabase>> => ({
    main: { name: databaseName(KIND, null), extensions: [] },
    ...mapValues(databases, (_database, key) => ({ name: databaseName(KIND, key === FIRST_DATABASE ? null : key), extensions: [] })),
  }),
  connections: demands,
  readerConnections: demands,
  wire,
});

/** A login's limit applies to each server separately. */
function demands({ connections }: ApplicationSettings): readonly Demand[] {
  return [{ opener: "all pods together", pool: connections, processes: 1, replicas: 1, overlaps: false, migration: 0 }];
}

function wire(connection: Connection<"main">, { release, migration }: ApplicationSettings): WiringDefinition {
  const { databases, host, port, reader } = connection;
  const variables: Variables = {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: databases.main,
    PGUSER: { secretKey: "username" },
    PGPASSWORD: { secretKey: "password" },
    ...tlsVariables(connection.tls),
    ...CONNECT_VARIABLES,
  };
  const byKey = (ending: string) => (_database: string, key: string) => ({ secretKey: secretKey(key, ending) });
  const inPods: Variables = {
    ...variables,
    ...byDatabase(databases, "DATABASE_URL", byKey("uri")),
    ...(reader === null ? {} : byDatabase(databases, "READ_DATABASE_URL", byKey(READER_ENDING))),
  };
  return {
    secret: applicationSecret(connection),
    release: { kind: "deployment", patch: deploymentPatch(connection, inPods, release) },
    variables: {
      ...variables,
      ...byDatabase(databases, "DATABASE_URL", (database) => processUri(connection, database)),
      ...(reader === null
        ? {}
        : byDatabase(databases, "READ_DATABASE_URL", (database) => processUri({ ...connection, ...reader }, database))),
      JDBC_DATABASE_URL: processJdbcUri(connection, databases.main),
    },
    migrate: migration === null ? [] : [{ name: "migrate", ...migration, variables: inPods, secretPath: null }],
    health: null,
    notes: [
      "If the program reads another variable, such as SHOP_DB_URL, set that variable from the Secret's key with the form that it reads.",
      "With an address that contains +asyncpg, set the CA in the variable PGSSLROOTCERT.",
    ],
  };
}

/** A variable for each database: `DATABASE_URL`, and `VECTORS_DATABASE_URL` of key `vectors`. */
const byDatabase = <T>(
  databases: Connection["databases"],
  variable: string,
  value: (database: string, key: string) => T,
): Readonly<Record<string, T>> =>
  Object.fromEntries(
    Object.entries(databases).map(([key, database]) => [secretKey(key, variable).toUpperCase().replaceAll("-", "_"), value(database, key)]),
  );

function deploymentPatch(connection: Connection, variables: Variables, container: string): JsonObject {
  const mounts = tlsMounts(connection.tls);
  const pod = {
    serviceAccountName: connection.serviceAccount ?? undefined,
    initContainers: sidecars(connection.tls),
    containers: [{ name: container, env: toEnv(variables, connection), volumeMounts: mounts?.volumeMounts }],
    volumes: mounts?.volumes,
  };
  return { metadata: { annotations: reloadOnSecretChange(connection.secret) }, spec: { template: { spec: pod } } };
}
