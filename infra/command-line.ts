import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { IS_CHECKOUT } from "../constructs/package/root";
import { PACKAGE, project } from "./project";

/** The environment on this machine if the user names none. */
export const LOCAL_ENVIRONMENT = "local";

/** The scripts of package.json that printed commands run. */
type Script = "start" | "provision" | "doctor" | "rotate" | "sql" | "status" | "plan" | "render";

/** The subject of a command. Printed commands contain all of it. */
export interface About {
  readonly environment: string;
  /** Null on this machine. */
  readonly cloud?: string | null;
  /** Outputs of the deployment, as the user types the path. */
  readonly outputs?: string | undefined;
  readonly via?: readonly string[] | undefined;
}

/** Where the user types a printed command. */
export interface Place {
  /** Absolute path. */
  readonly directory: string;
  /** Process variables that the command needs there. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The root of the project, for stored files such as the outputs of a deployment. */
export const inProject = (): Place => ({ directory: project().root, variables: {} });

/** The directory of `.local/` and `out/`. A relative path starts where the user types commands. */
const DIRECTORY = "PLATFORM_POSTGRES_DIRECTORY";
export const root = (): string => realPath(resolve(standing(), process.env[DIRECTORY] || project().root));

/** Resolves links, so that a directory has one name. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/** Whether npm started this process, and not its tests or a script that starts this one. */
export const isNpmScript = (): boolean =>
  process.env.npm_lifecycle_event === basename(process.argv[1] ?? "").replace(/\.[jt]s$/, "") &&
  realPath(process.cwd()) === realPath(project().root);

/** The directory in which the user types commands, which npm leaves before it runs a script. */
export const standing = (): string => realPath((isNpmScript() && process.env.INIT_CWD) || process.cwd());

/** Resolves a path that the user types. */
export const fromUser = (path: string): string => resolve(standing(), path);

/** Returns a path as a user types it: relative if it is below the directory where commands are typed. */
export function typed(path: string): string {
  const below = relative(standing(), path);
  return below.startsWith("..") || isAbsolute(below) ? path : below || ".";
}

const here = (): Place => ({ directory: standing(), variables: process.env[DIRECTORY] ? { [DIRECTORY]: root() } : {} });

/** Quotes a word for a shell. */
export const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Returns a command of this project, ready to paste. Every printed command comes from here, so that none lacks an option. */
export function npmCommand(script: Script, about: About, words: readonly string[] = [], place = here()): string {
  const { environment, cloud = null, outputs, via = [] } = about;
  const options = [
    ...(environment === LOCAL_ENVIRONMENT && cloud === null ? [] : ["--environment", environment]),
    ...(cloud === null ? [] : ["--cloud", cloud]),
    ...(outputs === undefined ? [] : ["--outputs", outputs]),
    ...words,
    ...via.flatMap((each) => ["--via", each]),
  ];
  return npmLine(script, options, place);
}

/** Returns a command line: in the checkout a script of `package.json`, in a project the package's command. */
export function npmLine(script: string, options: readonly string[], { directory, variables } = here()): string {
  const elsewhere = npmRoot(directory) === realPath(project().root) ? [] : ["--prefix", project().root];
  if (!IS_CHECKOUT) return toLine(["npx", ...elsewhere, PACKAGE, script, ...options], variables);
  const run = script === "start" ? ["start"] : ["run", script];
  return toLine(["npm", ...elsewhere, ...run, ...(options.length === 0 ? [] : ["--", ...options])], variables);
}

/** The name of a command in its help. */
export const commandName = (name: string): string =>
  IS_CHECKOUT ? `npm run ${name} --`.replace("npm run start", "npm start") : `npx ${PACKAGE} ${name}`;

/** The package that npm finds from a directory. */
function npmRoot(directory: string): string {
  const isRoot = ["package.json", "node_modules"].some((name) => existsSync(join(directory, name)));
  return isRoot || dirname(directory) === directory ? directory : npmRoot(dirname(directory));
}

const toLine = (words: readonly string[], variables: Place["variables"] = {}): string =>
  [...Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`), ...words.map(quote)].join(" ");

/** Returns the CDK's command that deploys an environment and writes its outputs. The CDK only works in the root of a project. */
export function cdkDeploy(environment: string, outputs: string): string {
  const isThere = standing() === realPath(project().root);
  const file = isThere ? outputs : fromUser(outputs);
  const line = toLine(["npx", "cdk", "deploy", "--all", "-c", `environment=${environment}`, "--outputs-file", file]);
  return isThere ? line : `(cd ${quote(project().root)} && ${line})`;
}

/** Returns a command of Pulumi, which finds its project from any directory within. */
export function pulumiCommand(words: readonly string[], environment: string, file: string | null = null): string {
  const isWithin = !relative(realPath(project().root), standing()).startsWith("..");
  const line = toLine(["pulumi", ...(isWithin ? [] : ["--cwd", project().root]), ...words, "--stack", environment]);
  return file === null ? line : `${line} > ${quote(file)}`;
}

/** Returns an unused file name where the user types commands, because a printed command must not overwrite files. */
export function freeName(name: string): string {
  const [, stem = name, ending = ""] = /^(.*)(\.[^.]+)$/.exec(name) ?? [];
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? name : `${stem}-${number}${ending}`;
    if (!existsSync(fromUser(free))) return free;
  }
}
