import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { platforms } from "../../constructs/platforms/registry";
import { type PlatformName, toFacts } from "./facts";
import { rulesPage } from "./rules";

const ROOT = join(__dirname, "..", "..");
const BEGIN = "<!-- What follows is written by npm run docs. -->";
const END = "<!-- What precedes is written by npm run docs. -->";

/** The page of all rules. */
export const RULES_PAGE = join(ROOT, "docs", "reference", "rules.md");

/** A platform's page. */
export const pageOf = (name: string): string => join(ROOT, "docs", `${name}.md`);

/** A page with the facts of today; what people wrote around them stays. */
export function withFacts(name: PlatformName, page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/${name}.md lacks the two lines between which facts are written`);
  return `${before}${BEGIN}\n\n${toFacts(name)}\n${END}${after}`;
}

/** A page to begin with: its comments ask for the rest. */
const newPage = (title: string): string =>
  [
    `# ${title}`,
    "",
    "<!-- Say what it is, in a sentence. -->",
    "",
    "## Why it is set like that",
    "",
    "<!-- List each setting that surprises, with its reason. -->",
    "",
    BEGIN,
    END,
    "",
    "## What its own documentation gets wrong",
    "",
    "| it says | instead |",
    "|---|---|",
    "<!-- Add at least four rows, each with the source of what is right. -->",
    "",
  ].join("\n");

if (require.main === module) {
  for (const name of Object.keys(platforms) as PlatformName[]) {
    const path = pageOf(name);
    writeFileSync(path, withFacts(name, existsSync(path) ? readFileSync(path, "utf8") : newPage(platforms[name].title)));
    process.stdout.write(`${relative(ROOT, path)}\n`);
  }
  mkdirSync(dirname(RULES_PAGE), { recursive: true });
  writeFileSync(RULES_PAGE, rulesPage());
  process.stdout.write(`${relative(ROOT, RULES_PAGE)}\n`);
}
