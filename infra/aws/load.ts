import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { aws } from "../../constructs/aws/target";
import { UserError } from "../../constructs/model/errors";
import { mapValues } from "../../constructs/model/json";
import type { ResolvedInstance } from "../../constructs/model/spec";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { loadEnvironment } from "../load";
import type { AwsEnvironment } from "./environment";

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
  if (existing?.ca == null || existing.ca.includes("-----BEGIN CERTIFICATE-----")) return instance;
  const path = isAbsolute(existing.ca) ? existing.ca : join(PACKAGE_ROOT, existing.ca);
  return { ...instance, settings: { ...instance.settings, existing: { ...existing, ca: readCa(path, name) } } };
}

function readCa(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError(`there is no file ${path}; write the path of the CA, or its text, into instances.${name}.existing.ca`);
  }
}
