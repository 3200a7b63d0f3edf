import { caPath, inPod } from "../../kubernetes/pod";
import { ANY_QUERY, JDBC_QUERY, LIBPQ_QUERY } from "../../model/dead-connections";
import { FIRST_DATABASE } from "../../model/names";
import type { Connection, ProcessText, SecretTemplate, Tls } from "../../model/platform";
import { databaseUrl, PLAIN_SECRET } from "../../model/secret";

/** An address of a database for a process outside Kubernetes: the path of the CA's file is not fixed. */
type Address = SecretTemplate & ProcessText;

/** TLS in libpq's terms, which psycopg, asyncpg, pgx and JDBC's driver also accept, and limits for dead connections. */
function parameters(tls: Tls, bounds: string): ProcessText {
  if (tls.mode === "proxy") return [`sslmode=disable&${bounds}`];
  return [`sslmode=${tls.mode}&sslrootcert=`, { caFile: true }, `&${bounds}`];
}

/** asyncpg takes `ssl` from SQLAlchemy, and the CA only from `PGSSLROOTCERT`. */
const asyncpg = ({ mode }: Tls): string => `?ssl=${mode === "proxy" ? "disable" : mode}`;

/** `jdbc:` URLs contain the login as parameters. https://jdbc.postgresql.org/documentation/use/ */
const jdbcUrl = ({ host, port }: Connection, database: string): Address => [
  `jdbc:postgresql://${host}:${port}/${database}?user=`,
  { field: "username", encoding: "url" },
  "&password=",
  { field: "password", encoding: "url" },
];

/** A line of a password file. Hosts, databases and logins here contain no colon. https://www.postgresql.org/docs/17/libpq-pgpass.html */
const pgpass = ({ host, port }: Connection, database: string): SecretTemplate => [
  `${host}:${port}:${database}:`,
  { field: "username", encoding: "raw" },
  ":",
  { field: "password", encoding: "raw" },
];

/** The URI of libpq for a process. */
export const processUri = (connection: Connection, database: string): ProcessText => [
  ...databaseUrl("postgresql", connection, database),
  "?",
  ...parameters(connection.tls, ANY_QUERY),
];

export const processJdbcUri = (connection: Connection, database: string): ProcessText => [
  ...jdbcUrl(connection, database),
  "&",
  ...parameters(connection.tls, JDBC_QUERY),
];

/** A URL with libpq's parameters, for a pod. */
const uriOf = (connection: Connection, database: string, scheme: string, bounds: string): SecretTemplate => [
  ...databaseUrl(scheme, connection, database),
  `?${inPod(parameters(connection.tls, bounds), caPath(connection.tls))}`,
];

/** Returns the Secret's values for one database, by the endings of their keys. */
function ofDatabase(connection: Connection, database: string): Readonly<Record<string, SecretTemplate>> {
  const url = (scheme: string, bounds: string): SecretTemplate => uriOf(connection, database, scheme, bounds);
  return {
    dbname: [database],
    uri: url("postgresql", ANY_QUERY),
    "jdbc-uri": [...jdbcUrl(connection, database), `&${inPod(parameters(connection.tls, JDBC_QUERY), caPath(connection.tls))}`],
    pgpass: pgpass(connection, database),
    "sqlalchemy-psycopg2-uri": url("postgresql+psycopg2", LIBPQ_QUERY),
    "sqlalchemy-psycopg-uri": url("postgresql+psycopg", LIBPQ_QUERY),
    "sqlalchemy-asyncpg-uri": [...databaseUrl("postgresql+asyncpg", connection, database), asyncpg(connection.tls)],
  };
}

/** Returns the key of a database in the Secret: the first database has no prefix. */
export const secretKey = (database: string, ending: string): string => (database === FIRST_DATABASE ? ending : `${database}-${ending}`);

const NO_CONNECTION: Connection = {
  host: "",
  port: 0,
  reader: null,
  databases: {},
  secret: "",
  serviceAccount: null,
  tls: { mode: "proxy", sidecar: null },
};
/** Endings of the keys of each database. */
export const ENDINGS: readonly string[] = Object.keys(ofDatabase(NO_CONNECTION, ""));
/** Keys that belong to no database. */
export const COMMON_KEYS: readonly string[] = [...Object.keys(PLAIN_SECRET), "host", "port"];

/** Ending of each database's key for a read replica. */
export const READER_ENDING = "read-uri";

/** Returns further values of the Secret if the instance has a read replica. */
function ofReader(connection: Connection): Readonly<Record<string, SecretTemplate>> {
  const { reader, databases } = connection;
  if (reader === null) return {};
  const uris = Object.entries(databases).map(
    ([key, database]) => [secretKey(key, READER_ENDING), uriOf({ ...connection, ...reader }, database, "postgresql", ANY_QUERY)] as const,
  );
  return { "read-host": [reader.host], "read-port": [String(reader.port)], ...Object.fromEntries(uris) };
}

/** The Secret of an application: its keys are a contract, and none is ever renamed. */
export function applicationSecret(connection: Connection): Readonly<Record<string, SecretTemplate>> {
  const { host, port, databases } = connection;
  const all = Object.entries(databases).flatMap(([key, database]) =>
    Object.entries(ofDatabase(connection, database)).map(([ending, template]) => [secretKey(key, ending), template] as const),
  );
  return { ...PLAIN_SECRET, host: [host], port: [String(port)], ...Object.fromEntries(all), ...ofReader(connection) };
}
