import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { platforms } from "../../constructs/platforms/registry";
import { entryPoints } from "../../infra/docs/entry-points";
import { deadHeadings, type Entry, sidebar, sitePages, withLinks } from "../../infra/docs/site-pages";

const ROOT = resolve(__dirname, "..", "..");
const temporary = mkdtempSync(join(tmpdir(), "platform-postgres-site-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

function repository(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(temporary, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const links = (entries: readonly Entry[]): readonly string[] =>
  entries.flatMap(({ link, items = [] }) => [...(link === undefined ? [] : [link]), ...links(items)]);

describe("pages of the site", () => {
  it("lead to each other by the place that they have in the site", () => {
    const { pages, dead } = sitePages(
      repository("links", {
        "README.md": '# Overview\n\n[guide](docs/how-to/a.md#b) ![picture](docs/picture.svg) <img src="docs/picture.svg">\n',
        "SECURITY.md": "# Security\n",
        "docs/how-to/a.md": "# A\n\n[home](../../README.md), [holes](../../SECURITY.md), [out](https://example.com/a.md), [here](#b)\n",
        "docs/picture.svg": "<svg/>",
      }),
    );
    expect(dead).toEqual([]);
    expect(pages["index.md"]).toBe('# Overview\n\n[guide](how-to/a.md#b) ![picture](picture.svg) <img src="picture.svg">\n');
    expect(pages["how-to/a.md"]).toBe("# A\n\n[home](../index.md), [holes](../SECURITY.md), [out](https://example.com/a.md), [here](#b)\n");
  });

  it("include the files of the repository that a page links to", () => {
    const { pages, dead } = sitePages(
      repository("files", { "docs/a.md": "# A\n\n[file](../examples/b.yaml), [folder](../examples/)\n", "examples/b.yaml": "b: 1\n" }),
    );
    expect(dead).toEqual([]);
    expect(pages["a.md"]).toBe("# A\n\n[file](files/examples/b.yaml.md), [folder](files/examples.md)\n");
    expect(pages["files/examples/b.yaml.md"]).toContain("\n# `examples/b.yaml`\n\n```yaml\nb: 1\n```\n");
    expect(pages["files/examples.md"]).toContain("\n- [`b.yaml`](examples/b.yaml.md)\n");
  });

  it("report each link to a file that does not exist, with its page", () => {
    const root = repository("dead", { "README.md": "[a](docs/a.md)\n", "docs/b.md": "[c](c.md) [up](../../outside.md)\n" });
    writeFileSync(join(temporary, "outside.md"), "# Not of this repository\n");
    expect(sitePages(root).dead).toEqual(["README.md: docs/a.md", "docs/b.md: c.md", "docs/b.md: ../../outside.md"]);
  });

  it("report each link to a heading that its page does not have", () => {
    const pages = {
      "index.html":
        '<h1 id="top"></h1><a class="x" href="/how-to/a.html#one">1</a> <a href="/how-to/a.html#two">2</a> <a href="#top">3</a>',
      "how-to/a.html": '<h2 class="x" id="one"></h2><a href="/#top">4</a> <a href="#three">5</a> <a href="https://example.com/#four">6</a>',
    };
    expect(deadHeadings(pages)).toEqual(["index.html: /how-to/a.html#two", "how-to/a.html: #three"]);
  });

  it("have no link of code changed", () => {
    const page = "[a](a.md) `[b](b.md)` [`c`](c.md)\n\n```md\n[d](d.md)\n```\n\n[e](e.md)";
    const seen: string[] = [];
    const changed = withLinks(page, (link) => {
      seen.push(link);
      return `x/${link}`;
    });
    expect(seen).toEqual(["a.md", "c.md", "e.md"]);
    expect(changed).toBe("[a](x/a.md) `[b](b.md)` [`c`](x/c.md)\n\n```md\n[d](d.md)\n```\n\n[e](x/e.md)");
  });

  it("are all in the sidebar, each once, a new one by its folder and title", () => {
    const page = (path: string) => [path, `# The \`${path}\`\n`] as const;
    const files = [
      "README.md",
      "SECURITY.md",
      "docs/mlflow.md",
      "docs/glossary.md",
      "docs/other.md",
      "docs/how-to/new.md",
      "docs/how-to/deep/er.md",
    ];
    const tutorials = { "docs/tutorials/a.md": "# A later one\n", "docs/tutorials/first-hour.md": "# Your *first* hour\n" };
    const { pages } = sitePages(repository("sidebar", { ...Object.fromEntries(files.map(page)), ...tutorials }));
    const added = { ...pages, "api/index.md": "", "api/spec.md": "", "api/aws/x.md": "" };
    const shown = links(sidebar(added, Object.keys(platforms)));
    const expected = Object.keys(added)
      .filter((path) => !path.startsWith("files/"))
      .map((path) => `/${path.replace(/(^|\/)index\.md$|\.md$/, "")}`);
    expect(shown.map((link) => link.replace(/\/$/, "")).sort()).toEqual(expected.map((link) => link.replace(/\/$/, "")).sort());
    const [overview, first] = sidebar(added, Object.keys(platforms));
    expect(overview).toEqual({ text: "Overview", link: "/" });
    expect(first).toEqual({
      text: "Tutorials",
      items: [
        { text: "Your first hour", link: "/tutorials/first-hour" },
        { text: "A later one", link: "/tutorials/a" },
      ],
    });
  });
});

describe("modules of the API reference", () => {
  const found = entryPoints();

  it("are those that the package exports, by the names that users import", () => {
    expect(found).toMatchObject({
      "platform-postgres/spec": "infra/spec.ts",
      "platform-postgres/aws/rds-postgres": "constructs/aws/rds-postgres.ts",
      "platform-postgres/aws/stacks/database-stack": "constructs/aws/stacks/database-stack.ts",
      "platform-postgres/platforms/mlflow": "constructs/platforms/mlflow/mlflow.ts",
      "platform-postgres/platforms/registry": "constructs/platforms/registry.ts",
    });
    expect(Object.values(found).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it("leave out what the package closes, and this machine's", () => {
    const closed =
      /^constructs\/(local\/|package\/|aws\/functions\/|aws\/secrets-manager-store|gcp\/job\/|gcp\/master|gcp\/secret-manager-store)/;
    expect(Object.values(found).filter((file) => closed.test(file))).toEqual([]);
    const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly exports: Record<string, string | null> };
    expect(Object.values(exports)).toContain(null);
  });
});
