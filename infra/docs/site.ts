import "./script";

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import pc from "picocolors";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { platforms } from "../../constructs/platforms/registry";
import { createProgress } from "../progress";
import { entryPoints } from "./entry-points";
import { deadHeadings, sidebar, sitePages } from "./site-pages";

const SITE = join(PACKAGE_ROOT, "site");
/** VitePress's input: a copy of the pages, with links as the site needs them. */
const PAGES = join(SITE, "pages");
const BUILT = join(SITE, "dist");

class SiteError extends Error {}

const progress = createProgress("", process.stderr, true);

function must(what: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  progress.doing(what);
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: SITE, encoding: "utf8", env: { ...process.env, ...env } });
  if (error !== undefined) throw new SiteError(`${program} could not be run: ${error.message}`);
  if (status !== 0) throw new SiteError(`${what} failed:\n${`${stdout}${stderr}`.trim()}`);
  progress.done(what);
}

/** Installs the packages of the site's lock file, unless they are there. */
function install(): void {
  const lock = readFileSync(join(SITE, "package-lock.json"), "utf8");
  const installed = join(SITE, "node_modules", ".installed-lock.json");
  if (existsSync(installed) && readFileSync(installed, "utf8") === lock) return;
  must("installing the packages of the site", "npm", ["ci"]);
  writeFileSync(installed, lock);
}

/** Writes a page for each module that users can import. */
function writeApi(): void {
  const modules = Object.entries(entryPoints());
  const prefix = modules[0]?.[0].split("/")[0] ?? "";
  const names = Object.fromEntries(modules.map(([name, source]) => [source, name.slice(prefix.length + 1)]));
  const list = join(PAGES, "modules.json");
  writeFileSync(list, JSON.stringify({ root: PACKAGE_ROOT, names }));
  const files = modules.flatMap(([, source]) => ["--entryPoints", join("..", source)]);
  const typedoc = join("node_modules", "typedoc", "bin", "typedoc");
  must(`documenting ${modules.length} modules`, process.execPath, [typedoc, "--options", "typedoc.json", ...files], {
    PLATFORM_POSTGRES_MODULES: list,
  });
}

function writePages(): void {
  rmSync(PAGES, { recursive: true, force: true });
  mkdirSync(PAGES, { recursive: true });
  const { pages, assets, dead } = sitePages();
  if (dead.length > 0) throw new SiteError(`${dead.length} links lead to no file:\n${dead.join("\n")}`);
  for (const [path, text] of Object.entries(pages)) {
    mkdirSync(dirname(join(PAGES, path)), { recursive: true });
    writeFileSync(join(PAGES, path), text);
  }
  for (const [path, source] of Object.entries(assets)) {
    mkdirSync(dirname(join(PAGES, path)), { recursive: true });
    cpSync(join(PACKAGE_ROOT, source), join(PAGES, path));
  }
  writeApi();
  const api = filesBelow(join(PAGES, "api")).map((path) => [`api/${path}`, ""] as const);
  writeFileSync(join(PAGES, "sidebar.json"), JSON.stringify(sidebar({ ...pages, ...Object.fromEntries(api) }, Object.keys(platforms))));
}

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(folder, posix.join(entry.parentPath, entry.name)));

try {
  install();
  writePages();
  rmSync(BUILT, { recursive: true, force: true });
  must("building the site", process.execPath, [join("node_modules", "vitepress", "bin", "vitepress.js"), "build"]);
  const built = filesBelow(BUILT).filter((path) => path.endsWith(".html") && path !== "404.html");
  const dead = deadHeadings(Object.fromEntries(built.map((path) => [path, readFileSync(join(BUILT, path), "utf8")])));
  if (dead.length > 0) throw new SiteError(`${dead.length} links lead to no heading:\n${dead.join("\n")}`);
  process.stdout.write(`${pc.green("✔")} ${built.length} pages in site/dist\n`);
} catch (error) {
  progress.stop();
  if (!(error instanceof SiteError)) throw error;
  process.stderr.write(`${pc.red("✖")} ${error.message}\n`);
  process.exitCode = 1;
}
