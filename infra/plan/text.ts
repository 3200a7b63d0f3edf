import pc from "picocolors";
import { formatViolation } from "../../constructs/model/errors";
import { toTable } from "../table";
import { type Alike, isDanger, joinAlike, LEVELS, toHeading } from "./change";
import type { CostReport } from "./cost-report";
import type { InstanceReport, PlanReport, PlatformReport } from "./report";
import { accessOf, chartOf, differenceOf, LEVEL_WORDS, placeOf, shareOf, sheetOf, unknownOf, usd, verdictOf } from "./words";

/** Returns a plan for a terminal: instances and platforms, cost, changes and notes. */
export function toText(report: PlanReport): string {
  const sections = [
    `${pc.bold(report.environment)} on ${placeOf(report)}`,
    ...report.instances.map(toInstance),
    toPlatforms(report),
    toRights(report.platforms),
    toUses(report),
    report.cost === null ? "" : toCost(report.cost),
    toNotes(report),
    toChanges(report),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function toInstance(instance: InstanceReport): string {
  const rows = sheetOf(instance);
  const width = Math.max(...rows.map(([word]) => word.length));
  return [
    `${pc.bold(`instance ${instance.name}`)}: PostgreSQL ${instance.majorVersion}`,
    ...rows.map(([word, value]) => `  ${word.padEnd(width)}  ${value}`),
  ].join("\n");
}

function toPlatforms({ platforms, instances }: PlanReport): string {
  if (platforms.length === 0) return "";
  const rows = platforms.map((platform) => {
    const max = instances.find(({ name }) => name === platform.instance)?.connections.max ?? 1;
    const chart = chartOf(platform);
    const kind = platform.kind === platform.name ? "" : ` (${platform.title})`;
    const readers = platform.readerConnections > 0 ? `\n${platform.readerConnections} to the replica` : "";
    return [
      `${pc.bold(platform.name)}${kind}${chart === "" ? "" : `\n${chart}`}`,
      platform.instance,
      platform.databases.join("\n"),
      platform.logins.join("\n"),
      accessOf(platform),
      `at most ${platform.connections} (${shareOf(platform, max)})${readers}`,
    ];
  });
  return toTable(["platform", "instance", "databases", "login", "connects by", "connections"], rows);
}

function toRights(platforms: readonly PlatformReport[]): string {
  const lines = platforms.flatMap(({ name, rights }) => rights.map((right) => `  ${name}: ${right}`));
  return lines.length === 0 ? "" : ["rights in every namespace that charts grant:", ...lines].join("\n");
}

const toUses = ({ uses }: PlanReport): string =>
  uses.length === 0 ? "" : ["existing, only read:", ...uses.map(({ path, what, id }) => `  ${what} ${id} ${pc.dim(path)}`)].join("\n");

function toCost({ after, before, limitUsd, pricesOf, notCounted }: CostReport): string {
  const rows = after.parts.map(({ instance, part, usd: price }) => [instance ?? "", part, price === null ? "price unknown" : usd(price)]);
  const sum = [pc.bold("total"), unknownOf(after), pc.bold(usd(after.usd))];
  const lines = [
    toTable(["instance", "part", "USD a month"], [...rows, sum], { aligns: ["left", "left", "right"] }),
    before === null ? "" : differenceOf(before, after),
    limitUsd !== null && after.usd > limitUsd ? `${pc.yellow("!")} above monthlyCostLimitUsd (${usd(limitUsd)})` : "",
    pc.dim(`list prices on demand${pricesOf === null ? "" : `, the oldest of ${pricesOf}`}; not counted: ${notCounted.join(", ")}`),
  ];
  return lines.filter((line) => line !== "").join("\n");
}

function toNotes({ warnings, notes, examples, resources }: PlanReport): string {
  const mark = pc.yellow("!");
  return [
    pc.dim(
      `${resources.reduce((sum, { count }) => sum + count, 0)} resources in ${new Set(resources.map(({ stack }) => stack)).size} parts`,
    ),
    ...(examples.length === 0 ? [] : [`${mark} replace these placeholder IDs before you deploy: ${examples.join(", ")}`]),
    ...warnings.map(({ acknowledged, id, ...found }) =>
      acknowledged === null
        ? `${mark} ${formatViolation({ ...found, ...(id === null ? {} : { id }) })}`
        : pc.dim(`  ${formatViolation({ ...found, remedy: `acknowledged: ${acknowledged}`, ...(id === null ? {} : { id }) })}`),
    ),
    ...notes.map((note) => `${mark} ${note}`),
  ].join("\n");
}

function toChanges(report: PlanReport): string {
  const { compared, changes, details } = report;
  if (compared === null) return "";
  const groups = LEVELS.flatMap((level) => {
    const those = changes.filter((change) => change.level === level);
    return those.length === 0 ? [] : [`${pc.bold(LEVEL_WORDS[level])}:`, ...joinAlike(those).map(toChange)];
  });
  const where = changes.length === 0 && details.length > 0 ? [pc.dim("  --format markdown lists them")] : [];
  return [...groups, `${report.isDangerous ? pc.red("✖") : pc.green("✔")} ${verdictOf(report)}`, ...where].join("\n");
}

function toChange({ level, effect, remedy, changes }: Alike): string {
  const mark = isDanger({ level }) ? pc.red("✖") : level === "other" ? " " : pc.yellow("!");
  return [
    ...changes.map((change) => `  ${mark} ${toHeading(change)}`),
    ...(effect === "" ? [] : [`      ${effect}`]),
    ...(remedy === "" ? [] : [pc.dim(`      ${remedy}`)]),
  ].join("\n");
}
