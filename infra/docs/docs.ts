import "./script";

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { platforms } from "../../constructs/platforms/registry";
import { DOCUMENTS } from "../documents/documents";
import { toSchemaFile } from "../documents/schema";
import { commandsPage } from "./commands";
import { type PlatformName, toFacts } from "./facts";
import { toDocumentTables } from "./output";
import { platformsTable } from "./platforms";
import { rulesPage } from "./rules";
import { environmentSchema } from "./schema";
import { settingsPage } from "./settings";

const ROOT = join(__dirname, "..", "..");
const BEGIN = "<!-- What follows is written by npm run docs. -->";
const END = "<!-- What precedes is written by npm run docs. -->";

/** The page of all rules. */
export const RULES_PAGE = join(ROOT, "docs", "reference", "rules.md");

/** A platform's page. */
export const pageOf = (name: string): string => join(ROOT, "docs", `${name}.md`);

/** The page of all settings. */
export const SETTINGS_PAGE = join(ROOT, "docs", "reference", "settings.md");

/** The page of all commands. */
export const COMMANDS_PAGE = join(ROOT, "docs", "reference", "commands.md");

/** The page of commands' output for programs. */
export const OUTPUT_PAGE = join(ROOT, "docs", "reference", "output.md");

const schemaFile = (name: string): string => join(ROOT, "docs", "reference", "schemas", `${name}.json`);

/** The schemas of that output, and of an environment's file: text by path. */
export const schemaFiles = (): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(DOCUMENTS.map((each) => [schemaFile(each.name), toSchemaFile(each)])),
  [schemaFile("environment")]: `${JSON.stringify(environmentSchema(), null, 2)}\n`,
});

/** README with the current table of platforms. */
export const withPlatforms = (page: string): string => between(page, `${platformsTable("docs")}\n`, "README.md");

/** The front page. */
export const README = join(ROOT, "README.md");

/** A platform's page with current facts; the text around them stays. */
export const withFacts = (name: PlatformName, page: string): string => between(page, toFacts(name), `docs/${name}.md`);

/** The page of documents with their current keys. */
export const withDocuments = (page: string): string => between(page, toDocumentTables(), "docs/reference/output.md");

function between(page: string, text: string, file: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${file} lacks the two lines between which facts are written`);
  return `${before}${BEGIN}\n\n${text}\n${END}${after}`;
}

/** A new page, whose comments ask for the rest. */
const newPage = (title: string): string =>
  [
    `# ${title}`,
    "",
    "<!-- Describe the platform in one sentence. -->",
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
    "<!-- Add at least four rows, each with the source of the correction. -->",
    "",
  ].join("\n");

if (require.main === module) {
  for (const name of Object.keys(platforms) as PlatformName[]) {
    const path = pageOf(name);
    writeFileSync(path, withFacts(name, existsSync(path) ? readFileSync(path, "utf8") : newPage(platforms[name].title)));
    process.stdout.write(`${relative(ROOT, path)}\n`);
  }
  const reference = {
    [README]: withPlatforms(readFileSync(README, "utf8")),
    [RULES_PAGE]: rulesPage(),
    [SETTINGS_PAGE]: settingsPage(),
    [COMMANDS_PAGE]: commandsPage(),
    [OUTPUT_PAGE]: withDocuments(readFileSync(OUTPUT_PAGE, "utf8")),
    ...schemaFiles(),
  };
  for (const [path, content] of Object.entries(reference)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    process.stdout.write(`${relative(ROOT, path)}\n`);
  }
}
