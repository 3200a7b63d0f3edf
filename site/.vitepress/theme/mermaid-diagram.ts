import { useData } from "vitepress";
import { defineComponent, h, nextTick, onMounted, ref, watch } from "vue";

/** Text must stay legible on a telephone: a wide diagram scrolls in its frame instead of shrinking below this. */
const SMALLEST = 0.66;
let drawn = 0;

/** Colours of a diagram in both schemes: those of the page. */
const LIGHT = {
  primaryColor: "#f1f3f8",
  primaryTextColor: "#1b1b1f",
  primaryBorderColor: "#5f6f86",
  lineColor: "#5f6f86",
  textColor: "#1b1b1f",
  edgeLabelBackground: "#ffffff",
  clusterBkg: "#fafafc",
  clusterBorder: "#c3c9d4",
};
const DARK: typeof LIGHT = {
  primaryColor: "#2c2d36",
  primaryTextColor: "#e6e6ec",
  primaryBorderColor: "#98a2b5",
  lineColor: "#98a2b5",
  textColor: "#e6e6ec",
  edgeLabelBackground: "#1b1b1f",
  clusterBkg: "#222228",
  clusterBorder: "#4a4d5a",
};

/** A diagram, drawn in the browser in the colours of the page; its source until then, and where it cannot be drawn. */
export const MermaidDiagram = defineComponent({
  props: { code: { type: String, required: true } },
  setup({ code }) {
    const { isDark } = useData();
    const source = decodeURIComponent(code);
    const frame = ref<HTMLElement>();
    const svg = ref("");

    const draw = async () => {
      const { default: mermaid } = await import("mermaid");
      mermaid.initialize({
        startOnLoad: false,
        securityLevel: "strict",
        theme: "base",
        themeVariables: { ...(isDark.value ? DARK : LIGHT), darkMode: isDark.value },
        fontFamily: "inherit",
        htmlLabels: false,
        flowchart: { htmlLabels: false },
      });
      drawn += 1;
      svg.value = (await mermaid.render(`diagram-${drawn}`, source)).svg;
      await nextTick();
      const picture = frame.value?.querySelector("svg");
      if (picture) picture.style.minWidth = `${picture.viewBox.baseVal.width * SMALLEST}px`;
    };
    onMounted(() => {
      watch(isDark, draw, { immediate: true });
    });

    return () =>
      svg.value === ""
        ? h("pre", { class: "diagram-source" }, source)
        : h("div", { ref: frame, class: "diagram", role: "img", tabindex: 0, "aria-label": "Diagram", innerHTML: svg.value });
  },
});
