import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { SpecError, type Violation } from "../constructs/model/errors";
import { mapValues } from "../constructs/model/json";
import { pathOf } from "../constructs/model/own-instance";
import type { ResolvedInstance } from "../constructs/model/spec";

type Existing = NonNullable<ResolvedInstance["settings"]["existing"]>;

interface WithInstances {
  /** Name of the target. */
  readonly target: string;
  readonly section: object;
  readonly instances: Readonly<Record<string, ResolvedInstance>>;
}

/**
 * Returns an environment with the text of certificate authorities instead of their paths, and with absolute paths of master secrets, which
 * are files on this machine only.
 *
 * @param directory of the environment's file: its paths are relative to it.
 * @throws SpecError if a CA does not exist, or is not a certificate.
 */
export function withFiles<E extends WithInstances>(environment: E, directory: string): E {
  const violations: Violation[] = [];
  const instances = mapValues(environment.instances, (instance, name) => {
    const { existing } = instance.settings;
    if (existing === null) return instance;
    const ca = existing.ca === null ? null : readCa(existing.ca, directory);
    if (ca !== null && "rule" in ca) violations.push({ path: pathOf(environment, `instances.${name}.existing.ca`), ...ca });
    const masterSecret = environment.target === "local" ? resolve(directory, existing.masterSecret) : existing.masterSecret;
    const its: Existing = { ...existing, masterSecret, ca: ca !== null && "text" in ca ? ca.text : null };
    return { ...instance, settings: { ...instance.settings, existing: its } };
  });
  const section = withRegionCa(environment, directory, violations);
  if (violations.length > 0) throw new SpecError(violations);
  return { ...environment, section, instances };
}

/** Returns a section with the text of its region's certificate authorities, if it names them. */
function withRegionCa({ target, section }: WithInstances, directory: string, violations: Violation[]): object {
  const { certificateAuthorities: written = null } = section as { readonly certificateAuthorities?: string | null };
  if (written === null) return section;
  const ca = readCa(written, directory);
  if ("rule" in ca) violations.push({ path: `${target}.certificateAuthorities`, ...ca });
  return { ...section, certificateAuthorities: "text" in ca ? ca.text : null };
}

/** Returns the PEM text of a CA, or the rule that it breaks. Never shows its content, which may be a private key. */
function readCa(ca: string, directory: string): { readonly text: string } | Omit<Violation, "path"> {
  if (isText(ca)) return checkCa(ca, "text");
  const file = resolve(directory, ca);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    const remedy = "write its path, relative to the environment's file, or the CA's PEM text";
    return { rule: "must be a readable file", got: file, remedy };
  }
  return checkCa(text, text.trim() === "" ? `the empty file ${file}` : file);
}

/** No file name looks like this. */
const isText = (ca: string): boolean => /-----BEGIN |\n/.test(ca);

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function checkCa(text: string, got: string): { readonly text: string } | Omit<Violation, "path"> {
  const remedy = "write the certificate of the authority that signed the server's certificate";
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return { rule: "must not contain a private key", got, remedy };
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return { rule: "must contain a certificate in PEM (BEGIN CERTIFICATE)", got, remedy };
  return certificates.every(isCertificate) ? { text } : { rule: "must contain only complete certificates", got, remedy };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
