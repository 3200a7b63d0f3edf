import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { local } from "../constructs/local/target";
import { mapValues } from "../constructs/model/json";
import type { Platform } from "../constructs/model/platform";
import { resolve, resolveUnknown } from "../constructs/model/resolve";
import { wirePlatforms } from "../constructs/model/wire";
import { platforms } from "../constructs/platforms/registry";
import { toStarts } from "../infra/local/report";
import { toStartCommands } from "../infra/local/start-commands";
import localEnvironment from "./fixtures/environments/local";

const ROOT = join(__dirname, "..");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");

/** The rows of the first table below a heading, as cells. */
function tableBelow(heading: string): readonly (readonly string[])[] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(1).map((row) =>
    row
      .slice(1, -1)
      .split(" | ")
      .map((cell) => cell.trim()),
  );
}

const code = (cell = ""): string => cell.replace(/^`|`$/g, "");

describe("README", () => {
  it("shows the defaults that the code has, all of them", () => {
    const { instances } = resolve({ name: "test", instances: { main: {} }, platforms: {} }, { target: local, platforms });
    const rows = tableBelow("Defaults").map(([field, value]) => [code(field), code(value)]);
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(Object.entries(instances.main?.settings ?? {}).map(([field, value]) => [field, JSON.stringify(value)])),
    );
  });

  it.for(Object.keys(platforms) as (keyof typeof platforms)[])("shows the chart, driver and peak of %s", (name, { skip }) => {
    const platform: Platform = platforms[name];
    const row = tableBelow("Platforms").find(([title]) => title === `[${platform.title}](docs/${name}.md)`);
    skip(row === undefined, "no row yet; add one below Platforms");
    // Of a platform that the environment does not have, the defaults.
    const written: Readonly<Record<string, object>> = localEnvironment.platforms;
    const spec = { ...localEnvironment, platforms: { [name]: written[name] ?? {} } };
    const its = resolveUnknown(spec, { target: local, platforms }).platforms[name];
    if (its === undefined) throw new Error(`${name} was not resolved`);
    const chart = platform.chart(its.settings);
    expect(row?.[1]).toBe(chart === null ? "none" : `\`${chart.name}\` ${chart.verified.map(({ version }) => version).join(", ")}`);
    expect(row?.[2]).toBe(platform.driver.name);
    expect(row?.[5]).toBe(String(its.peak));
  });

  it("links only to pages that there are", () => {
    const links = [...readme.matchAll(/\]\((docs\/[^)#]+|examples\/[^)#]+)[)#]/g)].map(([, link = ""]) => link);
    expect(links.length).toBeGreaterThan(8);
    expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });

  it("shows the commands that npm start prints to start a platform", () => {
    const environment = resolve(localEnvironment, { target: local, platforms });
    const wired = wirePlatforms(environment, platforms, () => ({ host: "localhost", port: 54320, sidecar: null }));
    const starts = mapValues(wired, ({ wiring }, name) => ({
      title: platforms[name as keyof typeof platforms].title,
      startCommands: toStartCommands(name, wiring, { output: "out/local", python: ".venv" }),
    }));
    expect(readme).toContain(`\n\`\`\`sh\n${toStarts(starts).join("\n")}\n\`\`\`\n`);
  });

  it("shows TypeScript that stands in the repository, where it is type-checked", () => {
    const blocks = [...readme.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
    expect(blocks).toHaveLength([...readme.matchAll(/```ts\n/g)].length);
    expect(blocks.length).toBeGreaterThan(1);
    for (const [, file = "", text] of blocks) expect(text).toBe(readFileSync(join(ROOT, file), "utf8"));
  });

  it("names every script that a person runs, and only scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> };
    const named = new Set(
      [...readme.matchAll(/npm (?:run )?(start|test|[a-z:]*[a-z])\b/g)]
        .map((match) => match[1] ?? "")
        .filter((name) => !["ci", "install", "pack"].includes(name)),
    );
    expect([...named].filter((name) => !Object.hasOwn(scripts, name) && name !== "run" && name !== "for")).toEqual([]);
    expect(Object.keys(scripts).filter((name) => !named.has(name) && name !== "test:update")).toEqual([]);
  });

  it("names every dependency and says what it is for", () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<
      string,
      Record<string, string>
    >;
    const names = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !name.startsWith("@types/"));
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });

  it("names the versions of Node that package.json allows, as the workflows do", () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { engines: { node: string } };
    const allowed = [...engines.node.matchAll(/\^((\d+)\.(\d+))\.0/g)];
    expect(allowed.map(([version]) => version).join(" || ")).toBe(engines.node);
    const versions = allowed.map(([, version]) => version);
    expect(readme).toContain(`needs only Node.js: ${versions.slice(0, -1).join(", ")}, ${versions.at(-1)} or newer of these`);
    const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: { "": { engines: unknown } } };
    expect(lock.packages[""].engines).toEqual(engines);

    const workflows = ["examples/github", ".github/workflows"].flatMap((folder) =>
      readdirSync(join(ROOT, folder)).map((file) => readFileSync(join(ROOT, folder, file), "utf8")),
    );
    const named = workflows.flatMap((text) =>
      [...text.matchAll(/\bnode(?:-version)?: (?!\$)(.+)/g)].flatMap(([, value = ""]) => value.match(/\d+/g) ?? []),
    );
    expect([...new Set(named)]).toEqual(allowed.map(([, , major]) => major));
  });

  it("has a glossary of ten words, and the working command on its first screen", () => {
    expect(tableBelow("Glossary")).toHaveLength(10);
    expect(readme.split("\n").findIndex((line) => line.startsWith("npm ci && npm start"))).toBeLessThan(10);
  });
});
