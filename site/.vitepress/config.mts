import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";

const SIDEBAR = new URL("../pages/sidebar.json", import.meta.url);

/** Creates IDs of headings like GitHub, so that a link works in both. */
const slugify = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
    .replaceAll(" ", "-");

export default defineConfig({
  title: "platform-postgres",
  description: "Managed PostgreSQL for ML platforms, as code",
  lang: "en",
  // An empty icon, so that browsers do not request a missing one.
  head: [["link", { rel: "icon", href: "data:," }]],
  srcDir: "pages",
  outDir: "dist",
  // One file for all pages, instead of a copy in each.
  metaChunk: true,
  // Links to a server that the reader starts.
  ignoreDeadLinks: "localhostLinks",
  markdown: {
    anchor: { slugify },
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: (markdown) => {
      const fence = markdown.renderer.rules.fence;
      markdown.renderer.rules.fence = (tokens, index, options, environment, self) => {
        const { info = "", content = "" } = tokens[index] ?? {};
        if (info.trim() === "mermaid") return `<MermaidDiagram code="${encodeURIComponent(content)}" />`;
        return fence?.(tokens, index, options, environment, self) ?? "";
      };
    },
  },
  themeConfig: {
    sidebar: JSON.parse(readFileSync(SIDEBAR, "utf8")),
    outline: [2, 3],
    search: {
      provider: "local",
      options: {
        miniSearch: {
          // Guides come before modules that contain the word in a name.
          searchOptions: { boostDocument: (id: string) => (id.startsWith("/api/") || id.startsWith("/reference/rules") ? 0.05 : 1) },
        },
      },
    },
  },
  // Only pages with a diagram load Mermaid.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
});
