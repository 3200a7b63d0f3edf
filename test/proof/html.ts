import "../../infra/docs/script";

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromUser } from "../../infra/command-line";
import { toHtml } from "../../infra/plan/html";
import { DARK, LIGHT } from "../../infra/plan/palette";
import { bundleCommands } from "../fixtures/commands";
import { CROWDED, HOSTILE, planOf } from "../fixtures/plans";
import { ProjectCopy } from "../gcp/engine/project";
import { Browser, findBrowser } from "./browser";
import { type Proof, report } from "./tools";

/** A telephone, the narrowest with the wide picture, and a large screen. */
const WIDTHS = [400, 1080, 1400] as const;
const SCHEMES = { light: LIGHT, dark: DARK } as const;
const temporary = mkdtempSync(join(tmpdir(), "platform-postgres-html-"));
const undo: (() => unknown)[] = [() => rmSync(temporary, { recursive: true, force: true })];
/** Where pictures are kept, for a person to look at. */
const PICTURES = process.argv.includes("--pictures") ? fromUser(process.argv[process.argv.indexOf("--pictures") + 1] ?? ".") : null;

/** A function that runs in the page. */
const FIND_PROBLEMS = readFileSync(join(__dirname, "page.js"), "utf8").replace(/;\s*$/, "");

interface Findings {
  readonly problems: readonly string[];
  /** How many texts are shown, and how high the page is. */
  readonly texts: number;
  readonly height: number;
}

/** What the command writes of the environments of the tests, and plans that have everything that a plan can have. */
function pages(): Readonly<Record<string, string>> {
  const project = new ProjectCopy();
  undo.push(() => project.remove());
  bundleCommands(project.directory);
  const written = ["development", "production"].flatMap((environment) =>
    ["aws", "gcp"].map((cloud) => {
      const { stdout, stderr, status } = project.run("plan", ["--environment", environment, "--cloud", cloud, "--format", "html"]);
      if (status !== 0) throw new Error(`npm run plan ended with ${status}: ${stderr}`);
      return [`${environment}-${cloud}`, stdout] as const;
    }),
  );
  const byHand = { crowded: CROWDED, hostile: HOSTILE, empty: planOf({ platforms: [], uses: [] }) };
  return { ...Object.fromEntries(written), ...Object.fromEntries(Object.entries(byHand).map(([name, plan]) => [name, toHtml(plan)])) };
}

async function prove(): Promise<readonly Proof[]> {
  const browser = new Browser(findBrowser());
  undo.push(() => browser.close());
  await browser.start();
  if (PICTURES !== null) mkdirSync(PICTURES, { recursive: true });
  const proofs: Proof[] = [];
  for (const [name, page] of Object.entries(pages())) proofs.push(await look(browser, name, page));
  return proofs;
}

/** Looks at a page in every width and scheme. */
async function look(browser: Browser, name: string, page: string): Promise<Proof> {
  const file = join(temporary, `${name}.html`);
  writeFileSync(file, page);
  const problems: string[] = [];
  const seen: string[] = [];
  for (const width of WIDTHS)
    for (const scheme of ["light", "dark"] as const) {
      const { loads, console } = await browser.open(file, width, scheme);
      // Before the page is looked at, which opens what is folded.
      if (PICTURES !== null) await browser.screenshot(join(PICTURES, `${name}-${width}-${scheme}.png`));
      const found = await browser.evaluate<Findings>(`(${FIND_PROBLEMS})(${JSON.stringify(SCHEMES[scheme])})`);
      const all = [...loads.map((url) => `loads ${url}`), ...console.map((line) => `console: ${line}`), ...found.problems];
      problems.push(...all.map((problem) => `${width} px, ${scheme}: ${problem}`));
      if (scheme === "light") seen.push(`${found.texts} texts at ${width} px`);
    }
  return {
    what: `${name}: readable, light and dark, and needs nothing from outside`,
    problem: problems.length === 0 ? null : problems.join("\n"),
    shown: `${Math.round(page.length / 1000)} kB, ${seen.join(", ")}`,
  };
}

void report(prove, async () => {
  for (const step of undo.reverse()) await step();
});
