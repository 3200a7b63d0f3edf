import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../constructs/package/root";

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | null>>;
}

/** Returns the source file of each module that users can import, by the name that they write in the import. */
export function entryPoints(): Readonly<Record<string, string>> {
  const { name, exports } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as Manifest;
  const found = sources().flatMap((source) => {
    const built = `./dist/${source.replace(/\.ts$/, ".js")}`;
    const subpaths = Object.keys(exports).flatMap((key) => subpathOf(key, exports[key] ?? null, built) ?? []);
    return subpaths.filter((subpath) => isOpen(subpath, exports)).map((subpath) => [`${name}${subpath.slice(1)}`, source] as const);
  });
  return Object.fromEntries(found.sort(([one], [other]) => one.localeCompare(other, "en")));
}

const sources = (): readonly string[] => [
  "infra/spec.ts",
  ...readdirSync(join(PACKAGE_ROOT, "constructs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && existsSync(join(PACKAGE_ROOT, "constructs", file)))
    .map((file) => `constructs/${file}`),
];

/** Returns the subpath under which an entry of `exports` offers a built file, or null. Each star of its target stands for the same text. */
function subpathOf(key: string, target: string | null, built: string): string | null {
  if (target === null) return null;
  if (!key.includes("*")) return target === built ? key : null;
  const [before = "", ...rest] = target.split("*");
  const length = (built.length - target.length + rest.length) / rest.length;
  const star = built.slice(before.length, before.length + length);
  return Number.isInteger(length) && length > 0 && target.replaceAll("*", star) === built ? key.replace("*", star) : null;
}

/** Whether no more specific entry hides a subpath. */
function isOpen(subpath: string, exports: Manifest["exports"]): boolean {
  if (Object.hasOwn(exports, subpath)) return exports[subpath] !== null;
  const patterns = Object.keys(exports).filter((key) => key.endsWith("*") && subpath.startsWith(key.slice(0, -1)));
  const [longest = ""] = patterns.sort((one, other) => other.length - one.length);
  return exports[longest] !== null;
}
