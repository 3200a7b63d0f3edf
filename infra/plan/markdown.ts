import { type Change, isDanger, LEVELS } from "./change";
import type { Cost, CostReport } from "./cost-report";
import { visible } from "./markup";
import type { InstanceReport, PlanReport, WarningReport } from "./report";
import { accessOf, chartOf, differenceOf, LEVEL_WORDS, partsOnlyIn, placeOf, shareOf, sheetOf, unknownOf, usd, verdictOf } from "./words";

/** Most characters of a comment: GitHub accepts 65,536. */
const LONGEST = 65_000;
/** Most characters of changes, of which the worst are shown, and of lines by resource. */
const LONGEST_CHANGES = 25_000;
const LONGEST_DETAILS = 30_000;

/** Returns a plan as a comment for a pull request: a summary, and folded details. */
export function toMarkdown(report: PlanReport): string {
  const always = [
    // A workflow finds its earlier comment by this line.
    `<!-- platform-postgres plan: ${report.environment} ${report.cloud} -->`,
    `### Plan of \`${report.environment}\` on ${inline(placeOf(report))}`,
    toShort(report),
    toChanges(report.changes),
  ];
  const folded = [
    fold("After the deployment", [...report.instances.map(toInstance), toPlatforms(report), toRights(report), toUses(report)]),
    report.cost === null ? "" : fold(`Cost: ${usd(report.cost.after.usd)} a month`, [toCost(report.cost)]),
    fold(`Warnings and notes (${report.warnings.length + report.notes.length})`, [toNotes(report)]),
    fold("Resource by resource", [toDetails(report.details)]),
  ];
  return `${[...always, ...folded].filter((section) => section !== "").reduce(append)}\n`;
}

/** Leaves out parts that would make a comment too long. */
const append = (comment: string, section: string): string => {
  const longer = `${comment}\n\n${section}`;
  if (longer.length < LONGEST) return longer;
  const left = "Some parts do not fit into a comment: `--format html` shows all of them.";
  return comment.endsWith(left) ? comment : `${comment}\n\n${left}`;
};

function toShort(report: PlanReport): string {
  const { cost, examples } = report;
  return [
    `**${inline(verdictOf(report))}**`,
    ...(cost === null
      ? []
      : [
          `Cost: ${usd(cost.after.usd)} a month${cost.before === null ? "" : `, ${differenceOf(cost.before, cost.after)}`}${plain(unknownOf(cost.after))}.`,
        ]),
    ...(cost !== null && cost.limitUsd !== null && cost.after.usd > cost.limitUsd
      ? [`:warning: Above \`monthlyCostLimitUsd\` (${usd(cost.limitUsd)}).`]
      : []),
    ...(examples.length === 0 ? [] : [`Placeholder IDs: ${examples.map(code).join(", ")}; replace them before you deploy.`]),
  ].join("\n\n");
}

const plain = (text: string): string => (text === "" ? "" : `, ${text}`);

const MARKS: Readonly<Record<Change["level"], string>> = {
  lost: ":x: lost",
  refused: ":x: refused",
  outage: ":warning: interrupts",
  cost: "costs",
  other: "changes",
};

function toChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return "";
  const counts = LEVELS.map((level) => [level, changes.filter((change) => change.level === level).length] as const);
  const shown = counts.filter(([, count]) => count > 0).map(([level, count]) => `${count} ${LEVEL_WORDS[level]}`);
  const rows = changes.map(({ level, path, before, after, effect, remedy }) => [
    MARKS[level],
    code(path),
    before === null && after === null ? "" : `${code(before ?? "nothing")} → ${code(after ?? "nothing")}`,
    [effect, isDanger({ level }) && remedy !== "" ? `**${inline(remedy)}**` : inline(remedy)]
      .map((text, index) => (index === 0 ? inline(text) : text))
      .filter((text) => text !== "")
      .join("; "),
  ]);
  const first = rows.slice(0, numberWithin(rows, LONGEST_CHANGES));
  const more = first.length === rows.length ? "" : `\n\n${rows.length - first.length} more: \`--format html\` shows all of them.`;
  return `${shown.join(", ")}:\n\n${table(["", "setting", "change", "what happens"], first)}${more}`;
}

/** Number of rows that together fit into a number of characters. */
function numberWithin(rows: readonly (readonly string[])[], most: number): number {
  let length = 0;
  const index = rows.findIndex((row) => {
    length += row.join(" | ").length;
    return length > most;
  });
  return index < 0 ? rows.length : index;
}

