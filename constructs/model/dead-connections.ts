/**
 * How a connection notices that its server has silently disappeared, as when a zone fails and packets are lost. By default, Linux notices
 * after 15 minutes while data waits for an acknowledgement (`net.ipv4.tcp_retries2`), and after two hours while the client waits for a response.
 *
 * The limits concern packets, not work: a server that computes for an hour still answers probes. They allow 15 seconds without a single
 * packet, which is longer than a live migration of a virtual machine or a route change, and shorter than any failover.
 */

/** Seconds for a connection, its TLS handshake and login. A busy server needs 1 to 2; a name that still points at a lost server uses all. */
export const CONNECT_SECONDS = 10;
/** Seconds that sent data may wait for an acknowledgement. */
export const UNACKNOWLEDGED_SECONDS = 15;
/** Seconds of silence after which the operating system probes the server. */
export const SILENT_SECONDS = 10;
/** Seconds between two probes. */
const PROBE_SECONDS = 5;
/** Unanswered probes after which the server is considered lost. On Linux, `tcp_user_timeout` applies first. */
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

/** For pgx and lib/pq, which send any other parameter to the server. They always probe, after 15 s of silence and for 150 s in total. */
export const GO: Parameters = { connect_timeout: String(CONNECT_SECONDS) };

/**
 * For an address that any driver may read: asyncpg and pgx do not know libpq's other parameters and send them to the server, which does not
 * know them either. The server knows this one, and limits its own side with it. https://www.postgresql.org/docs/17/runtime-config-connection.html
 */
const ANY: Parameters = { tcp_user_timeout: String(UNACKNOWLEDGED_SECONDS * 1000) };

/**
 * For Java's driver, which can limit silence only together with queries (`socketTimeout`), and probes at the operating system's pace.
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
