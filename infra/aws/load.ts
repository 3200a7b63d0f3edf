import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { aws } from "../../constructs/aws/target";
import { UserError } from "../../constructs/model/errors";
import { mapValues } from "../../constructs/model/json";
import type { ResolvedInstance } from "../../constructs/model/spec";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { loadEnvironment } from "../load";
import type { AwsEnvironment } from "./environment";

/** Of the 4 KB that a function's variables may have in all, what rotation leaves with every platform. */
const LONGEST_CA = 2_300;

/**
 * An environment for AWS, with the text of certificate authorities in the place of their files.
 *
 * @throws UserError, SpecError
 */
export function loadAwsEnvironment(name: string): AwsEnvironment {
  const environment = loadEnvironment(name, aws) as AwsEnvironment;
  return { ...environment, instances: mapValues(environment.instances, withCaText) };
}

function withCaText(instance: ResolvedInstance, name: string): ResolvedInstance {
  const { existing } = instance.settings;
  if (existing?.ca == null) return instance;
  const ca = existing.ca.includes("-----BEGIN CERTIFICATE-----") ? existing.ca : readCa(resolve(PACKAGE_ROOT, existing.ca), name);
  if (ca.length > LONGEST_CA)
    throw new UserError(
      `instances.${name}.existing.ca has ${ca.length} letters, and a function's variables hold ${LONGEST_CA} of it; give the one certificate that signed the server's`,
    );
  return { ...instance, settings: { ...instance.settings, existing: { ...existing, ca } } };
}

function readCa(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError(`there is no file ${path}; write the path of the CA, or its text, into instances.${name}.existing.ca`);
  }
}
