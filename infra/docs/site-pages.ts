import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join, posix } from "node:path";
import { PACKAGE_ROOT } from "../../constructs/package/root";

/** Pages of the site that are at the root of the repository, by their path in the site. */
const ROOT_PAGES: Readonly<Record<string, string>> = {
  "README.md": "index.md",
  "CONTRIBUTING.md": "CONTRIBUTING.md",
  "SECURITY.md": "SECURITY.md",
  "CHANGELOG.md": "CHANGELOG.md",
};

/** Files that pages show; the site copies them unchanged. */
const ASSETS = /\.(svg|png|jpe?g|gif|webp)$/;
/** Markdown links and images, and the attributes of HTML that name a file. */
const LINK = /(\]\(|\b(?:href|src|srcset)=")(?!#|[a-z][a-z+.-]*:|\/\/)([^)\s"#]+)(#[^)\s"]*)?/gi;
const FENCE = /^(\s*)(`{3,}|~{3,})/;

export interface Site {
  /** Markdown by path in the site. */
  readonly pages: Readonly<Record<string, string>>;
  /** Path in the repository by path in the site. */
  readonly assets: Readonly<Record<string, string>>;
  /** Links whose file does not exist, as `page: link`. */
  readonly dead: readonly string[];
}

/** Returns the pages of the site, with links as the site needs them. A file of the repository that a page links to becomes a page, too. */
export function sitePages(root = PACKAGE_ROOT): Site {
  const docs = filesBelow(join(root, "docs")).map((file) => posix.join("docs", file));
  const assets = Object.fromEntries(docs.filter((file) => ASSETS.test(file)).map((file) => [posix.relative("docs", file), file]));
  const sources = [
    ...Object.keys(ROOT_PAGES).filter((file) => existsSync(join(root, file))),
    ...docs.filter((file) => file.endsWith(".md")),
  ];
  const pages: Record<string, string> = {};
  const dead: string[] = [];
  const shown = new Set<string>();
  for (const source of sources) {
    const page = pathInSite(source);
    pages[page] = withLinks(readFileSync(join(root, source), "utf8"), (link) => {
      const target = posix.normalize(posix.join(dirname(source), decodeURI(link)));
      if (target.startsWith("..") || !existsSync(join(root, target))) dead.push(`${source}: ${link}`);
      else if (!isPage(target) && !ASSETS.test(target)) shown.add(target.replace(/\/$/, ""));
      return posix.relative(dirname(page), pathInSite(target)) || ".";
    });
  }
  for (const file of shown) pages[pathInSite(file)] = filePage(root, file, shown);
  return { pages, assets, dead };
}

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(folder, posix.join(entry.parentPath, entry.name)))
    .sort();

const isPage = (file: string): boolean => file in ROOT_PAGES || (file.startsWith("docs/") && file.endsWith(".md"));

/** Path of a repository's file in the site. */
function pathInSite(file: string): string {
  if (isPage(file)) return ROOT_PAGES[file] ?? posix.relative("docs", file);
  if (ASSETS.test(file)) return posix.relative("docs", file);
  return `files/${file.replace(/\/$/, "")}.md`;
}

/** Replaces each relative link of a page, except in code, with a function's result. */
export function withLinks(page: string, change: (link: string) => string): string {
  let fence: string | null = null;
  return page
    .split("\n")
    .map((line) => {
      const [, , mark = ""] = FENCE.exec(line) ?? [];
      if (fence !== null) {
        if (mark.startsWith(fence) && line.trim() === mark) fence = null;
        return line;
      }
      if (mark !== "") {
        fence = mark;
        return line;
      }
      // A link in inline code is text; a link's own text may be code.
      return line.replace(/(?<!\[)`[^`]*`(?!\])|[^`]+|`/g, (part) =>
        part.length > 1 && part.startsWith("`")
          ? part
          : part.replace(LINK, (_, before: string, link: string, hash = "") => `${before}${change(link)}${hash}`),
      );
    })
    .join("\n");
}

