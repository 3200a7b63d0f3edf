import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PACKAGE_ROOT } from "./root";

/** A third-party package that this one contains or needs. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** Its directory. */
  readonly directory: string;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const readManifest = (directory: string): Manifest => JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;

/** Returns the packages that files belong to, each once, by name. @param files below `node_modules`; others are this package's own. */
export function partsOf(files: readonly string[]): readonly Part[] {
  const directories = files.flatMap((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return toParts(directories.map((directory) => join(PACKAGE_ROOT, directory)));
}

/** Returns what npm installs with this package: its dependencies, and theirs. */
export function dependencies(): readonly Part[] {
  const found = new Set<string>();
  const walk = (directory: string): void => {
    for (const name of Object.keys(readManifest(directory).dependencies ?? {})) {
      const its = findPackage(name, directory);
      if (found.has(its)) continue;
      found.add(its);
      walk(its);
    }
  };
  walk(PACKAGE_ROOT);
  return toParts([...found]);
}

/** Returns where Node finds a package from a directory. */
function findPackage(name: string, from: string): string {
  const directory = join(from, "node_modules", name);
  if (existsSync(join(directory, "package.json"))) return directory;
  if (dirname(from) === from) throw new Error(`${name} is not installed; run npm ci`);
  return findPackage(name, dirname(from));
}

function toParts(directories: readonly string[]): readonly Part[] {
  const parts = [...new Set(directories)].map((directory) => {
    const { name = "", version = "", license = "" } = readManifest(directory);
    return { name, version, license, directory };
  });
  return parts.sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

/** Returns the licences of packages for redistribution; packages with the same text share it. @throws Error if one has no licence. */
export function toLicences(parts: readonly Part[]): string {
  const byText = new Map<string, readonly Part[]>();
  for (const part of parts) byText.set(licenceText(part), [...(byText.get(licenceText(part)) ?? []), part]);
  const texts = [...byText].map(([text, its]) => {
    const names = its.map(({ name, version, license }) => `${name} ${version}: ${license}\n`);
    return `${names.join("")}\n${text}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

function licenceText({ name, license, directory }: Part): string {
  const file = readdirSync(directory).find((each) => /^(licen[cs]e|copying)/i.test(each));
  if (file === undefined && license === "") throw new Error(`${name} has no licence`);
  return file === undefined ? "Their packages contain no licence text." : readFileSync(join(directory, file), "utf8").trim();
}

/**
 * Returns a bill of materials for vulnerability scanners, in CycloneDX 1.6. The same parts give the same text.
 *
 * @param bundled parts in the package; the others are installed next to it.
 * @see https://cyclonedx.org/docs/1.6/json/
 */
export function toBillOfMaterials(bundled: readonly Part[], needed: readonly Part[]): string {
  const { name, version, license } = readManifest(PACKAGE_ROOT);
  const component = (part: Pick<Part, "name" | "version" | "license">, isBundled: boolean) => {
    const [last = "", scope] = part.name.split("/").reverse();
    const purl = `pkg:npm/${scope === undefined ? "" : `${encodeURIComponent(scope)}/`}${last}@${part.version}`;
    return {
      type: "library",
      // A package may be both in a bundle and next to it.
      "bom-ref": isBundled ? `${purl}#bundled` : purl,
      ...(scope === undefined ? {} : { group: scope }),
      name: last,
      version: part.version,
      licenses: [{ expression: part.license }],
      purl,
      ...(isBundled ? { properties: [{ name: "platform-postgres:in", value: "dist/bundles" }] } : {}),
    };
  };
  const own = component({ name: name ?? "", version: version ?? "", license: license ?? "" }, false);
  return `${JSON.stringify(
    {
      $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      version: 1,
      metadata: { component: own },
      components: [...bundled.map((each) => component(each, true)), ...needed.map((each) => component(each, false))],
    },
    null,
    2,
  )}\n`;
}
