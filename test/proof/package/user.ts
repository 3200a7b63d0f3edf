import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { begin } from "../progress";
import { MissingTool, type Proof, type Result } from "../tools";

/* What somebody does who has the packed package, and no copy of this repository. */

const REACHES_A_REGISTRY = /^npm_config_(registry|cache|userconfig|globalconfig|cafile|(https?_?|no_?)?proxy)$/i;
const OF_OTHERS = /^(npm_|INIT_CWD|NODE_PATH|AWS_|CDK_|PG|PULUMI_|GOOGLE_|CLOUDSDK_|KUBECONFIG|PLATFORM_POSTGRES_)/i;
// Neither what `npm run` adds, nor what points at somebody's account.
for (const name of Object.keys(process.env)) if (OF_OTHERS.test(name) && !REACHES_A_REGISTRY.test(name)) delete process.env[name];
const PATH = (process.env.PATH ?? "").split(delimiter).filter((each) => !/node_modules[\\/]\.bin|node-gyp-bin/.test(each));
Object.assign(process.env, { PATH: PATH.join(delimiter), NO_COLOR: "1", npm_config_update_notifier: "false" });

export const ROOT = resolve(__dirname, "..", "..", "..");
export const { name, version, peerDependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** Everything is in it, and goes with it. The account of a local server gets there. */
export const temporary = realpathSync(mkdtempSync(join(tmpdir(), `${name}-package-`)));
chmodSync(temporary, 0o755);

/** The packed package. */
export const PACKED = join(temporary, `${name}-${version}.tgz`);

/** What cannot be blamed on the package. */
const OUT_OF_REACH = /E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH)|ERR_SOCKET_TIMEOUT|E40[13]|E5\d\d/;

/** Runs a program to its end. @throws MissingTool where somebody has interrupted it, or it is not there. */
export function complete(
  program: string,
  args: readonly string[],
  cwd = temporary,
  env = process.env,
): Result & { readonly stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 2 ** 20,
  });
  if (error !== undefined) throw new MissingTool(`${program} could not be run (${error.message}); install it, or put it on PATH`);
  if (status === null) throw new MissingTool(`${program} was interrupted`);
  return { code: status, stdout, output: `${stdout}${stderr}` };
}

/** What a program prints that has to succeed, on both streams. @throws Error with it where the program fails. */
export function must(cwd: string, program: string, ...args: readonly string[]): string {
  const { code, output } = complete(program, args, cwd);
  if (code === 0) return output;
  const failed = `${program} ${args.slice(0, 3).join(" ")} ... ended with ${code}:\n${output.slice(-3000)}`;
  if (program === "npm" && OUT_OF_REACH.test(output)) throw new MissingTool(`npm reaches no registry\n${failed}`);
  throw new Error(failed);
}

/** The problem of a program that has to succeed, or null. */
export function problemOf(program: string, ...args: readonly string[]): string | null {
  const { code, output } = complete(program, args);
  // A minified line would hide the message below it.
  const lines = output.split("\n").map((line) => line.slice(0, 300));
  return code === 0 ? null : lines.join("\n").slice(0, 3000);
}

const TSC = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
export const typeCheck = (project: string): string | null => problemOf(process.execPath, TSC, "--project", project);

export function write(path: string, content: string | object): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** The package as a person installs it, with whatever else. */
export function install(directory: string, ...packages: readonly string[]): void {
  write(join(directory, "package.json"), { private: true });
  must(directory, "npm", "install", PACKED, ...packages);
}

/** Makes a project by the command of the package that is packed, as nothing is published. */
export const init = (directory: string, ...options: readonly string[]): string =>
  must(
    dirname(directory),
    "npm",
    "exec",
    "--yes",
    `--package=${PACKED}`,
    "--",
    name,
    "init",
    basename(directory),
    `--package=${PACKED}`,
    ...options,
  );

/** Removes what `npm exec` keeps of a package that is gone. */
export function forgetExecuted(): void {
  const kept = join(complete("npm", ["config", "get", "cache"]).stdout.trim(), "_npx");
  for (const folder of existsSync(kept) ? readdirSync(kept) : []) {
    const manifest = join(kept, folder, "package.json");
    const isOurs = existsSync(manifest) && readFileSync(manifest, "utf8").includes(basename(temporary));
    if (isOurs) rmSync(join(kept, folder), { recursive: true, force: true });
  }
}

/** Something that a user does, and the seconds that it takes. @param see what was seen; throws where it is wrong. */
export async function timed(what: string, see: () => string | Promise<string>): Promise<Proof> {
  const finish = begin(what);
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    const shown = await see();
    return { what, problem: null, shown: `${seconds()}: ${shown}` };
  } catch (error) {
    if (error instanceof MissingTool) throw error;
    return { what, problem: error instanceof Error ? error.message : String(error), shown: seconds() };
  } finally {
    finish();
  }
}
