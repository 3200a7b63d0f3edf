import type { Level } from "./change";
import { arrow, arrowDown, BADGE, badge, box, cylinder, proxy, text, wire } from "./drawing";
import { html, type Markup, NOTHING, type Part } from "./markup";
import type { InstanceReport, PlanReport, PlatformReport } from "./report";
import { accessOf, availabilityOf, chartOf, grouped, LEVEL_BADGES, placeOf, sizeOf, worstBySubject } from "./words";

type Levels = ReadonlyMap<string, Level>;

/** A drawing and its height. */
interface Drawn {
  readonly height: number;
  readonly markup: Part;
}

/** Positions of an instance's vertical lines: to its replica, and to itself. */
interface Bus {
  readonly reads: number;
  readonly writes: number;
  /** Where the lines end. */
  readonly end: number;
}

const GAP = 12;
const NODE = { height: 34, gap: 18, first: 80 } as const;

/** Platforms on the left, their instance on the right. */
const WIDE = {
  width: 1100,
  platform: 322,
  instance: 700,
  bus: { reads: 646, writes: 664, end: 720 },
  /** Size of a platform's box, and where its lines begin. */
  height: (platform: PlatformReport) => (reads(platform) ? 64 : 50),
  line: 25,
} as const;

/** An instance above its platforms. */
const NARROW = {
  width: 360,
  platform: 45,
  bus: { reads: 12, writes: 26, end: 45 },
  height: (platform: PlatformReport) => (reads(platform) ? 94 : 72),
  line: 56,
} as const;

/** Distance of the line to the replica below the other line. */
const READS = 24;

const reads = ({ readerConnections }: PlatformReport): boolean => readerConnections > 0;
const readsWords = ({ readerConnections }: PlatformReport): string => `${grouped(readerConnections)} to the replica`;

/** Draws the topology twice: side by side for wide screens, and stacked for narrow ones. */
export function toTopology(report: PlanReport): Markup {
  const levels = worstBySubject(report.changes);
  const forms = [
    ["wide", WIDE.width, drawWide(report, levels)],
    ["narrow", NARROW.width, drawNarrow(report, levels)],
  ] as const;
  return html`${forms.map(
    ([form, width, { height, markup }]) =>
      html`<svg class="picture ${form}" role="img" viewBox="0 0 ${width} ${height}" aria-labelledby="${form}-title ${form}-text"><title id="${form}-title">Topology of ${report.environment}</title><desc id="${form}-text">${describe(report)}</desc>${markup}</svg>\n`,
  )}${toKey(report)}`;
}

/** Describes the picture in words. */
function describe(report: PlanReport): string {
  const sentences = report.instances.map((instance) => {
    const lines = platformsOf(report, instance).map(
      (platform) => `${platform.name} connects by ${accessOf(platform)}${reads(platform) ? ", and reads from the first read replica" : ""}`,
    );
    const what = instance.server === null ? sizeOf(instance) : availabilityOf(instance);
    return `Instance ${instance.name}: ${what}. ${lines.length === 0 ? "No platform connects" : lines.join("; ")}.`;
  });
  return sentences.join(" ");
}

const platformsOf = ({ platforms }: PlanReport, { name }: InstanceReport) => platforms.filter(({ instance }) => instance === name);

function drawWide(report: PlanReport, levels: Levels): Drawn {
  const cluster = report.uses.find(({ path }) => path.endsWith(".cluster.name"));
  const { width, instance: x, bus } = WIDE;
  const groups = below(report.instances, 28, 34, (instance, top) => {
    const those = platformsOf(report, instance);
    const panel = drawInstance(instance, levels, { x, y: top, width: width - x - 1, left: bus.end });
    // A few platforms are drawn beside the primary; many begin at the top of the instance.
    const length = those.reduce((sum, platform) => sum + WIDE.height(platform) + GAP, -GAP);
    const rows = place(those, Math.max(top, panel.primary - length / 2), WIDE.height);
    const none = those.length === 0 ? text(2, panel.primary + 4, "no platform connects", { width: 300, as: "quiet" }) : NOTHING;
    return {
      height: Math.max(panel.height, ...rows.map(({ platform, y }) => y + WIDE.height(platform) - top)),
      markup: [rows.map(({ platform, y }) => drawPlatformWide(platform, levels, y)), none, panel.markup, drawBus(rows, panel, WIDE)],
    };
  });
  const heads = [
    text(2, 14, cluster === undefined ? "Platforms" : `Platforms in ${cluster.what} ${cluster.id}`, { width: x - 20, as: "quiet" }),
    text(x + 2, 14, `Databases on ${placeOf({ ...report, account: null })}`, { width: width - x - 4, as: "quiet" }),
  ];
  return { height: groups.height, markup: [heads, groups.markup] };
}

