import { existsSync, readdirSync } from "node:fs";
import { basename, extname, join, parse } from "node:path";
import { SpecError, UserError, type Violation } from "../constructs/model/errors";
import type { Fields } from "../constructs/model/fields";
import { isObject } from "../constructs/model/json";
import { resolveUnknown } from "../constructs/model/resolve";
import type { Environment } from "../constructs/model/spec";
import { suggest } from "../constructs/model/suggest";
import type { Target } from "../constructs/model/target";
import type { TeamRule } from "../constructs/model/team-rule";
import { IS_CHECKOUT } from "../constructs/package/root";
import { platforms } from "../constructs/platforms/registry";
import { fromUser, npmLine, typed } from "./command-line";
import { DATA_ENDINGS, readDataFile } from "./data-files";
import { withFiles } from "./existing";
import { project } from "./project";
import { CLOUDS, type EnvironmentSpec, type NamedSpec } from "./spec";

/** An environment of this project; `X` are the fields of its target's section. */
export type ProjectEnvironment<X extends Fields = Fields> = Environment<typeof platforms, X>;

/** Folder of the environments, with a file each. */
export const environmentsFolder = (): string => join(project().root, project().environments);

const shownFile = (file: string): string => `${project().environments}/${file}`;

/** TypeScript and data. */
const ENDINGS: readonly string[] = [".ts", ...DATA_ENDINGS];

/**
 * Reads an environment's file and resolves it for a target. Its paths are relative to that file; CAs are read.
 *
 * @param check finds more violations in the spec, as written; they are reported together with the others.
 * @throws UserError if there is no such file, or two, or no section for the target; SpecError if it is not valid.
 */
export function loadEnvironment<X extends Fields>(
  name: string,
  target: Target<X>,
  check: (spec: NamedSpec) => readonly Violation[] = () => [],
): ProjectEnvironment<X> {
  const known = environmentNames();
  if (known.length === 0 && !IS_CHECKOUT)
    throw new UserError(
      `there is no environment in ${project().environments}; to create some, run ${npmLine("init", [typed(project().root)])}`,
    );
  if (!known.includes(name)) throw new UserError(`there is no environment ${name} in ${project().environments}; ${suggest(name, known)}`);
  const spec = readSpec(name);
  if (Object.keys(target.section).length > 0 && !Object.hasOwn(spec, target.name)) {
    const others = environmentsOn(target.name);
    const remedy = others.length === 0 ? "" : `, or use ${others.length === 1 ? "" : "one of "}${others.join(", ")}`;
    throw new UserError(`environment ${name} has no section ${target.name}; write one into ${environmentFile(name)}${remedy}`);
  }
  const more = check(spec);
  const environment = withMore(more, () => resolveUnknown(spec, { target, platforms, sections: CLOUDS, rules: teamRules() }));
  if (more.length > 0) throw new SpecError(more);
  return withFiles(environment, environmentsFolder());
}

/** Adds violations to those that a function throws. @throws SpecError */
function withMore<T>(more: readonly Violation[], run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof SpecError ? new SpecError([...error.violations, ...more]) : error;
  }
}

/** Whether a file is an environment: by its extension, and for JSON, the format of templates and states, by its content. */
export function isEnvironmentFile(path: string): boolean {
  if (extname(path) !== ".json") return ENDINGS.includes(extname(path));
  try {
    const content = readDataFile(path, fromUser(path));
    return isObject(content) && Object.hasOwn(content, "instances") && Object.hasOwn(content, "platforms");
  } catch {
    return false;
  }
}

/**
 * Reads an environment from any file, such as that of another commit; null if it has no section for the target. Paths in it are relative to
 * the folder of environments.
 *
 * @param path as the user types it.
 * @param name of the environment.
 * @throws UserError if it cannot be read, or is not valid.
 */
export function loadEnvironmentFile<X extends Fields>(path: string, name: string, target: Target<X>): ProjectEnvironment<X> | null {
  if (!existsSync(fromUser(path))) throw new UserError(`there is no file ${path}`);
  const spec = readEnvironmentFile(path, fromUser(path), () => (IS_CHECKOUT ? require : requireTypeScript)(fromUser(path)));
  if (!isObject(spec.instances)) throw new UserError(`${path} must export an environment by default`);
  if (!Object.hasOwn(spec, target.name)) return null;
  try {
    // Rules that are newer than the file do not apply to it.
    return withFiles(resolveUnknown({ ...spec, name }, { target, platforms, sections: CLOUDS }), environmentsFolder());
  } catch (error) {
    throw error instanceof SpecError ? new UserError(`${path}: ${error.message}`) : error;
  }
}

