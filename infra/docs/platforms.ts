import { local } from "../../constructs/local/target";
import { peak } from "../../constructs/model/budget";
import type { Platform } from "../../constructs/model/platform";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { ACKNOWLEDGED, type PlatformName, shownSettings, toTable } from "./facts";

/** The longest version that is shown completely: a commit is shortened. */
const LONGEST_VERSION = 20;
const SHORT_VERSION = 8;

/** A table with a row for each platform. @param docs the folder of pages, relative to the table's page. */
export const platformsTable = (docs: string): string =>
  toTable(
    ["platform", "chart, verified versions", "driver", "databases", "connections by default"],
    (Object.keys(platforms) as PlatformName[]).map((name) => toRow(name, docs)),
  ).join("\n");

function toRow(name: PlatformName, docs: string): readonly string[] {
  const platform: Platform = platforms[name];
  const written = shownSettings(name)[0] ?? {};
  const spec = { name: "docs", acknowledge: ACKNOWLEDGED, instances: { main: {} }, platforms: { [name]: written } };
  const { settings } = resolveUnknown(spec, { target: local, platforms }).platforms[name] ?? {};
  if (settings === undefined) throw new TypeError(`${name} was not resolved`);
  const chart = platform.chart(settings);
  const versions = chart?.verified.map(({ version }) => (version.length > LONGEST_VERSION ? version.slice(0, SHORT_VERSION) : version));
  const databases = Object.values(platform.databases(settings)).map((each) => `\`${each.name}\``);
  return [
    `[${platform.title}](${docs}/${name}.md)`,
    chart === null ? "none" : `\`${chart.name}\` ${versions?.join(", ")}`,
    platform.driver.name,
    databases.join(", "),
    String(peak(platform.connections(settings))),
  ];
}