function drawPlatformWide(platform: PlatformReport, levels: Levels, y: number): Part {
  const { platform: right, bus, line } = WIDE;
  const isShared = platform.access === "proxy";
  const [middle, via] = [y + line, isShared ? right + 100 : right];
  const first = isShared ? via + 18 : right + 44;
  const label = (at: number, words: string, as = "") => text(first, at, words, { width: bus.reads - first - 4, as });
  return [
    wire("", via, middle, bus.writes, middle),
    isShared
      ? [wire("plain", right, middle, via, middle), text(right + 10, middle - 7, "without TLS", { width: 80, as: "quiet" })]
      : NOTHING,
    label(middle - 7, accessOf(platform)),
    reads(platform)
      ? [wire("reads", right, middle + READS, bus.reads, middle + READS), label(middle + READS - 6, readsWords(platform), "quiet")]
      : NOTHING,
    drawPlatform(platform, levels, { x: 1, y, width: right - 1, height: WIDE.height(platform), badge: 25 }),
    platform.access === "direct" ? NOTHING : proxy(via, middle),
  ];
}

interface PlatformPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Vertical position of its badge. */
  readonly badge: number;
}

/** A platform's box, with its name and chart. */
function drawPlatform(platform: PlatformReport, levels: Levels, at: PlatformPlace): Part {
  const level = levels.get(`platforms.${platform.name}`);
  return [
    box(at.x, at.y, at.width, at.height, "box"),
    text(at.x + 14, at.y + 21, platform.name, { width: at.width - 28, as: "name" }),
    text(at.x + 14, at.y + 39, chartOf(platform) || platform.title, {
      width: at.width - 32 - (level === undefined || at.badge > 30 ? 0 : BADGE),
      as: "quiet",
    }),
    level === undefined ? NOTHING : badge(at.x + at.width - 16, at.y + at.badge, level, LEVEL_BADGES[level]),
  ];
}

/** An instance's panel, and the points where lines enter it. */
interface Panel extends Drawn {
  readonly primary: number;
  readonly replica: number;
}

interface PanelPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Where its servers begin: left of them are only lines. */
  readonly left: number;
}

function drawInstance(instance: InstanceReport, levels: Levels, { x, y, width, left }: PanelPlace): Panel {
  const { name, majorVersion, server, existing, standby, readReplicas } = instance;
  const level = levels.get(`instances.${name}`);
  const [right, as] = [x + width - 16, server === null ? "existing" : ""];
  const topOf = (index: number) => y + NODE.first + index * (NODE.height + NODE.gap);
  const number = 1 + Number(standby) + Number(readReplicas > 0);
  const [first, last] = [topOf(0), topOf(number - 1)];
  const node = (top: number, label: string, kind: string, end: number) => [
    box(left, top, end - left, NODE.height, `box ${kind} ${as}`),
    cylinder(left + 20, top + NODE.height / 2, kind === "primary" ? "accent" : ""),
    text(left + 40, top + 22, label, { width: 190 }),
  ];
  const disk = server === null ? "" : `${grouped(server.disk.gib)} GiB ${server.disk.type}`;
  const markup = [
    box(x, y, width, last + NODE.height + 16 - y, `frame ${as}`),
    text(x + 16, y + 25, name, { width: width - 36 - (level === undefined ? 0 : BADGE), as: "name" }),
    level === undefined ? NOTHING : badge(right, y + 11, level, LEVEL_BADGES[level]),
    text(x + 16, y + 45, existing ?? sizeOf(instance), { width: width - 32 }),
    text(x + 16, y + 64, `PostgreSQL ${majorVersion}${server === null ? ", exists already" : ""}`, { width: width - 32, as: "quiet" }),
    node(first, server === null ? "database" : "primary", "primary", right),
    disk === "" ? NOTHING : text(right - 12, first + 22, disk, { width: 150, as: "quiet end" }),
    standby ? [node(topOf(1), "standby in a second zone", "", right - 34), copies(right - 64, first, topOf(1))] : NOTHING,
    readReplicas === 0
      ? NOTHING
      : [
          readReplicas > 1 ? box(left + 5, last + 5, right - left, NODE.height, "box") : NOTHING,
          node(last, readReplicas === 1 ? "read replica" : `${readReplicas} read replicas`, "", right),
          copies(right - 18, first, last),
        ],
  ];
  return { height: last + NODE.height + 16 - y, markup, primary: first + NODE.height / 2, replica: last + NODE.height / 2 };
}

/** The line that shows replication to a copy. */
const copies = (x: number, first: number, top: number): Part => [wire("copies", x, first + NODE.height, x, top - 4), arrowDown(x, top)];

/** A platform, and the position of its box. */
interface Row {
  readonly platform: PlatformReport;
  readonly y: number;
}