/**
 * Returns the only environment that has a cloud's section, for a user who names none. Guessing among several could deploy or destroy the
 * wrong one.
 *
 * @param option with which the user names one.
 * @throws UserError if there are several, or none.
 */
export function onlyEnvironmentOn(section: string, option: string): string {
  const names = environmentsOn(section);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  if (only === undefined)
    throw new UserError(`no environment has a section ${section}; write one into a file of ${project().environments}`);
  throw new UserError(`${names.length} environments have a section ${section}; add ${option} with one of ${names.join(", ")}`);
}

/** Environments that have a cloud's section, or may have it: a broken file is reported when the user names it. */
export const environmentsOn = (section: string): readonly string[] =>
  environmentNames().filter((name) => {
    try {
      return Object.hasOwn(readSpec(name), section);
    } catch {
      return true;
    }
  });

/** Empty if the folder does not exist, because git does not keep empty folders. */
export const environmentNames = (): readonly string[] => [...new Set(environmentFiles().map((file) => parse(file).name))];

const environmentFiles = (): readonly string[] =>
  existsSync(environmentsFolder()) ? readdirSync(environmentsFolder()).filter((file) => ENDINGS.includes(extname(file))) : [];

/**
 * Returns the file of an environment, as messages show it.
 *
 * @throws UserError if two files have its name, because they could be two environments.
 */
export function environmentFile(name: string): string {
  const [file = shownFile(`${name}.ts`), other] = environmentFiles()
    .filter((each) => parse(each).name === name)
    .map(shownFile);
  if (other !== undefined) throw new UserError(`environment ${name} has two files, ${file} and ${other}; remove or rename one`);
  return file;
}

/**
 * Returns the team's rules, which apply to every environment.
 *
 * @throws UserError if their file cannot be loaded, or does not export a list.
 */
export function teamRules(): readonly TeamRule[] {
  const { root, rules: file } = project();
  const path = join(root, file);
  if (!IS_CHECKOUT && !existsSync(path)) return [];
  const rules = readDefault(file, IS_CHECKOUT ? () => require("./rules.ts") : () => requireTypeScript(path));
  if (!Array.isArray(rules)) throw new UserError(`${file} must export a list of rules by default`);
  return rules;
}

/** Loads TypeScript of a project. The checkout's commands and bundles read theirs without this. */
const requireTypeScript = (path: string): { readonly default?: unknown } => loader()(path, __filename);

function loader(): typeof import("tsx/cjs/api").require {
  try {
    return (require("tsx/cjs/api") as typeof import("tsx/cjs/api")).require;
  } catch {
    throw new UserError(`TypeScript files need the package tsx; run ${npmLine("init", [typed(project().root)])}`);
  }
}

/** Not `import()`, because a loader of ES modules slows every command by 0.1 s. */
function readDefault(file: string, load: () => { readonly default?: unknown }): unknown {
  try {
    return load().default;
  } catch (error) {
    if (error instanceof UserError) throw error;
    const [message] = (error instanceof Error ? error.message : String(error)).split("\nRequire stack:");
    throw new UserError(`${file} cannot be loaded: ${message}`);
  }
}

function readSpec(name: string): NamedSpec {
  const file = environmentFile(name);
  const path = join(environmentsFolder(), basename(file));
  // A bundler finds the checkout's files in this form.
  const spec = readEnvironmentFile(file, path, IS_CHECKOUT ? () => require(`./environments/${name}.ts`) : () => requireTypeScript(path));
  return named(spec as EnvironmentSpec, name, file);
}

/** @param load loads TypeScript. */
function readEnvironmentFile(file: string, path: string, load: () => { readonly default?: unknown }): Readonly<Record<string, unknown>> {
  const isData = extname(path) !== ".ts";
  const spec = isData ? readDataFile(file, path) : readDefault(file, load);
  if (!isObject(spec)) throw new UserError(`${file} must ${isData ? "contain an environment" : "export an environment by default"}`);
  return spec;
}

/** A copied file is another environment, and must not plan or destroy the first one's resources. */
function named(spec: EnvironmentSpec, name: string, file: string): NamedSpec {
  if (spec.name !== undefined && spec.name !== name)
    throw new UserError(`${file}: name must match the file's name, got ${JSON.stringify(spec.name)}; remove it, or rename the file`);
  return { ...spec, name };
}
