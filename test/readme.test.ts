import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withPlatforms } from "../infra/docs/docs";
import { refusal } from "./fixtures/specs";

const ROOT = join(__dirname, "..");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
};

/** Bytes: what a person reads before the first link. */
const LONGEST = 8192;

describe("README", () => {
  it("is short, and shows what is not claimed and the working commands on its first screen", () => {
    expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(LONGEST);
    const screen = readme.split("\n").slice(0, 16).join("\n");
    for (const part of [
      "Nothing here was deployed to a real account yet",
      "\nnpm ci && npm start ",
      "\nnpm ci && npm test ",
      "\nnpm ci && npm run init -- ",
    ])
      expect(screen).toContain(part);
  });

  it("lists the platforms, as the code knows them (npm run docs writes it)", () => {
    expect(readme).toBe(withPlatforms(readme));
  });

  it("shows the errors that the spec of its example really gets", () => {
    const spec = { name: "test", instances: { main: { storageGib: 5 } }, platforms: { prefect: { replicas: 2 } } };
    expect(readme).toContain(`\n\`\`\`text\n${refusal(spec)}\n\`\`\`\n`);
  });

  it("names only scripts that there are", () => {
    const named = [...readme.matchAll(/npm run ([a-z:]+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
  });

  it("names the versions of Node that package.json allows, as the workflows do", () => {
    const allowed = [...manifest.engines.node.matchAll(/\^((\d+)\.(\d+))\.0/g)];
    expect(allowed.map(([version]) => version).join(" || ")).toBe(manifest.engines.node);
    const versions = allowed.map(([, version]) => version);
    expect(readme).toContain(`needs only Node.js (${versions.slice(0, -1).join(", ")}, ${versions.at(-1)} or newer of these)`);
    const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: { "": { engines: unknown } } };
    expect(lock.packages[""].engines).toEqual(manifest.engines);

    const workflows = ["examples/github", ".github/workflows"].flatMap((folder) =>
      readdirSync(join(ROOT, folder)).map((file) => readFileSync(join(ROOT, folder, file), "utf8")),
    );
    const named = workflows.flatMap((text) =>
      [...text.matchAll(/\bnode(?:-version)?: (?!\$)(.+)/g)].flatMap(([, value = ""]) => value.match(/\d+/g) ?? []),
    );
    expect([...new Set(named)]).toEqual(allowed.map(([, , major]) => major));
  });

  it("links only to what there is", () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)[)#]/g)].map(([, link = ""]) => link);
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });
});