function place(platforms: readonly PlatformReport[], top: number, height: (platform: PlatformReport) => number): readonly Row[] {
  let y = top;
  return platforms.map((platform) => {
    const row = { platform, y };
    y += height(platform) + GAP;
    return row;
  });
}

/** The lines from platforms' rows into an instance. */
function drawBus(rows: readonly Row[], { primary, replica }: Panel, { bus, line }: { readonly bus: Bus; readonly line: number }): Part {
  const trunk = (x: number, ys: readonly number[], y: number, as: string) =>
    ys.length === 0
      ? NOTHING
      : [wire(as, x, Math.min(...ys, y), x, Math.max(...ys, y)), wire(as, x, y, bus.end - 6, y), arrow(bus.end, y, as)];
  const readers = rows.filter(({ platform }) => reads(platform));
  return [
    trunk(
      bus.writes,
      rows.map(({ y }) => y + line),
      primary,
      "",
    ),
    trunk(
      bus.reads,
      readers.map(({ y }) => y + line + READS),
      replica,
      "reads",
    ),
  ];
}

function drawNarrow(report: PlanReport, levels: Levels): Drawn {
  const { width, bus } = NARROW;
  return below(report.instances, 1, 32, (instance, top) => {
    const panel = drawInstance(instance, levels, { x: 1, y: top, width: width - 2, left: bus.end });
    const rows = place(platformsOf(report, instance), top + panel.height + 16, NARROW.height);
    return {
      height: Math.max(panel.height, ...rows.map(({ platform, y }) => y + NARROW.height(platform) - top)),
      markup: [panel.markup, drawBus(rows, panel, NARROW), rows.map(({ platform, y }) => drawPlatformNarrow(platform, levels, y))],
    };
  });
}

function drawPlatformNarrow(platform: PlatformReport, levels: Levels, y: number): Part {
  const { width, platform: x, bus } = NARROW;
  const middle = y + NARROW.line;
  const label = x + (platform.access === "direct" ? 14 : 22);
  return [
    wire(platform.access === "proxy" ? "plain" : "", bus.writes, middle, x, middle),
    drawPlatform(platform, levels, { x, y, width: width - x - 1, height: NARROW.height(platform), badge: 47 }),
    platform.access === "direct" ? NOTHING : proxy(x, middle),
    text(label, middle + 4, accessOf(platform), { width: width - label - BADGE - 20 }),
    reads(platform)
      ? [
          wire("reads", bus.reads, middle + READS, x, middle + READS),
          text(x + 14, middle + READS + 4, readsWords(platform), { width: 280, as: "quiet" }),
        ]
      : NOTHING,
  ];
}

/** Draws items below each other. @param draw gets the start of the item. */
function below<T>(each: readonly T[], top: number, gap: number, draw: (item: T, y: number) => Drawn): Drawn {
  let y = top;
  const markup = each.map((item) => {
    const drawn = draw(item, y);
    y += drawn.height + gap;
    return drawn.markup;
  });
  return { height: y - gap + 2, markup };
}

/** The legend, with the signs that the picture contains. */
function toKey({ instances, platforms }: PlanReport): Markup {
  const some = (test: (platform: PlatformReport) => boolean) => platforms.some(test);
  const verifies = (tls: string) => some((platform) => platform.access === "direct" && platform.tls === tls);
  const sample = (...parts: readonly Part[]) => html`<svg width="34" height="24" viewBox="0 0 34 24" aria-hidden="true">${parts}</svg>`;
  const line = (as: string) => wire(as, 1, 12, 33, 12);
  const entries: readonly (readonly [isThere: boolean, sign: Part, words: string])[] = [
    [platforms.length > 0, sample(line(""), arrow(34, 12)), "connects to the primary"],
    [some(reads), sample(line("reads"), arrow(34, 12, "reads")), "reads from the first read replica"],
    [some(({ access }) => access !== "direct"), sample(proxy(17, 12)), "Cloud SQL Auth Proxy: encrypts, and verifies the server"],
    [some(({ access }) => access === "proxy"), sample(line("plain")), "without TLS, within the cluster"],
    [verifies("verify-full"), html`<b>verify-full</b>`, "checks the server's certificate and its name"],
    [verifies("verify-ca"), html`<b>verify-ca</b>`, "checks the server's certificate, not its name"],
    [
      instances.some(({ standby, readReplicas }) => standby || readReplicas > 0),
      sample(line("copies")),
      "receives every change of the primary",
    ],
    [
      instances.some(({ server }) => server === null),
      sample(html`<rect x="2" y="3" width="30" height="18" rx="5" class="box existing"/>`),
      "exists already: a deployment does not change the server",
    ],
  ];
  return html`<ul class="key">${entries.map(([isThere, sign, words]) => (isThere ? html`<li>${sign}<span>${words}</span></li>` : NOTHING))}</ul>`;
}
