import { afterAll, describe, expect, it } from "vitest";
import { toHtml } from "../../infra/plan/html";
import { html, Markup } from "../../infra/plan/markup";
import { DARK, GRAPHICS, LIGHT, type Palette, TEXTS } from "../../infra/plan/palette";
import type { PlanReport } from "../../infra/plan/report";
import { STYLE } from "../../infra/plan/style";
import { availabilityOf, backupsOf, connectionsOf, diskOf, sizeOf } from "../../infra/plan/words";
import { type Element, parse } from "../fixtures/markup";
import { COST, CROWDED, HOSTILE, instanceOf, NASTY, planOf, platformOf } from "../fixtures/plans";
import { ProjectCopy } from "../gcp/engine/project";

const project = new ProjectCopy();
afterAll(() => project.remove());

const pageOf = (report: PlanReport) => parse(toHtml(report));
const named = (elements: readonly Element[], name: string) => elements.filter((element) => element.name === name);
const textOf = (elements: readonly Element[]) => elements[0]?.text ?? "";
/** Every text in a report, but for words that decide how something is shown. */
function textsOf(value: unknown, key = ""): readonly string[] {
  if (typeof value === "string") return HIDDEN.includes(key) ? [] : [value];
  if (Array.isArray(value)) return value.flatMap((each) => textsOf(each, key));
  return typeof value === "object" && value !== null ? Object.entries(value).flatMap(([name, each]) => textsOf(each, name)) : [];
}
const HIDDEN = ["level", "access", "kind", "cloud", "tls", "schema"];

const PAGES: Readonly<Record<string, PlanReport>> = {
  crowded: CROWDED,
  hostile: HOSTILE,
  "without anything": planOf({ platforms: [], uses: [], resources: [] }),
  "without changes": planOf({ compared: ["a"] }),
  "without prices": { ...CROWDED, cost: null },
  "whose cost is compared with nothing": planOf({ cost: { ...COST, before: null, limitUsd: null } }),
};

