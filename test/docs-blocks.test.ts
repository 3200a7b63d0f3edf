import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { register } from "tsx/cjs/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { aws } from "../constructs/aws/target";
import { gcp } from "../constructs/gcp/target";
import { local } from "../constructs/local/target";
import { isObject } from "../constructs/model/json";
import type { Program } from "../infra/command";
import { startServer, type TestServer } from "./fixtures/server";
import { refusal } from "./fixtures/specs";

// Commands are loaded as they are when they run.
afterAll(register());

const ROOT = resolve(__dirname, "..");
const PAGES = [
  ...readdirSync(ROOT).filter((file) => file.endsWith(".md")),
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file)),
];
const textOf = (page: string): string => readFileSync(join(ROOT, page), "utf8");

/** A fenced block: where it is, its language, its text, and the line above it. */
interface Block {
  readonly at: string;
  readonly language: string;
  readonly text: string;
  readonly above: string;
}

function blocksOf(page: string): readonly Block[] {
  const lines = textOf(page).split("\n");
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent = "", language] = /^( *)```(\S*)/.exec(lines[index] ?? "") ?? [];
    if (language === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, index + 1);
    const text = lines.slice(index + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ at: `${page}:${index + 1}`, language, text: `${text.join("\n")}\n`, above: lines[index - 1] ?? "" });
    index = end;
  }
  return blocks;
}

const BLOCKS = PAGES.flatMap(blocksOf);
const of = (...languages: readonly string[]): readonly Block[] => BLOCKS.filter(({ language }) => languages.includes(language));

/** GitHub's anchor of a heading; the site's is the same for the headings that there are. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

/** Anchors of a page's headings, outside of blocks. */
function anchorsOf(page: string): readonly string[] {
  const prose = textOf(page).replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1")));
}

describe("pages of the documentation", () => {
  it("have blocks of known languages only", () => {
    const known = ["sh", "ts", "json", "yaml", "sql", "text", "mermaid"];
    expect(BLOCKS.filter(({ language }) => !known.includes(language)).map(({ at, language }) => `${at} ${language}`)).toEqual([]);
    expect(BLOCKS.length).toBeGreaterThan(60);
  });

  it("link to pages, files and headings that there are", () => {
    const broken = PAGES.flatMap((page) => {
      const prose = textOf(page).replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
      return [...prose.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].flatMap(([link, path = "", anchor]) => {
        const file = path === "" ? page : relative(ROOT, join(ROOT, dirname(page), path));
        const isThere =
          existsSync(join(ROOT, file)) &&
          (anchor === undefined || (statSync(join(ROOT, file)).isFile() && anchorsOf(file).includes(anchor)));
        return isThere ? [] : [`${page}: ${link}`];
      });
    });
    expect(broken).toEqual([]);
  });

  it("begin with one title and a sentence", () => {
    const wrong = PAGES.filter((page) => page.startsWith("docs")).filter((page) => !/^# .+\n\n[^#\n]/.test(textOf(page)));
    expect(wrong).toEqual([]);
  });
});

/** A page for who changes this project, where scripts of the checkout are typed; elsewhere commands are typed in a project. */
const isForContributors = (at: string): boolean =>
  /^(README|CONTRIBUTING|SECURITY|CHANGELOG)\.md|^docs\/how-to\/(add-a-platform|add-a-target|add-a-rule|use-as-a-library)\.md|^docs\/(explanation|tutorials\/first-hour|how-to\/start-a-project)/.test(
    at,
  );

/** Lines of shell, with those that go on joined, without comments. */
const commandsIn = ({ text }: Block): readonly string[] =>
  text
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");

const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly scripts: Readonly<Record<string, string>> };

/** What is wrong with a command of this project: null where nothing, or it is another's. */
function problemOf(command: string, inCheckout: boolean): string | null {
  const [, ours, rest = ""] = /(?:npx (?:--\S+ \S+ )?platform-postgres|npm(?: --\S+ \S+)? (?:run )?)\s*(\S+)(.*)$/.exec(command) ?? [];
  if (ours === undefined || ["ci", "install", "update", "pack", "exec", "complete", "i"].includes(ours) || ours.startsWith("-"))
    return null;
  const isNpm = /\bnpm\b/.test(command);
  if (isNpm && !inCheckout && !["start", "test"].includes(ours)) return "is no script of a project";
  if (isNpm && !Object.hasOwn(scripts, ours)) return "is no script";
  const name = ours === "test" ? "snapshot" : ours;
  const file = join(ROOT, "infra", "commands", `${name}.ts`);
  if (!existsSync(file)) return isNpm ? null : "is no command";
  const { command: parser } = (require(file) as { readonly program: Program }).program;
  const words = rest.split(/[|>;&]/)[0]?.trim() ?? "";
  const args = words === "" ? [] : words.replace(/^-- /, "").split(/\s+/);
  const known = parser.options.flatMap(({ long, short, required, optional, argChoices }) => [
    { long, short, takes: required || optional, argChoices },
  ]);
  for (let index = 0; index < args.length; index += 1) {
    const [flag, own] = (args[index] ?? "").split("=");
    if (!flag?.startsWith("-")) continue;
    const option = known.find(({ long, short }) => long === flag || short === flag);
    if (option === undefined) return `has no option ${flag}`;
    const value = own ?? args[index + 1] ?? "";
    if (option.takes && value === "") return `lacks the value of ${flag}`;
    if (option.argChoices !== undefined && !option.argChoices.includes(value) && !/^[A-Z]/.test(value))
      return `${flag} does not take ${value}`;
    if (option.takes && own === undefined) index += 1;
  }
  return null;
}

describe("blocks of shell", () => {
  it("are shell", () => {
    const wrong = of("sh").flatMap(({ at, text }) => {
      const { status, stderr } = spawnSync("bash", ["-n"], { input: text, encoding: "utf8" });
      return status === 0 || status === null ? [] : [`${at}: ${stderr}`];
    });
    expect(wrong).toEqual([]);
  });

  it("have commands and options of this project that there are, those of a checkout only for who changes it", () => {
    const commands = of("sh").flatMap((block) => commandsIn(block).map((command) => ({ at: block.at, command })));
    const wrong = commands.flatMap(({ at, command }) => {
      const problem = problemOf(command, isForContributors(at));
      return problem === null ? [] : [`${at}: ${command}: ${problem}`];
    });
    expect(wrong).toEqual([]);
    expect(commands.filter(({ command }) => command.includes("platform-postgres")).length).toBeGreaterThan(10);
  });
});

describe("blocks of TypeScript", () => {
  let folder: string;
  const file = ({ at }: Block): string => join(folder, `${at.replaceAll(/\W+/g, "-")}.ts`);
  beforeAll(() => {
    mkdirSync(join(ROOT, ".local"), { recursive: true });
    folder = mkdtempSync(join(ROOT, ".local", "blocks-"));
    for (const block of of("ts")) writeFileSync(file(block), block.text.replaceAll(/"(?:\.\.\/)+(constructs|infra)\//g, '"../../$1/'));
    const compilerOptions = { paths: { "platform-postgres/spec": ["../../infra/spec.ts"], "platform-postgres/*": ["../../constructs/*"] } };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../tsconfig.json", compilerOptions, include: ["*.ts"] }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("compile", () => {
    const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "--project", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(of("ts").length).toBeGreaterThan(3);
  });

  it("that are environments are accepted on each cloud whose section they have, or on this machine", () => {
    const environments = of("ts").filter(({ text }) => text.includes("satisfies EnvironmentSpec"));
    const wrong = environments.flatMap((block) => {
      const { default: spec } = require(file(block)) as { readonly default: object };
      return refusalsOf(spec).map((refusal) => `${block.at}: ${refusal}`);
    });
    expect(wrong).toEqual([]);
    expect(environments.length).toBeGreaterThan(1);
  });
});

/** Keys by which a fragment is known as part of an environment. */
const OF_ENVIRONMENT = ["instances", "platforms", "aws", "gcp", "acknowledge", "labels", "owner"];

/** What each target says against a spec that lacks what a fragment leaves out. */
function refusalsOf(fragment: object): readonly string[] {
  const { $schema, ...written } = fragment as Readonly<Record<string, unknown>>;
  const spec = { name: "page", instances: { main: {} }, platforms: {}, ...written };
  const targets = [aws, gcp].filter(({ name }) => Object.hasOwn(spec, name));
  return (targets.length === 0 ? [local] : targets).flatMap((target) => {
    const said = refusal(spec, target);
    return said === "accepted" ? [] : [`on ${target.name}: ${said}`];
  });
}

describe("blocks of data", () => {
  const values = of("json", "yaml").map((block) => {
    const read = () =>
      block.language === "json" ? [JSON.parse(block.text)] : parseAllDocuments(block.text).map((each) => each.toJS() as unknown);
    return { ...block, read };
  });

  it("are valid", () => {
    const wrong = values.flatMap(({ at, language, text, read }) => {
      try {
        read();
        return language === "yaml" ? parseAllDocuments(text).flatMap(({ errors }) => errors.map(({ message }) => `${at}: ${message}`)) : [];
      } catch (error) {
        return [`${at}: ${(error as Error).message}`];
      }
    });
    expect(wrong).toEqual([]);
  });

  it("that are of an environment are accepted", () => {
    const fragments = values.flatMap(({ at, read }) =>
      read().flatMap((value) =>
        isObject(value) && Object.keys(value).every((key) => ["$schema", ...OF_ENVIRONMENT].includes(key)) ? [{ at, value }] : [],
      ),
    );
    expect(fragments.flatMap(({ at, value }) => refusalsOf(value).map((refusal) => `${at}: ${refusal}`))).toEqual([]);
    expect(fragments.length).toBeGreaterThan(3);
  });
});

describe("blocks of SQL", () => {
  let postgres: TestServer;
  beforeAll(async () => {
    postgres = await startServer();
  });
  afterAll(() => postgres.stop());

  it("are SQL to PostgreSQL, whatever they name", async () => {
    const wrong: string[] = [];
    for (const { at, text } of of("sql")) {
      const error = await postgres.sql(text.replaceAll(/\b(?=[A-Z_]*_[A-Z_]*\b)[A-Z_]+\b/g, "name")).then(
        () => null,
        (each: { readonly code?: string; readonly message: string }) => each,
      );
      // What a block names is not here; a syntax error would be one anywhere.
      if (error?.code === "42601") wrong.push(`${at}: ${error.message}`);
    }
    expect(wrong).toEqual([]);
    expect(of("sql").length).toBeGreaterThan(0);
  });
});
