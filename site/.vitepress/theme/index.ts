import type { Theme } from "vitepress";
// Without the theme's fonts, because the readers' own need no download.
import DefaultTheme from "vitepress/theme-without-fonts";
import { MermaidDiagram } from "./mermaid-diagram";
import "./style.css";

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    app.component("MermaidDiagram", MermaidDiagram);
  },
} satisfies Theme;
