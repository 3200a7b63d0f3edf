import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(__dirname, "..");

/** Which folders of `constructs` each folder may import, besides itself. `infra` and `test` may import all of them. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  kubernetes: ["model"],
  platforms: ["model", "kubernetes"],
  provisioning: ["model"],
  package: [],
  aws: ["model", "platforms", "provisioning", "kubernetes", "package"],
  gcp: ["model", "platforms", "provisioning", "kubernetes", "package"],
  local: ["model", "platforms", "provisioning", "kubernetes", "package"],
};

/** Folders that are pure: no npm package, nothing of Node. */
const IMPORTS_NO_PACKAGE = ["model", "platforms", "kubernetes"];
/** Packages that the published package does not need: bundles contain the first two, and esbuild makes the bundles. */
const IN_BUNDLES = ["@aws-sdk/client-secrets-manager", "google-auth-library", "esbuild"];
const CLOUD_PACKAGES = /^(aws-cdk-lib|constructs$|cdk-nag|@aws-|@pulumi|@google-cloud)/;

interface Import {
  readonly from: string;
  readonly to: string;
}

function sourceFiles(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** What a file imports: our own files by their path, packages by their name. */
function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const statements = text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";|^import "([^"]+)";/gm);
  const calls = text.matchAll(/\b(?:import|require|require\.resolve)\("([^"]+)"\)/g);
  const specifiers = [...statements, ...calls].map((match) => match[1] ?? match[2] ?? "");
  return specifiers.map((to) => ({ from: file, to: to.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), to)) : to }));
}

