import { createHash, createHmac, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";

/** PostgreSQL's own default (`scram_iterations`). */
const ITERATIONS = 4096;
const KEY_BYTES = 32;
const SALT_BYTES = 16;

/**
 * Returns what PostgreSQL stores instead of a password: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (RFC 5802, RFC 7677).
 * It proves a password without containing it, so only the verifier is sent to the server. No maintained package creates one.
 *
 * @throws TypeError for a password outside printable ASCII, which would need SASLprep.
 */
export async function scramVerifier(password: string, salt = randomBytes(SALT_BYTES), iterations = ITERATIONS): Promise<string> {
  if (!/^[\x20-\x7e]+$/.test(password)) throw new TypeError("a password must be printable ASCII");
  const salted = await promisify(pbkdf2)(password, salt, iterations, KEY_BYTES, "sha256");
  const key = (name: string) => createHmac("sha256", salted).update(name).digest();
  const storedKey = createHash("sha256").update(key("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${key("Server Key").toString("base64")}`;
}
