import { UserError } from "../model/errors";
import { shown } from "./shown";

/** Provisioning could not continue; the message is one sentence with what to do. It never contains a password. */
export class ProvisioningError extends UserError {
  override readonly name = "ProvisioningError";
}

/** The attempt, for the sentence. */
export interface Attempt {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly database: string;
  /** What a person can do if the server cannot be reached. */
  readonly unreachable?: string | undefined;
}

const codeOf = (error: unknown): string => (typeof error === "object" && error !== null && "code" in error ? String(error.code) : "");
/** A platform can raise any message in its database. */
const messageOf = (error: unknown): string => shown(error instanceof Error ? error.message : String(error));

/** Transient errors: a server that starts, fails over or is briefly unreachable, or that is restarted because a session used up its resources. */
const TRANSIENT = [
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "57P01",
  "57P02",
  "57P03",
  "08000",
  "08001",
  "08003",
  "08006",
  "53200",
  "53300",
];

export function isTransient(error: unknown): boolean {
  if (error instanceof UserError) return false;
  return TRANSIENT.includes(codeOf(error)) || /Connection terminated|timeout expired|timeout exceeded/.test(messageOf(error));
}

/** Temporary only if the name has just been created; otherwise it is a user error. */
export const isUnknownName = (error: unknown): boolean => codeOf(error) === "ENOTFOUND";

export const isWrongPassword = (error: unknown): boolean => codeOf(error) === "28P01";
/** The login is correct, but all connections of its limit are in use. */
export const isLoginFull = (error: unknown): boolean => codeOf(error) === "53300" && messageOf(error).includes("for role");

type Sentence = (attempt: Attempt, message: string) => string;

const at = ({ host, port }: Attempt): string => `${host}:${port}`;
/** Errors of a machine that cannot reach the server. */
const OUT_OF_REACH = ["ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"];
const withWay = (sentence: string, { unreachable }: Attempt): string =>
  unreachable === undefined ? sentence : `${sentence}\n${unreachable}`;

const cannotBeReached: Sentence = (to) => `${at(to)} cannot be reached; check that the network allows it`;

/** By SQLSTATE (https://www.postgresql.org/docs/17/errcodes-appendix.html), or by the code of Node's network and TLS errors. */
const SENTENCES: Readonly<Record<string, Sentence>> = {
  ECONNREFUSED: (to) => `nothing listens on ${at(to)}; start the database, or correct host and port`,
  ENOTFOUND: (to) => `the name ${to.host} does not resolve; correct the host, or connect from within its network`,
  EAI_AGAIN: (to) => `the name ${to.host} could not be looked up; check the network's name server`,
  ETIMEDOUT: (to) => `${at(to)} does not answer; check that the network allows this machine to reach it`,
  EHOSTUNREACH: cannotBeReached,
  ENETUNREACH: cannotBeReached,
  CERT_HAS_EXPIRED: (to) => `the certificate of ${at(to)} has expired; renew it, or start again for a local server`,
  CERT_NOT_YET_VALID: (to) => `the certificate of ${at(to)} is not valid yet; set the clock of this machine, or of the server`,
  ERR_TLS_CERT_ALTNAME_INVALID: (to) => `the certificate of ${at(to)} is for another name; connect with a name that it contains`,
  SELF_SIGNED_CERT_IN_CHAIN: (to) => `the certificate of ${at(to)} is not signed by the given CA; give the CA of this server`,
  DEPTH_ZERO_SELF_SIGNED_CERT: (to) => `the certificate of ${at(to)} is not signed by the given CA; give the CA of this server`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: (to) => `the certificate of ${at(to)} is not signed by the given CA; give the CA of this server`,
  CERT_SIGNATURE_FAILURE: (to) => `the certificate of ${at(to)} is not signed by the given CA; give the CA of this server`,
  "28P01": (to) => `${at(to)} rejects the password of ${to.username}; write the correct one into its secret`,
  "28000": (to, message) => `${at(to)} rejects ${to.username} (${message}); allow it to log in over TLS`,
  "3D000": (to) => `${at(to)} has no database ${to.database}; provision its environment`,
  "42501": (to, message) => `${to.username} lacks a privilege on ${at(to)} (${message}); grant it`,
  "25006": (to) => `${at(to)} is read-only; connect to the primary, not to a replica or a standby`,
  "53100": (to) => `the disk of ${at(to)} is full; free space or enlarge it, and run this again`,
  "53200": (to) =>
    `${at(to)} has no memory left for locks, because a session holds very many; restart the server while this runs, or run this again right after`,
  "53300": (to) => `${at(to)} has no free connection; close some, or raise max_connections`,
  "55P03": (to, message) => `${at(to)} could not get a lock in time (${message}); wait for the other session to end, and run this again`,
  "57P03": (to, message) => `${at(to)} does not accept connections yet (${message}); wait, and run this again`,
};

/** Returns an error as one sentence for a person. Unknown errors keep their own message. */
export function explain(error: unknown, attempt: Attempt): UserError {
  if (error instanceof UserError) return error;
  const message = messageOf(error);
  const sentence = SENTENCES[codeOf(error)];
  if (sentence !== undefined) {
    const found = sentence(attempt, message);
    return new ProvisioningError(OUT_OF_REACH.includes(codeOf(error)) ? withWay(found, attempt) : found);
  }
  // The driver's own connection timeout, which has no code.
  if (/timeout expired|due to connection timeout/.test(message))
    return new ProvisioningError(withWay(SENTENCES.ETIMEDOUT?.(attempt, message) ?? message, attempt));
  if (message.includes("does not support SSL"))
    return new ProvisioningError(`${at(attempt)} offers no TLS; turn on ssl, because plain text is never used`);
  // PostgreSQL omits the cause if it cannot write a cache of its catalogs.
  if (/No space left on device|could not write init file/.test(message))
    return new ProvisioningError(SENTENCES["53100"]?.(attempt, message) ?? message);
  const code = codeOf(error);
  return new ProvisioningError(
    `${at(attempt)}, database ${attempt.database}, as ${attempt.username}: ${message}${code === "" ? "" : ` (${code})`}`,
  );
}