interface Manifest {
  readonly type?: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const readManifest = (folder: string) => JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Manifest;

/** Names of the npm packages among imports. */
function packagesOf(imports: readonly Import[]): readonly string[] {
  const names = imports.map(({ to }) => to).filter((to) => !/^(constructs\/|infra\/|node:)/.test(to) && !builtinModules.includes(to));
  return [...new Set(names.map((to) => to.split("/", to.startsWith("@") ? 2 : 1).join("/")))];
}

const manifest = readManifest(".");
const constructs = sourceFiles("constructs").flatMap(importsOf);
/** What a person runs. The environments in it are the user's. */
const INFRA = sourceFiles("infra").filter((file) => !file.startsWith("infra/environments/"));
const infra = INFRA.flatMap(importsOf);
const folderOf = (path: string): string => path.split("/")[1] ?? "";
const shown = ({ from, to }: Import): string => `${from} imports ${to}`;

describe("architecture", () => {
  it("finds the imports it is about", () => {
    expect(constructs.map(shown)).toContain("constructs/platforms/registry.ts imports constructs/platforms/prefect/prefect");
    expect(constructs.map(shown)).toContain("constructs/provisioning/connect.ts imports pg");
    expect(infra.length).toBeGreaterThan(20);
  });

  it("knows every folder of constructs", () => {
    expect(Object.keys(MAY_IMPORT)).toEqual(expect.arrayContaining([...new Set(sourceFiles("constructs").map(folderOf))]));
  });

  it("lets folders of constructs import only what stands below them", () => {
    const wrong = constructs.filter(
      ({ from, to }) =>
        to.startsWith("constructs/") && folderOf(from) !== folderOf(to) && !MAY_IMPORT[folderOf(from)]?.includes(folderOf(to)),
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  it("lets no construct import infra or test", () => {
    expect(constructs.filter(({ to }) => /^(infra|test)\//.test(to)).map(shown)).toEqual([]);
  });

  it("keeps model, platforms and kubernetes free of packages and of Node", () => {
    const wrong = constructs.filter(({ from, to }) => IMPORTS_NO_PACKAGE.includes(folderOf(from)) && !to.startsWith("constructs/"));
    expect(wrong.map(shown)).toEqual([]);
  });

  it("lets only aws and gcp import a cloud's packages, each its own", () => {
    const clouds = [...constructs, ...infra].filter(({ to }) => CLOUD_PACKAGES.test(to));
    const wrong = clouds.filter(({ from, to }) =>
      /^(@pulumi|@google-cloud)/.test(to) ? folderOf(from) !== "gcp" : folderOf(from) !== "aws",
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  it("keeps commands in one room, one file each, which npm runs, and which only the package's own command imports", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const run = Object.entries(scripts).flatMap(([name, line]) => {
      const [, file] = /(infra\/commands\/\S+)/.exec(line) ?? [];
      return file === undefined ? [] : [[name, file]];
    });
    const commands = sourceFiles("infra/commands");
    expect(run.map(([, file]) => file).sort()).toEqual([...commands].sort());
    expect(run.filter(([name, file]) => file !== `infra/commands/${name}.ts`)).toEqual([]);
    const importing = infra.filter(({ to }) => to.startsWith("infra/commands/"));
    expect(importing.filter(({ from }) => from !== "infra/bin.ts").map(shown)).toEqual([]);
    // A maintainer's works on the sources.
    expect([...new Set(importing.map(({ to }) => `${to}.ts`)), "infra/commands/prices.ts"].sort()).toEqual([...commands].sort());
  });

  it("has no import cycle, types and late imports included", () => {
    const graph = new Map<string, string[]>();
    for (const { from, to } of [...constructs, ...infra]) graph.set(from, [...(graph.get(from) ?? []), `${to}.ts`]);
    const cycles: string[] = [];
    const walk = (file: string, above: readonly string[]): void => {
      if (above.includes(file)) cycles.push([...above.slice(above.indexOf(file)), file].join(" -> "));
      else if (!done.has(file)) for (const next of graph.get(file) ?? []) walk(next, [...above, file]);
      done.add(file);
    };
    const done = new Set<string>();
    for (const file of graph.keys()) walk(file, []);
    expect(cycles).toEqual([]);
  });

  it("lets commands reach a cloud without the CDK and Pulumi, which only plans and snapshots load", () => {
    const loadedBy = (file: string, seen: Set<string>): Set<string> => {
      const statements = readFileSync(join(ROOT, file), "utf8").matchAll(/^import (?!type )[^;]*?"([^"]+)";/gm);
      for (const [, to = ""] of statements) {
        const path = to.startsWith(".") ? `${relative(ROOT, resolve(ROOT, dirname(file), to))}.ts` : to;
        if (seen.has(path)) continue;
        seen.add(path);
        if (to.startsWith(".") && !to.endsWith(".json")) loadedBy(path, seen);
      }
      return seen;
    };
    const loaded = ["aws", "gcp"].flatMap((cloud) => [...loadedBy(`infra/${cloud}/cloud.ts`, new Set())]);
    expect(loaded).toContain("constructs/gcp/secret-manager-store.ts");
    expect(loaded.filter((name) => /^(aws-cdk-lib|constructs$|@pulumi|@aws-cdk)/.test(name))).toEqual([]);
  });

  it("has no barrel file: no file only passes on what others export", () => {
    const barrels = [...sourceFiles("constructs"), ...INFRA].filter((file) => /\bindex\.ts$/.test(file) && !file.startsWith("infra/gcp/"));
    const passing = [...sourceFiles("constructs"), ...INFRA].filter((file) =>
      /^export (\*|\{[^}]*\}) from/m.test(readFileSync(join(ROOT, file), "utf8")),
    );
    expect([...barrels, ...passing]).toEqual([]);
  });

  it("leaves the environments of this checkout to its user: only the loader reads one, and tests have their own", () => {
    const tests = ["test", "examples"].flatMap(sourceFiles).flatMap(importsOf);
    expect([...constructs, ...infra, ...tests].filter(({ to }) => /^infra\/environments(\/|$)/.test(to)).map(shown)).toEqual([]);
  });

  it("keeps our environments data only: nothing but types is imported", () => {
    const ours = ["examples/environments", "test/fixtures/environments"].flatMap(sourceFiles);
    expect(ours.length).toBeGreaterThan(5);
    expect(ours.filter((file) => /^import (?!type )/m.test(readFileSync(join(ROOT, file), "utf8")))).toEqual([]);
  });

  it("sets no baseUrl, and a path for this package alone, for its examples: others would let the folder constructs shadow the npm package", () => {
    const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, "tsconfig.json"), "utf8")) as { compilerOptions: { paths: object } };
    expect(compilerOptions).not.toHaveProperty("baseUrl");
    expect(compilerOptions.paths).toEqual({ "platform-postgres/spec": ["./infra/spec.ts"], "platform-postgres/*": ["./constructs/*"] });
  });

  it("gives who installs the package what it imports: as a dependency, or as an optional peer", () => {
    const published = [...constructs, ...infra];
    const installed = { ...manifest.dependencies, ...manifest.peerDependencies };
    const missing = packagesOf(published).filter((name) => installed[name] === undefined && !IN_BUNDLES.includes(name));
    expect(missing).toEqual([]);
    expect(Object.keys(manifest.peerDependencies).filter((name) => !manifest.peerDependenciesMeta[name]?.optional)).toEqual([]);
    expect(Object.keys(manifest.dependencies).filter((name) => !packagesOf(published).includes(name.replace("@types/", "")))).toEqual([]);
  });

  it("gives a checkout every package that it imports", () => {
    // One package with kubectl is enough.
    const installed: Manifest["dependencies"] = {
      ...manifest.dependencies,
      ...manifest.devDependencies,
      "@aws-cdk/lambda-layer-kubectl-v36": "",
    };
    expect(packagesOf([...constructs, ...infra]).filter((name) => installed[name] === undefined)).toEqual([]);
    expect(Object.keys(manifest.peerDependencies).filter((name) => installed[name] === undefined)).toEqual([]);
  });

  it("has exact versions of all but peers, whose oldest version is the one that is tried", () => {
    const { dependencies, devDependencies, peerDependencies, type } = manifest;
    const versions = { ...dependencies, ...devDependencies, ...readManifest("constructs/local").optionalDependencies };
    expect(Object.entries(versions).filter(([, version]) => !/^(npm:.+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
    expect(Object.entries(peerDependencies).filter(([, range]) => !/^\^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
    expect(type).toBeUndefined();
  });

  it("has a lock file without registry addresses", () => {
    expect(readFileSync(join(ROOT, "package-lock.json"), "utf8")).not.toMatch(/"resolved": *"https?:/);
  });
});
