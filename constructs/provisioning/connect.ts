import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { type ConnectionOptions, checkServerIdentity, TLSSocket } from "node:tls";
import { backOff } from "exponential-backoff";
import pg from "pg";
import { CONNECT_SECONDS } from "../model/dead-connections";
import type { Credential } from "./credential";
import { explain, isTransient, isUnknownName, ProvisioningError } from "./errors";
import { SILENCE, watch } from "./silence";

/** Where a PostgreSQL server is, and how its certificate is verified. */
export interface Server {
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** `ca`: PEM text of the certificate authority; null uses Node's own list. `proxy`: plain text to a proxy on loopback, which verifies. */
  readonly tls: { readonly mode: "verify-full" | "verify-ca"; readonly ca: string | null } | { readonly mode: "proxy" };
  /** Address to connect to instead: the near end of a tunnel. The certificate is still verified for `host`. */
  readonly via?: { readonly host: string; readonly port: number } | null;
  /** What a person can do if it cannot be reached, for messages. Default: unknown. */
  readonly unreachable?: string;
}

export type Client = pg.Client;

/** Milliseconds for a connection, its TLS handshake and login. */
const CONNECT_TIMEOUT = CONNECT_SECONDS * 1000;
/** Milliseconds for any statement; after that, a silent server is considered lost. */
const QUERY_TIMEOUT = 120_000;
/** Milliseconds for a connection to end before it is closed forcibly. */
const END_TIMEOUT = 2_000;
/** Milliseconds for a statement on a platform's data, including its locks. */
export const LOOK_TIMEOUT = 10_000;
/** Milliseconds that it waits for a lock: less, so that the server reports what it waited for. */
export const LOOK_LOCK_TIMEOUT = LOOK_TIMEOUT / 2;
/** Milliseconds that any statement of this program waits for a lock. */
const LOCK_TIMEOUT = 30_000;
/** Bytes that a session may receive: a platform can raise an error longer than Node's longest string, which would end the process. */
const MOST_BYTES = 64 * 2 ** 20;

/** How a session starts. Its parameters win over those of a database or a role. */
export interface Session {
  /** Milliseconds that a statement may take, here and on the server; 0 means no limit. */
  readonly query: number;
  /** Milliseconds that a statement may wait for a lock; 0 means no limit. */
  readonly lock: number;
  /** Bytes that it may receive in total. */
  readonly bytes: number;
  /** Further parameters. */
  readonly parameters?: Readonly<Record<string, string | number>>;
  /** Whether to leave all parameters as server, database and login set them. Default: no. */
  readonly asIs?: boolean;
}

const PROGRAM: Session = { query: QUERY_TIMEOUT, lock: LOCK_TIMEOUT, bytes: MOST_BYTES };
/** For reading platforms' data, which may be slow on purpose. */
export const looking = ({ deadlineMs }: Pick<Patience, "deadlineMs">): Session => ({
  query: Math.min(LOOK_TIMEOUT, deadlineMs),
  lock: Math.min(LOOK_LOCK_TIMEOUT, deadlineMs),
  bytes: MOST_BYTES,
});
/** Opens a session as a platform's driver does: settings of every level take effect. */
export const likeDriver = (patience: Pick<Patience, "deadlineMs">): Session => ({ ...looking(patience), asIs: true });
/** For a person at a prompt. */
export const UNLIMITED: Session = { query: 0, lock: 0, bytes: Number.POSITIVE_INFINITY };

/** The first version with `transaction_timeout`, as `server_version_num`. */
const TRANSACTION_TIMEOUT = 170_000;

/**
 * For the master in a platform's database, on which the owner may set anything: another role, timeouts, read-only.
 *
 * @param version of the server, as `server_version_num`.
 */
export const masterSession = (version: number): Session => ({
  ...PROGRAM,
  parameters: {
    role: "none",
    default_transaction_read_only: "off",
    ...(version >= TRANSACTION_TIMEOUT ? { transaction_timeout: 0 } : {}),
  },
});

/** The same session, in which the server rejects every change. */
export const reading = (session = PROGRAM): Session => ({
  ...session,
  parameters: { ...session.parameters, default_transaction_read_only: "on" },
});

/** Parameters of every session: nothing in a database can shadow the catalog, and no idle session is terminated. */
const ALWAYS = { search_path: "pg_catalog", idle_session_timeout: 0, idle_in_transaction_session_timeout: 0 };

const toParameters = ({ query, lock, parameters = {}, asIs = false }: Session): Readonly<Record<string, string | number>> =>
  asIs ? {} : { ...ALWAYS, lock_timeout: lock, statement_timeout: query, ...parameters };

/** Returns a space if there are none: without options, the driver would use those of the shell. */
const toOptions = (session: Session): string =>
  Object.entries(toParameters(session))
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ") || " ";

/** Runs something in an unchanged session with the parameters of another kind of session. */
export async function within<T>(client: Client, session: Session, run: () => Promise<T>): Promise<T> {
  const parameters = Object.entries(toParameters(session));
  await client.query(parameters.map(([name, value]) => `set ${name} = ${value}`).join("; "));
  const result = await run();
  await client.query(parameters.map(([name]) => `reset ${name}`).join("; "));
  return result;
}

