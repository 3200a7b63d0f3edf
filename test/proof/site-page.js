/**
 * What is wrong with a page of the site as it is shown. Runs in the page: nothing outside of it is there.
 *
 * @param scheme "light" or "dark".
 */
async (scheme) => {
  const problems = [];
  const root = document.documentElement;
  const shortened = (text) => (text ?? "").trim().replace(/\s+/g, " ").slice(0, 50);
  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const until = async (isSo) => {
    for (let tries = 0; tries < 200 && !isSo(); tries += 1) await wait(50);
    return isSo();
  };
  // The theme's script has run, and diagrams are drawn.
  if (!(await until(() => document.querySelector("#app")?.__vue_app__ !== undefined))) problems.push("its script does not start");
  const diagrams = document.querySelectorAll(".diagram, .diagram-source").length;
  if (!(await until(() => document.querySelectorAll(".diagram-source").length === 0))) problems.push("a diagram is not drawn");
  if (document.querySelector(".diagram [id*=error], .diagram .error-text") !== null) problems.push("a diagram has an error");
  if (root.classList.contains("dark") !== (scheme === "dark")) problems.push("has another scheme");
  if (root.scrollWidth > innerWidth) problems.push(`scrolls sideways: ${root.scrollWidth} px`);

  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  /** Red, green, blue and opacity of any colour of CSS. */
  const toRgba = (colour) => {
    const [, ...parts] = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(colour) ?? [];
    if (parts.length > 0) return [Number(parts[0]), Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 1)];
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [red, green, blue, alpha / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, alpha], [r2, g2, b2]) => [r, g, b].map((value, at) => value * alpha + [r2, g2, b2][at] * (1 - alpha)).concat(1);
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([red = 0, green = 0, blue = 0]) =>
    0.2126 * channel(red / 255) + 0.7152 * channel(green / 255) + 0.0722 * channel(blue / 255);
  const contrast = (one, other) => {
    const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const backs = new Map();
  const backOf = (element) => {
    if (element === null) return scheme === "dark" ? [0, 0, 0, 1] : [255, 255, 255, 1];
    if (!backs.has(element)) {
      const colour = toRgba(getComputedStyle(element).backgroundColor);
      backs.set(element, colour[3] === 1 ? colour : over(colour, backOf(element.parentElement)));
    }
    return backs.get(element);
  };
  /** The nearest element that stays where it is when the page scrolls: it may lie on text. */
  const layerOf = (element) => {
    for (let each = element; each !== null; each = each.parentElement)
      if (["fixed", "sticky"].includes(getComputedStyle(each).position)) return each;
    return null;
  };
  /** A rectangle without what its scrolling frames hide, or null. */
  const visible = (place, element) => {
    let { left, right, top, bottom } = place;
    for (let each = element; each !== null && each !== document.body; each = each.parentElement) {
      if (getComputedStyle(each).overflow === "visible") continue;
      const frame = each.getBoundingClientRect();
      [left, right, top, bottom] = [
        Math.max(left, frame.left),
        Math.min(right, frame.right),
        Math.max(top, frame.top),
        Math.min(bottom, frame.bottom),
      ];
    }
    return right - left > 1 && bottom - top > 1 ? { left, right, top, bottom } : null;
  };

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (
      (node.textContent ?? "").trim() === "" ||
      element === null ||
      element.closest("script, style, svg, .visually-hidden, noscript") !== null
    )
      continue;
    // Links to headings appear under the pointer.
    if (element.closest(".header-anchor") !== null || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
      continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const places = [...range.getClientRects()].map((place) => visible(place, element)).filter((place) => place !== null);
    if (places.length === 0) continue;
    const words = shortened(node.textContent);
    const { color, fontSize } = getComputedStyle(element);
    const back = backOf(element);
    const ratio = contrast(over(toRgba(color), back), back);
    if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)}: ${words}`);
    if (Number.parseFloat(fontSize) < 11) problems.push(`${fontSize}: ${words}`);
    const layer = layerOf(element);
    for (const place of places) {
      if (layer === null && (place.left < 0 || place.right > innerWidth + 1)) problems.push(`beyond the edge: ${words}`);
      texts.push({ ...place, words, layer, node });
    }
  }
  for (const picture of document.querySelectorAll(".diagram svg")) {
    const scale = picture.getBoundingClientRect().width / picture.viewBox.baseVal.width;
    const shapes = [...picture.querySelectorAll("rect, polygon, path, circle")].filter(
      (shape) => !["none", "rgba(0, 0, 0, 0)"].includes(getComputedStyle(shape).fill),
    );
    for (const text of picture.querySelectorAll("text")) {
      const place = text.getBoundingClientRect();
      const words = shortened(text.textContent);
      if (words === "" || place.width === 0) continue;
      const style = getComputedStyle(text.querySelector("tspan") ?? text);
      if (Number.parseFloat(style.fontSize) * scale < 10)
        problems.push(`${(Number.parseFloat(style.fontSize) * scale).toFixed(1)} px in a diagram: ${words}`);
      const [x, y] = [(place.left + place.right) / 2, (place.top + place.bottom) / 2];
      const around = shapes.filter((shape) => {
        const its = shape.getBoundingClientRect();
        const isBefore = (shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
        return isBefore && its.left <= x && x <= its.right && its.top <= y && y <= its.bottom && shape.tagName !== "path";
      });
      const front = around.at(-1);
      const page = backOf(picture.parentElement);
      const back = front === undefined ? page : over(toRgba(getComputedStyle(front).fill), page);
      const ratio = contrast(over(toRgba(style.fill), back), back);
      if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)} in a diagram: ${words}`);
      const shown = visible(place, text);
      if (shown !== null) texts.push({ ...shown, words, layer: null, node: text });
    }
  }

  texts.sort((a, b) => a.top - b.top);
  for (const [index, one] of texts.entries())
    for (let at = index + 1; at < texts.length && texts[at].top < one.bottom; at += 1) {
      const other = texts[at];
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (one.layer === other.layer && one.node !== other.node && across > 2 && down > 5)
        problems.push(`${one.words} lies on ${other.words}`);
    }
  return { problems: [...new Set(problems)], texts: texts.length, diagrams, height: root.scrollHeight };
};
