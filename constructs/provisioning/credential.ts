import { randomInt } from "node:crypto";

/** A login's name and its password, as in a secret store. */
export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** Characters without a special meaning in any driver, URL, keyword/value string, shell or template. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~.-";
/** About 193 bits: guessing a password from its verifier is infeasible. */
const LENGTH = 32;

/** Returns a new random password from `[A-Za-z0-9_~.-]`. It starts with a letter or digit, so that no command line reads it as an option. */
export function generatePassword(): string {
  const letter = (from: number) => ALPHABET[randomInt(from)] ?? "";
  return letter(62) + Array.from({ length: LENGTH - 1 }, () => letter(ALPHABET.length)).join("");
}
