import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { register } from "tsx/cjs/api";
import { afterAll, describe, expect, it } from "vitest";
import { platforms } from "../constructs/platforms/registry";
import { readDataFile } from "../infra/data-files";
import { COMMANDS_PAGE, OUTPUT_PAGE, pageOf, RULES_PAGE, SETTINGS_PAGE, schemaFiles, withDocuments, withFacts } from "../infra/docs/docs";
import type { PlatformName } from "../infra/docs/facts";
import { rulesPage } from "../infra/docs/rules";
import { settingsPage } from "../infra/docs/settings";
import { refusal } from "./fixtures/specs";

// The page of commands loads them, as they are loaded when they run.
afterAll(register());

const ROOT = join(__dirname, "..");
const names = Object.keys(platforms) as PlatformName[];

describe("docs", () => {
  it("are pages of platforms, and of what they have in common", () => {
    const known = [...names, "glossary", "troubleshooting"].map((name) => `${name}.md`);
    const pages = readdirSync(join(__dirname, "..", "docs")).filter((page) => page.endsWith(".md"));
    expect(pages.filter((page) => !known.includes(page))).toEqual([]);
  });

  // A registered platform may have no page while it is being tried.
  it.for(names)(
    "of %s say what the code says (npm run docs writes it), why, and what its own documentation gets wrong",
    (name, { skip }) => {
      skip(!existsSync(pageOf(name)), "no page yet; npm run docs starts one");
      const page = readFileSync(pageOf(name), "utf8");
      expect(page).toBe(withFacts(name, page));
      for (const heading of ["What it needs", "What is set", "How to migrate by hand", "How to check", "How it pools"])
        expect(page).toMatch(new RegExp(`^##+ ${heading}$`, "m"));
      expect(page).toContain("\n## Why it is set like that\n");
      const wrong = page.split("\n## What its own documentation gets wrong\n")[1] ?? "";
      expect(wrong.split("\n").filter((line) => line.startsWith("| ")).length).toBeGreaterThan(4);
    },
  );

  it("list every setting and every command, as the code has them (npm run docs writes it)", () => {
    expect(readFileSync(SETTINGS_PAGE, "utf8")).toBe(settingsPage());
    expect(readFileSync(COMMANDS_PAGE, "utf8")).toBe(
      (require("../infra/docs/commands.ts") as typeof import("../infra/docs/commands")).commandsPage(),
    );
  });

  it("list every rule, as the rules are (npm run docs writes it)", () => {
    expect(readFileSync(RULES_PAGE, "utf8")).toBe(rulesPage());
  });

  it("list the keys of every document that commands print, and have its schema and that of an environment (npm run docs writes all)", () => {
    const page = readFileSync(OUTPUT_PAGE, "utf8");
    expect(page).toBe(withDocuments(page));
    const files = schemaFiles();
    for (const [path, content] of Object.entries(files)) expect(readFileSync(path, "utf8")).toBe(content);
    const folder = join(ROOT, "docs", "reference", "schemas");
    expect(
      readdirSync(folder)
        .map((name) => join(folder, name))
        .sort(),
    ).toEqual(Object.keys(files).sort());
  });

  it("show environments as data that are an example's, or that the schema and this machine accept", () => {
    const page = readFileSync(join(ROOT, "docs", "how-to", "write-an-environment.md"), "utf8");
    const [yaml = "", json = "{}"] = [...page.matchAll(/```(?:yaml|json)\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
    const file = join("examples", "environments", "small.yaml");
    expect(yaml).toBe(`# ${file}\n${readFileSync(join(ROOT, file), "utf8")}`);
    const { $schema, ...spec } = JSON.parse(json) as { readonly $schema: string };
    const accepts = new Ajv({ strict: false }).compile(
      JSON.parse(readFileSync(join(ROOT, $schema.replace("../node_modules/platform-postgres/", "")), "utf8")),
    );
    for (const each of [spec, readDataFile(file, join(ROOT, file))]) expect([accepts(each), accepts.errors]).toEqual([true, null]);
    expect(refusal({ name: "test", ...spec })).toBe("accepted");
  });

  it("and README give every command of the CDK its environment, because none is taken if several could be meant", () => {
    const pagesOfDocs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).filter((page) => page.endsWith(".md"));
    const files = ["README.md", ...pagesOfDocs.map((page) => join("docs", page))];
    const pages = files.map((file) => readFileSync(join(ROOT, file), "utf8"));
    const commands = pages.flatMap((page) => page.match(/npx cdk\s(bootstrap|deploy|destroy|diff|rollback|synth)[^`\n]*/g) ?? []);
    expect(commands.length).toBeGreaterThan(5);
    expect(commands.filter((command) => !command.includes("-c environment="))).toEqual([]);
  });

  it("promise what the proof of imports checks", () => {
    const proof = readFileSync(join(ROOT, "test/proof/import/figures.ts"), "utf8");
    const [, seconds, memory] = /GOAL = \{ seconds: (\d+), memory: (\d+) \}/.exec(proof) ?? [];
    const page = readFileSync(join(ROOT, "docs/how-to/import-from-sqlite.md"), "utf8");
    expect(page).toContain(`300,000 rows take at most ${seconds} seconds and ${memory} MiB on two cores`);
  });
});