/**
 * Opens one connection. Everything is passed explicitly, because `pg` fills gaps from the shell's `PG*` variables, ignores
 * `PGSSLROOTCERT` and reads `require` as `verify-full`.
 *
 * @throws the driver's or Node's own error, with its code.
 */
export async function open(server: Server, credential: Credential, database: string, session = PROGRAM): Promise<Client> {
  const client = new pg.Client({
    ...dialled(server),
    user: credential.username,
    password: credential.password,
    database,
    ssl: toSsl(server),
    application_name: "platform-postgres",
    options: toOptions(session),
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    query_timeout: session.query,
    keepAlive: true,
    keepAliveInitialDelayMillis: SILENCE,
  });
  // A connection that breaks while idle must not end the process; the next query reports it.
  client.on("error", () => undefined);
  limit(client, session.bytes);
  // A proxy on loopback always responds, so it would not show the server's state.
  if (server.tls.mode !== "proxy") onStream(client, (stream) => watch(stream, () => !isIdle(client)));
  try {
    await client.connect();
    return client;
  } catch (error) {
    await close(client);
    throw error;
  }
}

/** Closes the session cleanly, but does not wait long for a response. */
export async function close(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const cut = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      connectionOf(client).stream.destroy();
      resolve();
    }, END_TIMEOUT);
  });
  await Promise.race([client.end().catch(() => undefined), cut]);
  clearTimeout(timer);
}

/** Returns the address that a connection to the server goes to. */
export const dialled = ({ host, port, via }: Server): { readonly host: string; readonly port: number } => via ?? { host, port };

/** The driver's own connection, which its types omit. */
interface Connection extends EventEmitter {
  readonly stream: Socket;
  readonly ssl: unknown;
}
const connectionOf = (client: Client): Connection => (client as unknown as { readonly connection: Connection }).connection;
const isIdle = (client: Client): boolean => (client as unknown as { readonly readyForQuery: boolean }).readyForQuery;

/** Closes a session that receives more, before the driver converts it to a string. */
function limit(client: Client, bytes: number): void {
  if (bytes === Number.POSITIVE_INFINITY) return;
  onStream(client, (stream) => {
    let left = bytes;
    stream.on("data", ({ length }: Buffer) => {
      left -= length;
      if (left < 0) stream.destroy(tooMuch(client, bytes));
    });
  });
}

/** Calls a function with the session's stream, once it exists. */
function onStream(client: Client, use: (stream: Socket) => void): void {
  const connection = connectionOf(client);
  if (connection.ssl === false) use(connection.stream);
  else connection.once("sslconnect", () => use(connection.stream));
}

const tooMuch = ({ host, port, user, database }: Client, bytes: number): Error =>
  new ProvisioningError(
    `${host}:${port} sent ${user} more than ${bytes / 2 ** 20} MB from database ${database}; remove the oversized data there`,
  );

function toSsl({ host, tls }: Server): ConnectionOptions | false {
  if (tls.mode === "proxy") return false;
  // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED of the shell would turn verification off.
  const ca = { rejectUnauthorized: true, ...(tls.ca === null ? {} : { ca: tls.ca }) };
  if (tls.mode === "verify-ca") return { ...ca, checkServerIdentity: () => undefined };
  return { ...ca, checkServerIdentity: (_servername, certificate) => checkServerIdentity(host, certificate) };
}

/** Returns when the certificate that the server presented on this connection expires; null without TLS. */
export function certificateEnd(client: Client): Date | null {
  const { stream } = connectionOf(client);
  return stream instanceof TLSSocket ? new Date(stream.getPeerCertificate().valid_to) : null;
}

/** Opens a connection, uses it, closes it. */
export async function withClient<T>(
  server: Server,
  credential: Credential,
  database: string,
  use: (client: Client) => Promise<T>,
  session = PROGRAM,
): Promise<T> {
  const client = await open(server, credential, database, session);
  try {
    return await use(client);
  } finally {
    await close(client);
  }
}

export interface Patience {
  /** Milliseconds during which transient errors are retried. */
  readonly deadlineMs: number;
  /** Whether the server may have been created seconds ago: then, a name that does not resolve yet is also retried. */
  readonly isFresh?: boolean;
  /** Called before each new try. */
  readonly onRetry?: (sentence: string) => void;
}

/** Retries something that is safe to repeat while its errors are transient, with growing pauses, until the deadline. */
export async function persist<T>(
  server: Server,
  credential: Credential,
  database: string,
  patience: Patience,
  run: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + patience.deadlineMs;
  const attempt = { ...dialled(server), username: credential.username, database, unreachable: server.unreachable };
  try {
    return await backOff(run, {
      numOfAttempts: Number.MAX_SAFE_INTEGER,
      startingDelay: 100,
      maxDelay: 3_000,
      jitter: "full",
      retry: (error: unknown) => {
        if (!(isTransient(error) || (patience.isFresh && isUnknownName(error))) || performance.now() >= deadline) return false;
        patience.onRetry?.(explain(error, attempt).message);
        return true;
      },
    });
  } catch (error) {
    throw explain(error, attempt);
  }
}