const toInstance = (instance: InstanceReport): string =>
  table(
    [`instance ${instance.name}`, `PostgreSQL ${instance.majorVersion}`],
    sheetOf(instance).map((row) => row.map(inline)),
  );

function toPlatforms({ platforms, instances }: PlanReport): string {
  if (platforms.length === 0) return "";
  const rows = platforms.map((platform) => [
    inline(platform.kind === platform.name ? platform.title : `${platform.name} (${platform.title})`),
    inline(chartOf(platform)),
    code(platform.instance),
    platform.databases.map(code).join(", "),
    platform.logins.map(code).join(", "),
    inline(accessOf(platform)),
    `${platform.connections} (${shareOf(platform, instances.find(({ name }) => name === platform.instance)?.connections.max ?? 1)})`,
  ]);
  return table(["platform", "chart", "instance", "databases", "login", "connects by", "connections"], rows);
}

const toRights = ({ platforms }: PlanReport): string =>
  platforms.flatMap(({ name, rights }) => rights.map((right) => `- ${inline(`${name}: ${right} in every namespace`)}`)).join("\n");

const toUses = ({ uses }: PlanReport): string =>
  uses.length === 0 ? "" : `Existing, only read: ${uses.map(({ what, id }) => `${inline(what)} ${code(id)}`).join(", ")}.`;

function toCost({ after, before, pricesOf, notCounted }: CostReport): string {
  const rows = after.parts.map(({ instance, part, usd: price }) => [
    inline(instance ?? ""),
    inline(part),
    price === null ? "price unknown" : usd(price),
  ]);
  const sum = ["**total**", inline(unknownOf(after)), `**${usd(after.usd)}**`];
  const known = pricesOf === null ? "" : `, the oldest of ${pricesOf}`;
  return [
    table(["instance", "part", "USD a month"], [...rows, sum]),
    before === null ? "" : goneOf(before, after),
    `List prices on demand${known}; not counted: ${notCounted.join(", ")}.`,
  ]
    .filter((line) => line !== "")
    .join("\n\n");
}

/** Parts that are billed now, and would no longer be. */
function goneOf(before: Cost, after: Cost): string {
  const gone = partsOnlyIn(before, after);
  return gone.length === 0
    ? ""
    : `No longer: ${gone.map(({ instance, part, usd: price }) => inline(`${instance === null ? "" : `${instance}: `}${part} (${price === null ? "price unknown" : usd(price)})`)).join(", ")}.`;
}

function toNotes({ warnings, notes }: PlanReport): string {
  const toWarning = ({ path, rule, got, remedy, id, acknowledged }: WarningReport) => {
    const what = `${code(path)}: ${inline(`${rule}${got === null ? "" : `, got ${got}`}${remedy === "" ? "" : `; ${remedy}`}`)}`;
    const why = acknowledged === null ? "" : `; acknowledged: ${inline(acknowledged)}`;
    return `- ${what}${why}${id === null ? "" : ` (${code(id)})`}`;
  };
  return [...warnings.map(toWarning), ...notes.map((note) => `- ${inline(note)}`)].join("\n");
}

function toDetails(details: readonly string[]): string {
  if (details.length === 0) return "";
  const text = details.join("\n");
  const shown =
    text.length > LONGEST_DETAILS ? `${text.slice(0, LONGEST_DETAILS)}\n... ${text.length - LONGEST_DETAILS} characters more` : text;
  // A fence that is longer than any fence in the text.
  const fence = "`".repeat(Math.max(3, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${fence}diff\n${shown}\n${fence}`;
}

const fold = (summary: string, parts: readonly string[]): string => {
  const content = parts.filter((part) => part !== "");
  return content.length === 0 ? "" : `<details><summary>${inline(summary)}</summary>\n\n${content.join("\n\n")}\n\n</details>`;
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Escapes a text, so that it contains no Markdown or HTML, and puts it on one line. */
const inline = (text: string): string =>
  visible(text)
    .replaceAll(/[\\`*_{}[\]<>#|~@]/g, (character) => `\\${character}`)
    .replaceAll(/\s+/g, " ");

/** Formats a text as code, which also works in a table. */
const code = (text: string): string => {
  const line = visible(text).replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  const fence = "`".repeat(Math.max(1, ...[...line.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return fence === "`" ? `\`${line}\`` : `${fence} ${line} ${fence}`;
};
