import { randomInt } from "node:crypto";

/** A login's name and its password, as a secret store holds them. */
export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** No driver, URL, keyword/value string, shell or template gives any of these a meaning. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~.-";
/** About 193 bits: guessing one from its verifier is out of reach. */
const LENGTH = 32;

/** A new random password from `[A-Za-z0-9_~.-]`. It starts with a letter or digit, so that no command line reads it as an option. */
export function generatePassword(): string {
  const letter = (from: number) => ALPHABET[randomInt(from)] ?? "";
  return letter(62) + Array.from({ length: LENGTH - 1 }, () => letter(ALPHABET.length)).join("");
}
