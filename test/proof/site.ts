import "../../infra/docs/script";

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { fromUser } from "../../infra/command-line";
import { Browser, findBrowser } from "./browser";
import { begin } from "./progress";
import { type Proof, report } from "./tools";

const BUILT = join(PACKAGE_ROOT, "site", "dist");
const WIDTHS = [400, 1400] as const;
const SCHEMES = ["light", "dark"] as const;
/** What a reader looks for, and must find. */
const QUERIES = ["rotate", "sslmode"];
/** Where pictures are kept, for a person to look at. */
const PICTURES = process.argv.includes("--pictures") ? fromUser(process.argv[process.argv.indexOf("--pictures") + 1] ?? ".") : null;
/** Pages to look at: all, or those whose path contains a text. */
const ONLY = process.argv.includes("--only") ? (process.argv[process.argv.indexOf("--only") + 1] ?? "") : "";
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};
/** What the pages of a folder are called in the table. */
const GROUPS: Readonly<Record<string, string>> = { api: "the API", files: "files that pages link to" };

/** A function that runs in the page. */
const FIND_PROBLEMS = readFileSync(join(__dirname, "site-page.js"), "utf8").replace(/;\s*$/, "");
const undo: (() => unknown)[] = [];

interface Findings {
  readonly problems: readonly string[];
  readonly texts: number;
  readonly diagrams: number;
}

/** Serves the finished site on this machine. */
async function serve(): Promise<string> {
  const server: Server = createServer(({ url = "/" }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, "http://localhost").pathname));
    const file = join(BUILT, path.endsWith("/") ? `${path}index.html` : path);
    try {
      const content = readFileSync(file);
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function prove(): Promise<readonly Proof[]> {
  const browser = new Browser(findBrowser());
  undo.push(() => browser.close());
  await browser.start();
  const built = spawnSync("npm", ["run", "--silent", "site"], { cwd: PACKAGE_ROOT, encoding: "utf8" });
  if (built.status !== 0) return [{ what: "the site is built", problem: `${built.stdout}${built.stderr}`, shown: "" }];
  const origin = await serve();
  if (PICTURES !== null) mkdirSync(PICTURES, { recursive: true });
  const pages = readdirSync(BUILT, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".html") && file.includes(ONLY))
    .sort();
  const groups = new Map<string, string[]>();
  for (const page of pages) {
    const folder = page.includes("/") ? (page.split("/")[0] ?? "") : "at the root";
    groups.set(folder, [...(groups.get(folder) ?? []), page]);
  }
  const proofs: Proof[] = [];
  for (const [folder, members] of groups) proofs.push(await lookAtAll(browser, origin, folder, members));
  for (const [at, width] of WIDTHS.entries())
    for (const query of QUERIES) proofs.push(await search(browser, origin, query, width, SCHEMES[at] ?? "light"));
  return proofs;
}

/** Looks at the pages of a folder, in every width and scheme. */
async function lookAtAll(browser: Browser, origin: string, folder: string, pages: readonly string[]): Promise<Proof> {
  const problems: string[] = [];
  let [texts, diagrams] = [0, 0];
  for (const page of pages) {
    const finish = begin(`looking at ${page}`);
    for (const width of WIDTHS)
      for (const scheme of SCHEMES) {
        const { loads, console } = await browser.open(`${origin}/${page}`, width, scheme);
        const found = await browser.evaluate<Findings>(`(${FIND_PROBLEMS})("${scheme}")`);
        if (PICTURES !== null) {
          const picture = `${page.replace(/\.html$/, "").replaceAll("/", "-")}-${width}-${scheme}.png`;
          await browser.screenshot(join(PICTURES, picture));
        }
        const outside = loads.filter((url) => !url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url));
        const all = [...outside.map((url) => `loads ${url}`), ...console.map((line) => `console: ${line}`), ...found.problems];
        problems.push(...all.map((problem) => `${page}, ${width} px, ${scheme}: ${problem}`));
        texts += found.texts;
        if (width === WIDTHS[0] && scheme === "light") diagrams += found.diagrams;
      }
    finish();
  }
  return {
    what: `${GROUPS[folder] ?? folder}: readable, light and dark, and needs nothing from outside`,
    problem: problems.length === 0 ? null : problems.join("\n"),
    shown: `${pages.length} pages, ${texts} lines of text, ${diagrams} diagrams`,
  };
}

/** Types a query into the search, and reads the results. */
async function search(browser: Browser, origin: string, query: string, width: number, scheme: (typeof SCHEMES)[number]): Promise<Proof> {
  await browser.open(`${origin}/`, width, scheme);
  const results = await browser.evaluate<readonly string[]>(`(${TYPE_QUERY})(${JSON.stringify(query)})`);
  const { problems } = await browser.evaluate<Findings>(`(${FIND_PROBLEMS})("${scheme}")`);
  if (PICTURES !== null) await browser.screenshot(join(PICTURES, `search-${query}-${width}-${scheme}.png`), 900);
  return {
    what: `the search finds ${query} at ${width} px, ${scheme}, and can be read`,
    problem: results.length === 0 ? "it finds nothing" : problems.length === 0 ? null : problems.join("\n"),
    shown: `${results.length} results, first: ${results[0] ?? "none"}`,
  };
}

/** Runs in the page. */
const TYPE_QUERY = `async (query) => {
  const until = async (find) => {
    for (let tries = 0; tries < 200; tries += 1) {
      const found = find();
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return null;
  };
  (await until(() => document.querySelector("#local-search button")))?.click();
  const field = await until(() => document.querySelector(".VPLocalSearchBox input"));
  if (field === null) return [];
  field.value = query;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await until(() => document.querySelector(".VPLocalSearchBox .results .result"));
  return [...document.querySelectorAll(".VPLocalSearchBox .results .result")].map((each) => each.textContent.replace(/^#/, "").trim().replace(/\\s+/g, " "));
}`;

void report(prove, async () => {
  for (const step of undo.reverse()) await step();
});
