import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../constructs/model/errors";
import { isObject } from "../constructs/model/json";
import { resolve } from "../constructs/model/resolve";
import type { Environment } from "../constructs/model/spec";
import { suggest } from "../constructs/model/suggest";
import type { Target } from "../constructs/model/target";
import { PACKAGE_ROOT } from "../constructs/package/root";
import { platforms } from "../constructs/platforms/registry";
import type { EnvironmentSpec } from "./environments/spec";

export type ProjectEnvironment = Environment<typeof platforms>;

const DIRECTORY = join(PACKAGE_ROOT, "infra", "environments");

/**
 * Reads `infra/environments/<name>.ts` and resolves it for a target.
 *
 * @throws UserError where there is no such file, or no section for the target; SpecError where it is wrong.
 */
export function loadEnvironment(name: string, target: Target): ProjectEnvironment {
  const known = environmentNames();
  if (!known.includes(name)) throw new UserError(`there is no environment ${name} in infra/environments; ${suggest(name, known)}`);
  const spec = readSpec(name);
  if (Object.keys(target.section).length > 0 && !hasSection(spec, target)) {
    const others = known.filter((other) => other !== name);
    throw new UserError(
      `environment ${name} has no section ${target.name}; write one into infra/environments/${name}.ts, or use ${others.join(" or ")}`,
    );
  }
  return resolve(spec, { target, platforms });
}

const environmentNames = (): readonly string[] =>
  readdirSync(DIRECTORY)
    .filter((file) => file.endsWith(".ts") && file !== "spec.ts")
    .map((file) => file.slice(0, -3));

/** Not `import()`: a loader of ES modules costs every command a tenth of a second. In this form a bundler finds the files, too. */
function readSpec(name: string): EnvironmentSpec {
  let loaded: { readonly default?: EnvironmentSpec };
  try {
    loaded = require(`./environments/${name}.ts`);
  } catch (error) {
    throw new UserError(`infra/environments/${name}.ts cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(loaded.default)) throw new UserError(`infra/environments/${name}.ts must export an environment by default`);
  return loaded.default;
}

const hasSection = (spec: EnvironmentSpec, target: Target): boolean => Object.hasOwn(spec, target.name);
