import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../constructs/model/errors";
import { mapValues } from "../constructs/model/json";
import { PACKAGE_ROOT } from "../constructs/package/root";
import type { ProjectEnvironment } from "./load";

/**
 * An environment with the text of certificate authorities in the place of their files.
 *
 * @throws UserError where there is no such file.
 */
export function withCaTexts<E extends ProjectEnvironment>(environment: E): E {
  const instances = mapValues(environment.instances, (instance, name) => {
    const { existing } = instance.settings;
    if (existing?.ca == null || existing.ca.includes("-----BEGIN CERTIFICATE-----")) return instance;
    const ca = readCa(resolve(PACKAGE_ROOT, existing.ca), name);
    return { ...instance, settings: { ...instance.settings, existing: { ...existing, ca } } };
  });
  return { ...environment, instances };
}

function readCa(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError(`there is no file ${path}; write the path of the CA, or its text, into instances.${name}.existing.ca`);
  }
}