describe.each(Object.entries(PAGES))("the page of a plan %s", (_name, report) => {
  const page = pageOf(report);

  it("has a language, a title, and headings in order", () => {
    expect(named(page, "html").map(({ attributes }) => attributes.lang)).toEqual(["en"]);
    expect(named(page, "title")[0]?.text).toContain(report.environment);
    const levels = page.filter(({ name }) => /^h[1-6]$/.test(name)).map(({ name }) => Number(name[1]));
    expect(levels.filter((level) => level === 1)).toEqual([1]);
    expect(levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1)).toEqual([]);
  });

  it("names every table and picture, and the rows and columns of each table", () => {
    expect(named(page, "table").filter(({ children }) => children[0]?.name !== "caption")).toEqual([]);
    expect(named(page, "th").filter(({ attributes }) => !["row", "col"].includes(attributes.scope ?? ""))).toEqual([]);
    const pictures = named(page, "svg").filter(({ attributes }) => attributes["aria-hidden"] !== "true");
    expect(pictures.map(({ attributes, children }) => [attributes.role, children[0]?.name, children[1]?.name])).toEqual([
      ["img", "title", "desc"],
      ["img", "title", "desc"],
    ]);
    expect(
      page.filter(({ attributes }) => attributes.role === "img" && !attributes["aria-label"] && !attributes["aria-labelledby"]),
    ).toEqual([]);
  });

  it("refers only to what is in it", () => {
    const ids = page.flatMap(({ attributes }) => attributes.id ?? []);
    const referred = page.flatMap(({ attributes: { href = "", ...others } }) => [
      ...(href.startsWith("#") ? [href.slice(1)] : []),
      ...(others["aria-labelledby"]?.split(" ") ?? []),
    ]);
    expect(referred.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it("loads nothing, runs nothing, and forbids both", () => {
    const names = ["script", "img", "iframe", "object", "embed", "image", "use", "foreignObject", "form"];
    expect(page.filter(({ name }) => names.includes(name))).toEqual([]);
    const links = page
      .filter(({ name, attributes }) => name !== "a" || !attributes.href?.startsWith("https://"))
      .flatMap(({ attributes }) => Object.entries(attributes))
      .filter(([key]) => /^(src.*|href|xlink:href|data|action|on.*)$/.test(key));
    expect(links.filter(([key, value]) => key !== "href" || !/^(#[a-z-]+|data:,)$/.test(value))).toEqual([]);
    expect(textOf(named(page, "style"))).not.toMatch(/url\(|@import|expression/);
    const policy = page.find(({ attributes }) => attributes["http-equiv"] === "Content-Security-Policy");
    expect(policy?.attributes.content).toMatch(/^default-src 'none'; style-src 'unsafe-inline'; img-src data:/);
    // A policy holds for what stands below it.
    expect(page.indexOf(policy as Element)).toBeLessThan(page.findIndex(({ name }) => ["link", "style", "title"].includes(name)));
  });
});

describe("the page of a plan", () => {
  it("contains every text of its report", () => {
    const text = textOf(pageOf(CROWDED));
    const texts = textsOf(CROWDED);
    expect(texts.length).toBeGreaterThan(250);
    expect(texts.filter((each) => !text.includes(each))).toEqual([]);
    for (const { name, connections } of CROWDED.platforms) expect(text).toContain(`${name}${connections} (`);
  });

  it("draws every instance and platform in both pictures, with how it connects, and what happens to it", () => {
    const pictures = named(pageOf(CROWDED), "svg").filter(({ attributes }) => attributes.role === "img");
    const drawn = pictures.map((picture) => picture.children.filter(({ name }) => name === "text").map(({ text }) => text));
    for (const texts of drawn) {
      const names = [...CROWDED.instances, ...CROWDED.platforms].map(({ name }) => name);
      expect(names.filter((name) => !texts.includes(name))).toEqual([]);
      const count = (words: string) => texts.filter((text) => text === words).length;
      const having = (test: (platform: (typeof CROWDED.platforms)[number]) => boolean) => CROWDED.platforms.filter(test).length;
      expect(count("TLS, verify-full")).toBe(having(({ access, tls }) => access === "direct" && tls === "verify-full"));
      expect(count("TLS, verify-ca")).toBe(2);
      expect(count("Auth Proxy beside it")).toBe(having(({ access }) => access === "sidecar"));
      expect(count("Auth Proxy for all its pods")).toBe(1);
      expect(count("standby in a second zone")).toBe(2);
      expect([count("read replica"), count("3 read replicas")]).toEqual([2, 1]);
      expect(count("postgres.legacy.example.internal:5432") + count("database")).toBe(2);
      expect(texts.filter((text) => text.endsWith(" to the replica"))).toHaveLength(3);
    }
    const badges = pictures.map((picture) =>
      picture.children.filter(({ attributes }) => attributes.class?.startsWith("badge")).map(({ text }) => text),
    );
    for (const each of badges) expect([...each].sort()).toEqual(["changes", "changes", "lost", "lost", "refused"]);
  });

  it("shows changes by level, the worst first, and each in the level's colour", () => {
    const levels = pageOf(CROWDED).filter(({ attributes }) => attributes.class?.startsWith("level "));
    expect(levels.map(({ attributes, children }) => [attributes.class, children.filter(({ name }) => name === "div").length])).toEqual([
      ["level lost", 2],
      ["level refused", 1],
      ["level outage", 1],
      ["level cost", 1],
      ["level other", 1],
    ]);
    expect(levels[0]?.text).toContain("instances.main.backupRetentionDays35 → 30instances.flyte.backupRetentionDays35 → 30backups older");
  });

  it("shows connections as parts of a bar that is max_connections long", () => {
    const bars = pageOf(CROWDED).filter(({ attributes }) => attributes.class === "stack");
    expect(bars).toHaveLength(8);
    for (const { children } of bars) {
      const widths = children.map(({ attributes }) => Number(/^width:([\d.]+)%$/.exec(attributes.style ?? "")?.[1]));
      expect(Math.abs(widths.reduce((sum, each) => sum + each, 0) - 100)).toBeLessThan(0.2);
    }
    expect(bars[0]?.attributes["aria-label"]).toMatch(/^prefect 134, shop 3, .*, reserved 15, free 1310, of 1770$/);
  });

  it("shows every part's price, before and after, and a bar as long as it is", () => {
    const rows = named(pageOf(CROWDED), "tr").filter(
      ({ parent }) => parent?.parent?.attributes.class === "prices" && parent.name === "tbody",
    );
    const price = (usd: number | null | undefined, unknown: string) =>
      usd === undefined ? "–" : usd === null ? unknown : `$${usd.toFixed(2)}`;
    const find = (parts: readonly { part: string; usd: number | null }[] = [], words: string) =>
      parts.find(({ part }) => part === words)?.usd;
    expect(rows).toHaveLength(7);
    for (const { children, text } of rows) {
      const part = children[0]?.text ?? "";
      const [before, after] = [find(COST.before?.parts, part), find(COST.after.parts, part)];
      expect(text).toBe(`${part}${price(before, "unknown")}${price(after, "price unknown")}`);
      const [bar] = children[1]?.children ?? [];
      const long = after === null ? "100" : (((after ?? before ?? 0) / 937.6) * 100).toFixed(2);
      expect(bar?.attributes.style).toBe(`width:${long}%`);
    }
  });

  it("shows each instance in the words of every form of a plan", () => {
    const text = textOf(pageOf(CROWDED));
    for (const instance of CROWDED.instances) {
      const words = [diskOf(instance), backupsOf(instance), connectionsOf(instance.connections)];
      if (instance.server !== null) words.push(sizeOf(instance), availabilityOf(instance));
      expect(words.filter((each) => !text.includes(each))).toEqual([]);
    }
  });

  it("marks what has no price, and the limit", () => {
    const page = pageOf(CROWDED);
    expect(page.filter(({ attributes }) => attributes.class === "fill unknown")).toHaveLength(1);
    expect(page.filter(({ attributes }) => attributes.class === "unknown-price").map(({ text }) => text)).toEqual([
      "without 1 part whose price is unknown",
      "unknown",
      "price unknown",
    ]);
    // 1600 of the longest bar, which is 2 % longer than 1913.74.
    expect(page.filter(({ attributes }) => attributes.class === "limit").map(({ attributes }) => attributes.style)).toEqual([
      "left:81.97%",
      "left:81.97%",
    ]);
    expect(textOf(page)).toContain("✖ above monthlyCostLimitUsd ($1,600.00)");
    const within = textOf(pageOf(planOf({ cost: { ...COST, limitUsd: 2000 } })));
    expect(within).toContain("the known prices are within monthlyCostLimitUsd ($2,000.00)");
    const known = { ...COST.after, parts: COST.after.parts.filter(({ usd }) => usd !== null) };
    const all = textOf(pageOf(planOf({ cost: { ...COST, after: known, limitUsd: 2000 } })));
    expect(all).toContain("✔ within monthlyCostLimitUsd ($2,000.00)");
  });

  it("leaves out what a report has nothing of", () => {
    const sections = (report: PlanReport) => named(pageOf(report), "section").map(({ attributes }) => attributes.id);
    expect(sections(planOf({ platforms: [], uses: [] }))).toEqual(["topology", "connections", "instances", "resources"]);
    expect(sections(CROWDED)).toEqual([
      "changes",
      "notes",
      "topology",
      "connections",
      "cost",
      "instances",
      "platforms",
      "rights",
      "exists",
      "resources",
    ]);
  });

  it.each([
    [planOf(), "other", "Nothing was compared. This is what a first deployment would create."],
    [planOf({ compared: ["a"] }), "good", "Nothing in a changes."],
    [CROWDED, "lost", "4 of 8 changes would be lost or refused."],
  ])("says what it comes to (%#)", (report, level, sentence) => {
    const verdict = pageOf(report).find(({ attributes }) => attributes.class?.startsWith("verdict"));
    expect([verdict?.attributes.class, verdict?.text]).toEqual([`verdict ${level}`, expect.stringContaining(sentence)]);
  });
});

describe("texts that people write", () => {
  it("never become markup, wherever they stand", () => {
    const [known, found] = [pageOf(CROWDED), pageOf(HOSTILE)];
    const kinds = (page: readonly Element[]) =>
      new Set(page.flatMap(({ name, attributes }) => [name, ...Object.keys(attributes).map((key) => `${name} ${key}`)]));
    expect([...kinds(found)].filter((kind) => !kinds(known).has(kind))).toEqual([]);
    const classes = (page: readonly Element[]) => new Set(page.map(({ attributes }) => attributes.class ?? ""));
    expect([...classes(found)].filter((each) => !classes(known).has(each))).toEqual([]);
    const styles = found.flatMap(({ attributes }) => attributes.style ?? []);
    expect(styles.filter((style) => !/^(width|left):[\d.]+%$/.test(style))).toEqual([]);
    // Each is there, as it was written.
    const written = textsOf(HOSTILE);
    expect(written.filter((each) => each.includes(NASTY)).length).toBeGreaterThan(250);
    expect(written.filter((each) => !textOf(found).includes(each))).toEqual([]);
  });

  it("are escaped by the template itself, in texts and attributes, once", () => {
    expect(html`<p title="${NASTY}">${NASTY}</p>`.text).not.toMatch(/<(?!\/?p\b)/);
    expect(html`${html`<b>${"&"}</b>`}${["<", html`<i>`]}${1}`.text).toBe("<b>&amp;</b>&lt;<i>1");
    expect(html`${new Markup("<br>")}`.text).toBe("<br>");
  });

  it("show characters that are invisible, or turn what follows", () => {
    expect(html`${"a\u0000b\u001b[31m\u202ec\u2066\ud800d\ne"}`.text).toBe("a\\u0000b\\u001b[31m\\u202ec\\u2066\\ud800d\ne");
  });
});

describe("colours", () => {
  const channel = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => channel(Number.parseInt(colour.slice(at, at + 2), 16) / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  /** As WCAG 2 computes it. */
  const contrast = (one: string, other: string) => {
    const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const tooWeak = (palette: Palette, pairs: typeof TEXTS, least: number) =>
    pairs.map(([front, back]) => [front, back, contrast(palette[front], palette[back])] as const).filter(([, , ratio]) => ratio < least);

  it("compute as WCAG's own examples", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });

  it.each(Object.entries({ light: LIGHT, dark: DARK }))("can be read in the %s scheme", (_scheme, palette) => {
    expect(tooWeak(palette, TEXTS, 4.5)).toEqual([]);
    expect(tooWeak(palette, GRAPHICS, 3)).toEqual([]);
  });

  it("are the palette's everywhere", () => {
    const rules = STYLE.replaceAll(/:root\{[^}]*\}/g, "");
    expect(rules.match(/#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(/gi) ?? []).toEqual(["#fff"]);
    const variables = [...rules.matchAll(/var\(--([a-z0-9-]+)\)/g)].map(([, name = ""]) => name);
    expect(variables.filter((name) => !Object.hasOwn(LIGHT, name) && !["level", "level-back"].includes(name))).toEqual([]);
  });

  it("are not the only difference between platforms: neighbours in a bar also differ in pattern", () => {
    const platforms = Array.from({ length: 30 }, (_, index) => platformOf(`p${index}`, "main", { connections: 10 }));
    const page = pageOf(planOf({ platforms, instances: [instanceOf("main", platforms)] }));
    const classes = page
      .filter(({ attributes }) => /^bar s\d/.test(attributes.class ?? ""))
      .map(({ attributes }) => attributes.class ?? "");
    expect(new Set(classes).size).toBe(30);
    expect(classes.filter((each, index) => each.split(" ")[2] === classes[index - 1]?.split(" ")[2])).toEqual([]);
  });
});

describe("npm run plan -- --format html", () => {
  it.each(["aws", "gcp"])("writes one page of at most 200 kB for production on %s", (cloud) => {
    const { status, stdout, stderr } = project.run("plan", ["--environment", "production", "--cloud", cloud, "--format", "html"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(Buffer.byteLength(stdout)).toBeLessThan(200_000);
    const text = textOf(parse(stdout));
    for (const name of ["main", "flyte", "mlflow", "prefect", "skillflaw"]) expect(text).toContain(name);
    expect(text).toContain("Replace these placeholder IDs");
  });
});