/** Returns the links of finished pages, HTML by path, to a heading that its page does not have: VitePress checks pages only. */
export function deadHeadings(pages: Readonly<Record<string, string>>): readonly string[] {
  const ids = new Map(
    Object.entries(pages).map(([path, text]) => [path, new Set(Array.from(text.matchAll(/\sid="([^"]+)"/g), ([, id = ""]) => id))]),
  );
  const dead = Object.entries(pages).flatMap(([path, text]) =>
    [...text.matchAll(/<a [^>]*href="([^"#:]*)#([^"]+)"/g)].flatMap(([, link = "", hash = ""]) => {
      const target = link === "" ? path : link.startsWith("/") ? link.slice(1) : posix.join(dirname(path), link);
      const file = [target, `${target}.html`, posix.join(target, "index.html")].find((each) => ids.has(each)) ?? "";
      return ids.get(file)?.has(decodeURIComponent(hash)) === true ? [] : [`${path}: ${link}#${hash}`];
    }),
  );
  return [...new Set(dead)];
}

/** Shows a file of the repository, or lists a folder. */
function filePage(root: string, file: string, shown: ReadonlySet<string>): string {
  const front = ["---", "search: false", "editLink: false", "---", "", `# \`${file}\``, ""];
  if (!statSync(join(root, file)).isDirectory()) {
    const text = readFileSync(join(root, file), "utf8").trimEnd();
    const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([marks]) => marks.length));
    const marks = "`".repeat(longest + 1);
    return [...front, `${marks}${extname(file).slice(1) || "text"}`, text, marks, ""].join("\n");
  }
  const entries = readdirSync(join(root, file)).sort();
  const row = (entry: string) => {
    const path = posix.join(file, entry);
    return shown.has(path) ? `- [\`${entry}\`](${posix.relative(dirname(pathInSite(file)), pathInSite(path))})` : `- \`${entry}\``;
  };
  return [...front, ...entries.map(row), ""].join("\n");
}

/** An entry of the sidebar, as VitePress reads it. */
export interface Entry {
  readonly text: string;
  readonly link?: string;
  readonly collapsed?: boolean;
  readonly items?: readonly Entry[];
}

/** Folders and pages in the order in which readers need them; others follow, sorted by title. */
const ORDER = [
  "tutorials",
  "how-to",
  "explanation",
  "reference",
  "first-hour",
  "first-aws",
  "first-google-cloud",
  "first-application",
  "start-a-project",
  "write-an-environment",
  "settings",
  "commands",
];
const TITLES: Readonly<Record<string, string>> = {
  tutorials: "Tutorials",
  "how-to": "How-to guides",
  explanation: "Explanation",
  reference: "Reference",
  platforms: "Platforms",
  constructs: "Constructs",
};
/** Pages of `docs/` without a separate group. */
const LOOK_UP = ["troubleshooting.md", "glossary.md"];

/** Returns the sidebar: a group for each folder, so that a new page appears by itself. */
export function sidebar(pages: Site["pages"], platforms: readonly string[]): readonly Entry[] {
  const paths = Object.keys(pages).filter((path) => !path.startsWith("files/") && !path.startsWith("api/") && path !== "index.md");
  const atRoot = paths.filter((path) => !path.includes("/"));
  const project = Object.values(ROOT_PAGES).filter((path) => atRoot.includes(path));
  const ofPlatforms = platforms.map((name) => `${name}.md`).filter((path) => atRoot.includes(path));
  const lookUp = LOOK_UP.filter((path) => atRoot.includes(path));
  const others = atRoot.filter((path) => ![...project, ...ofPlatforms, ...lookUp].includes(path));
  const entry = (path: string): Entry => ({ text: titleOf(pages[path] ?? path), link: `/${path.replace(/\.md$/, "")}` });
  const list = (names: readonly string[]) => inOrder(names.map((path) => [path.replace(/^.*\/|\.md$/g, ""), entry(path)]));
  const group = (text: string, names: readonly string[]): readonly Entry[] => (names.length === 0 ? [] : [{ text, items: list(names) }]);
  const folder = (name: string, depth = 0): Entry => {
    const below = paths.filter((path) => path.startsWith(`${name}/`));
    const files = below.filter((path) => !path.slice(name.length + 1).includes("/"));
    const folders = [
      ...new Set(below.filter((path) => !files.includes(path)).map((path) => path.slice(name.length + 1).split("/")[0] ?? "")),
    ];
    const last = name.split("/").at(-1) ?? name;
    return {
      text: TITLES[last] ?? `${last.charAt(0).toUpperCase()}${last.slice(1).replaceAll("-", " ")}`,
      ...(depth > 0 && { collapsed: true }),
      items: [...list(files), ...folders.sort().map((each) => folder(`${name}/${each}`, depth + 1))],
    };
  };
  const folders = [...new Set(paths.filter((path) => path.includes("/")).map((path) => path.split("/")[0] ?? ""))];
  return [
    { text: "Overview", link: "/" },
    ...inOrder(folders.map((name) => [name, folder(name)])),
    ...group("Platforms", ofPlatforms),
    ...group("More", others),
    ...lookUp.map(entry),
    ...(project.length === 0 ? [] : [{ text: "Project", items: project.map(entry) }]),
    ...apiEntries(Object.keys(pages)),
  ];
}

/** The modules of the API, by their folder. */
function apiEntries(paths: readonly string[]): readonly Entry[] {
  const modules = paths.filter((path) => path.startsWith("api/") && path !== "api/index.md").map((path) => path.slice(4, -3));
  if (modules.length === 0) return [];
  const folders = [...new Set(modules.map((module) => (module.includes("/") ? (module.split("/")[0] ?? "") : "")))].sort();
  const item = (module: string, folder: string): Entry => ({
    text: module.slice(folder.length && folder.length + 1),
    link: `/api/${module}`,
  });
  const items = folders.flatMap((folder): readonly Entry[] => {
    const inside = modules.filter((module) => (folder === "" ? !module.includes("/") : module.startsWith(`${folder}/`))).sort();
    return folder === ""
      ? inside.map((module) => item(module, ""))
      : [{ text: folder, collapsed: true, items: inside.map((module) => item(module, folder)) }];
  });
  return [{ text: "API", collapsed: true, items: [{ text: "All modules", link: "/api/" }, ...items] }];
}

function inOrder(named: readonly (readonly [name: string, entry: Entry])[]): readonly Entry[] {
  const place = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...named]
    .sort(([a, one], [b, other]) => place(a) - place(b) || one.text.localeCompare(other.text, "en"))
    .map(([, entry]) => entry);
}

/** The first heading of a page, without the marks of Markdown. */
const titleOf = (page: string): string => (/^# (.+)$/m.exec(page)?.[1] ?? "").replace(/[`*]/g, "");
