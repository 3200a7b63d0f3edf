/**
 * How a connection notices that its server has gone without a word, as when a zone fails and packets get lost. Linux alone notices after
 * 15 minutes while data waits for an acknowledgement (`net.ipv4.tcp_retries2`), and after two hours while the client waits for an answer.
 *
 * The bounds are about packets, not about work: a server that computes for an hour still answers probes. They survive 15 seconds without
 * a single packet, which is longer than the moves of a virtual machine or a change of routes take, and shorter than any failover.
 */

/** Seconds for a connection, its TLS handshake and login. A busy server takes 1 to 2; a name that still points at the lost one, all. */
export const CONNECT_SECONDS = 10;
/** Seconds that sent data may wait for an acknowledgement. */
export const UNACKNOWLEDGED_SECONDS = 15;
/** Seconds of silence after which the system asks whether the server is still there. */
export const SILENT_SECONDS = 10;
/** Seconds between two of its questions. */
const PROBE_SECONDS = 5;
/** Questions without an answer after which the server is given up. On Linux `tcp_user_timeout` ends the silence first. */
const PROBES = 3;

type Parameters = Readonly<Record<string, string>>;

/** For libpq: https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-CONNECT-CONNECT-TIMEOUT */
const LIBPQ: Parameters = {
  connect_timeout: String(CONNECT_SECONDS),
  keepalives_idle: String(SILENT_SECONDS),
  keepalives_interval: String(PROBE_SECONDS),
  keepalives_count: String(PROBES),
  // In milliseconds. Needs libpq 12 or newer.
  tcp_user_timeout: String(UNACKNOWLEDGED_SECONDS * 1000),
};

/** For pgx and lib/pq, which send any other parameter to the server. They always ask for silence, after 15 s and for 150 s in all. */
export const GO: Parameters = { connect_timeout: String(CONNECT_SECONDS) };

/**
 * For an address that any driver may read: the others of libpq's are unknown to asyncpg, pgx and the server, which asyncpg and pgx send
 * them to. The server knows this one, and bounds its own side by it. https://www.postgresql.org/docs/17/runtime-config-connection.html
 */
const ANY: Parameters = { tcp_user_timeout: String(UNACKNOWLEDGED_SECONDS * 1000) };

/**
 * For Java's driver, which can bound silence only together with queries (`socketTimeout`), and asks at the system's pace.
 * https://jdbc.postgresql.org/documentation/use/#connection-parameters
 */
const JDBC: Parameters = { connectTimeout: String(CONNECT_SECONDS), tcpKeepAlive: "true" };

/** libpq has variables for none of the others. https://www.postgresql.org/docs/17/libpq-envars.html */
export const CONNECT_VARIABLES: Parameters = { PGCONNECT_TIMEOUT: String(CONNECT_SECONDS) };

const joined = (parameters: Parameters, separator: string): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join(separator);

/** Parameters of a URL. */
export const LIBPQ_QUERY = joined(LIBPQ, "&");
export const ANY_QUERY = joined(ANY, "&");
export const JDBC_QUERY = joined(JDBC, "&");
/** Words of a DSN. */
export const LIBPQ_WORDS = joined(LIBPQ, " ");
export const GO_WORDS = joined(GO, " ");
