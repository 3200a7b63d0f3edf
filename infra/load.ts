import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../constructs/model/errors";
import { resolve } from "../constructs/model/resolve";
import type { Environment } from "../constructs/model/spec";
import { suggest } from "../constructs/model/suggest";
import type { Target } from "../constructs/model/target";
import { platforms } from "../constructs/platforms/registry";
import type { EnvironmentSpec } from "./environments/spec";

export type ProjectEnvironment = Environment<typeof platforms>;

const DIRECTORY = join(__dirname, "environments");

/**
 * Reads `infra/environments/<name>.ts` and resolves it for a target.
 *
 * @throws UserError where there is no such file, SpecError where it is wrong.
 */
export function loadEnvironment(name: string, target: Target): ProjectEnvironment {
  const known = readdirSync(DIRECTORY)
    .filter((file) => file.endsWith(".ts") && file !== "spec.ts")
    .map((file) => file.slice(0, -3));
  if (!known.includes(name)) throw new UserError(`there is no environment ${name} in infra/environments; ${suggest(name, known)}`);
  // Not import(): a loader of ES modules costs every command a tenth of a second.
  const { default: spec } = require(join(DIRECTORY, `${name}.ts`)) as { readonly default: EnvironmentSpec };
  return resolve(spec, { target, platforms });
}
