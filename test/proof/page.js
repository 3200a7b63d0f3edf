/**
 * What is wrong with a page as it is shown. Runs in the page: nothing outside of it is there.
 *
 * @param palette colours of the scheme that it should be shown in.
 */
(palette) => {
  const problems = [];
  for (const each of document.querySelectorAll("details")) each.open = true;
  const root = document.documentElement;
  const shortened = (text) => (text ?? "").trim().slice(0, 50);
  const toRgb = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const fromHex = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

  if (root.scrollWidth > innerWidth) problems.push(`scrolls sideways: ${root.scrollWidth} px`);
  if (toRgb(getComputedStyle(document.body).backgroundColor).join() !== fromHex(palette.page).join()) problems.push("has another scheme");
  if (document.scripts.length + document.images.length > 0) problems.push("has scripts or images");
  const pictures = [...document.querySelectorAll("svg.picture")].filter((each) => each.getBoundingClientRect().width > 0);
  if (pictures.length !== 1) problems.push(`shows ${pictures.length} pictures of the topology`);

  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([red = 0, green = 0, blue = 0]) =>
    0.2126 * channel(red / 255) + 0.7152 * channel(green / 255) + 0.0722 * channel(blue / 255);
  const contrast = (one, other) => {
    const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const backOf = (element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = toRgb(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || (colour[3] ?? 0) > 0) return colour;
    }
    return [255, 255, 255];
  };
  const meets = (one, other) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
    Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 3;

  let texts = 0;
  for (const element of document.body.querySelectorAll("*")) {
    const isText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? "").trim() !== "");
    const place = element.getBoundingClientRect();
    if (!isText || place.width === 0 || element.closest(".hidden, svg, thead") !== null) continue;
    texts += 1;
    const { color, fontSize } = getComputedStyle(element);
    const ratio = contrast(toRgb(color), backOf(element));
    if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)}: ${shortened(element.textContent)}`);
    if (Number.parseFloat(fontSize) < 11) problems.push(`${fontSize}: ${shortened(element.textContent)}`);
    if (place.left < 0 || place.right > innerWidth) problems.push(`beyond the edge: ${shortened(element.textContent)}`);
  }

  for (const picture of pictures) {
    const inside = picture.getBoundingClientRect();
    const words = [...picture.querySelectorAll("text")].map((text) => ({
      words: shortened(text.firstChild?.textContent ?? ""),
      size: (Number.parseFloat(getComputedStyle(text).fontSize) * inside.width) / picture.viewBox.baseVal.width,
      place: text.getBoundingClientRect(),
      colour: toRgb(getComputedStyle(text).fill),
      text,
    }));
    const boxes = [...picture.querySelectorAll("rect")].map((rect) => ({ place: rect.getBoundingClientRect(), rect }));
    texts += words.length;
    for (const [index, each] of words.entries()) {
      const { place } = each;
      if (each.size < 10) problems.push(`${each.size.toFixed(1)} px in the picture: ${each.words}`);
      if (place.left < inside.left || place.right > inside.right || place.bottom > inside.bottom)
        problems.push(`out of the picture: ${each.words}`);
      const middle = { x: (place.left + place.right) / 2, y: (place.top + place.bottom) / 2 };
      const around = boxes.filter(
        ({ place: its }) => its.left <= middle.x && middle.x <= its.right && its.top <= middle.y && middle.y <= its.bottom,
      );
      for (const { place: its } of around)
        if (place.left < its.left || place.right > its.right) problems.push(`out of its box: ${each.words}`);
      const front = around.at(-1);
      const back = front === undefined ? backOf(picture.parentElement) : toRgb(getComputedStyle(front.rect).fill);
      const ratio = contrast(each.colour, back);
      if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)} in the picture: ${each.words}`);
      for (const other of words.slice(index + 1)) if (meets(place, other.place)) problems.push(`${each.words} lies on ${other.words}`);
      // A box that a text is half in lies on it.
      for (const { place: its } of boxes)
        if (!around.some(({ place: known }) => known === its) && meets(place, its)) problems.push(`a box lies on ${each.words}`);
    }
  }
  return { problems, texts, height: root.scrollHeight };
};
