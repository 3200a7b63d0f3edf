import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const ROOT = resolve(__dirname, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };

const inFolder = (folder: string, ending: RegExp): readonly string[] =>
  readdirSync(join(ROOT, folder))
    .filter((file) => ending.test(file))
    .map((file) => `${folder}/${file}`);
const WORKFLOWS = inFolder(".github/workflows", /\.ya?ml$/);
const FORMS = inFolder(".github/ISSUE_TEMPLATE", /\.ya?ml$/);
const PAGES = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ".github/pull_request_template.md"];
const JSON_FILES = ["renovate.json", ".devcontainer/devcontainer.json", "site/package.json", "site/typedoc.json"];
const ALL = [...WORKFLOWS, ...FORMS, ...PAGES];

/** Files that a command makes, or that a project of a user has. */
const MADE = /^(dist|out|node_modules|site\/(dist|pages)|\.local|\.build)(\/|$)/;

describe("files for contributors", () => {
  it.each([...WORKFLOWS, ...FORMS])("%s is valid YAML, without a key twice", (file) => {
    expect(parse(read(file), { uniqueKeys: true, strict: true })).toEqual(expect.any(Object));
  });

  it.each(JSON_FILES)("%s is valid JSON", (file) => {
    expect(JSON.parse(read(file))).toEqual(expect.any(Object));
  });

  it.each([...ALL, "renovate.json"])("%s names only scripts that package.json has", (file) => {
    const named = [...read(file).matchAll(/npm run (?:--silent )?([a-z][a-z:]*)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it("have a proof a night for each that package.json has", () => {
    const nightly = parse(read(".github/workflows/nightly.yaml")) as {
      readonly jobs: Readonly<Record<string, { readonly strategy?: { readonly matrix: { readonly proof: readonly string[] } } }>>;
    };
    const inMatrix = nightly.jobs.proof?.strategy?.matrix.proof ?? [];
    const proofs = Object.keys(scripts).filter((name) => name.startsWith("proof:"));
    // It needs root, and has a job by itself.
    expect([...inMatrix, "proof:faults"].sort()).toEqual(proofs.sort());
    expect(read(".github/workflows/nightly.yaml")).toContain("npm run proof:faults");
  });

  it.each(PAGES)("%s links only to files that exist, and names only paths that exist", (file) => {
    const text = read(file).replace(/^```[\s\S]*?^```/gm, "");
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = ""]) => join(dirname(file), link));
    const roots = readdirSync(ROOT, { withFileTypes: true }).map((entry) => entry.name);
    const paths = [...text.matchAll(/`([\w@.-]+(?:\/[\w@.-]*)+)`/g)].map(([, path = ""]) => path);
    const ours = paths.filter((path) => roots.includes(path.split("/")[0] ?? "") && !MADE.test(path));
    expect([...links, ...ours].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(FORMS)("%s links only to files that exist", (file) => {
    const links = [...read(file).matchAll(/\]\(\.\.\/blob\/main\/([^)#]+)/g)].map(([, path = ""]) => path);
    expect(links.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(PAGES)("%s links only to headings that exist", (file) => {
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-");
    const headings = (path: string) => [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => slug(heading));
    const links = [...read(file).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)];
    const dead = links.filter(([, path = "", hash = ""]) => !headings(path === "" ? file : join(dirname(file), path)).includes(hash));
    expect(dead.map(([link]) => link)).toEqual([]);
  });

  it("test Linux and macOS with each Node.js that package.json allows", () => {
    const { jobs } = parse(read(".github/workflows/test.yaml")) as {
      readonly jobs: { readonly test: { readonly strategy: { readonly matrix: object } } };
    };
    const { engines } = JSON.parse(read("package.json")) as { readonly engines: { readonly node: string } };
    const majors = [...engines.node.matchAll(/\^(\d+)\./g)].map(([, major]) => Number(major));
    expect(jobs.test.strategy.matrix).toEqual({ system: ["ubuntu-latest", "macos-latest"], node: majors });
  });

  it("run development's container as an account without rights, with the Node.js of .nvmrc", () => {
    const { image, remoteUser } = JSON.parse(read(".devcontainer/devcontainer.json")) as Record<string, string>;
    expect(remoteUser).toBe("node");
    expect(image).toMatch(new RegExp(`/node:${read(".nvmrc").trim()}\\.\\d+\\.\\d+-`));
  });

  it("hold back what Node.js 20 cannot run, as long as package.json allows it", () => {
    const { packageRules } = JSON.parse(read("renovate.json")) as {
      readonly packageRules: readonly { readonly matchPackageNames?: readonly string[]; readonly allowedVersions?: string }[];
    };
    const held = Object.fromEntries(
      packageRules.flatMap(({ matchPackageNames = [], allowedVersions }) => matchPackageNames.map((name) => [name, allowedVersions])),
    );
    const { devDependencies, engines } = JSON.parse(read("package.json")) as {
      readonly devDependencies: Readonly<Record<string, string>>;
      readonly engines: { readonly node: string };
    };
    expect(engines.node).toContain("^20.");
    expect(held).toMatchObject({ "@pulumi/pulumi": `<=${devDependencies["@pulumi/pulumi"]}`, vitest: "<5", commander: "<15" });
  });
});

describe("the package of the site", () => {
  const { devDependencies, dependencies = {} } = JSON.parse(read("site/package.json")) as Record<string, Record<string, string>>;

  it("has exact versions, and a lock file without registry addresses", () => {
    expect(Object.entries({ ...devDependencies, ...dependencies }).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(read("site/package-lock.json")).not.toMatch(/"resolved": *"https?:/);
    expect(read("site/.npmrc")).toBe(read(".npmrc"));
  });

  it("is not part of npm ci at the root", () => {
    const { workspaces } = JSON.parse(read("package.json")) as { readonly workspaces: readonly string[] };
    expect(workspaces).not.toContain("site");
    expect(read("package-lock.json")).not.toContain("vitepress");
  });
});

describe("CHANGELOG.md", () => {
  it("has sections in the order of Keep a Changelog, the newest version first", () => {
    const versions = [...read("CHANGELOG.md").matchAll(/^## \[(.+)\]/gm)].map(([, version]) => version);
    expect(versions[0]).toBe("Unreleased");
    expect(versions).toContain("0.2.0");
    const kinds = [...read("CHANGELOG.md").matchAll(/^### (.+)$/gm)].map(([, kind = ""]) => kind);
    expect(kinds.filter((kind) => !["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"].includes(kind))).toEqual([]);
  });
});
