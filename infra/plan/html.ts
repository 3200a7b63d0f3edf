import { toBudgets, toCosts } from "./bars";
import { type Alike, type Change, joinAlike, LEVELS } from "./change";
import { html, Markup, NOTHING, type Part } from "./markup";
import type { PlanReport, WarningReport } from "./report";
import { STYLE } from "./style";
import { toInstances, toPlatforms, toResources, toRights, toUses } from "./tables";
import { toTopology } from "./topology";
import { count, LEVEL_WORDS, placeOf, unknownChanges, unknownOf, usd, verdictOf } from "./words";

/** The page loads nothing, and runs nothing. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

interface Section {
  readonly id: string;
  readonly title: string;
  readonly lead: Part;
  readonly content: Part;
}

/** Returns a plan as one HTML file, which needs neither a server nor a network. */
export function toHtml(report: PlanReport): string {
  const sections = toSections(report);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Plan of ${report.environment} on ${placeOf(report)}</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE)}</style>
</head>
<body>
<div class="page">
${toHeader(report, sections)}
<main>
${sections.map(
  ({ id, title, lead, content }) => html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<p class="lead">${lead}</p>
${content}
</section>
`,
)}</main>
</div>
</body>
</html>
`.text;
}

/** Sections that have content. */
function toSections(report: PlanReport): readonly Section[] {
  const { compared, platforms, uses, cost, warnings, notes, examples } = report;
  const sections: readonly (Section & { readonly isEmpty?: boolean })[] = [
    {
      id: "changes",
      title: "Changes",
      lead: html`Compared with ${names(compared ?? [])}, the worst first.`,
      content: toChanges(report),
      isEmpty: compared === null,
    },
    {
      id: "notes",
      title: "Before you deploy",
      lead: "Placeholder IDs to replace, warnings and notes.",
      content: toNotes(report),
      isEmpty: warnings.length + notes.length + examples.length === 0,
    },
    {
      id: "topology",
      title: "Topology",
      lead: "How each platform connects to its instance, and how it verifies the server.",
      content: toTopology(report),
    },
    {
      id: "connections",
      title: "Connections",
      lead: html`The most that each platform opens at a time, of its instance's <code>max_connections</code>.`,
      content: toBudgets(report),
    },
    {
      id: "cost",
      title: "Cost",
      lead: "US dollars a month, by instance and part.",
      content: cost === null ? NOTHING : toCosts(cost),
      isEmpty: cost === null,
    },
    {
      id: "instances",
      title: "Instances",
      lead: "Size, disk, availability, backups and guards of each instance.",
      content: toInstances(report),
    },
    {
      id: "platforms",
      title: "Platforms",
      lead: "Each has two logins; a rotation switches to the other one.",
      content: toPlatforms(report),
      isEmpty: platforms.length === 0,
    },
    {
      id: "rights",
      title: "Rights",
      lead: "Rights in every namespace that charts grant to pods.",
      content: toRights(report),
      isEmpty: platforms.every(({ rights }) => rights.length === 0),
    },
    {
      id: "exists",
      title: "Existing resources",
      lead: "A deployment reads these resources, but does not change them.",
      content: toUses(report),
      isEmpty: uses.length === 0,
    },
    {
      id: "resources",
      title: "Resources",
      lead: sumOf(report),
      content: html`<details><summary>By type</summary>${toResources(report)}</details>`,
    },
  ];
  return sections.filter(({ isEmpty = false }) => !isEmpty);
}

const names = (each: readonly string[]): Part => each.map((name, index) => [index === 0 ? "" : ", ", html`<code>${name}</code>`]);

const sumOf = ({ resources }: PlanReport): string =>
  `${count(
    resources.reduce((sum, each) => sum + each.count, 0),
    "resource",
  )} in ${count(new Set(resources.map(({ stack }) => stack)).size, "part")}`;

function toHeader(report: PlanReport, sections: readonly Section[]): Markup {
  const { environment, compared, isDangerous, examples } = report;
  const level = compared === null ? "other" : isDangerous ? "lost" : "good";
  const mark = compared === null ? "i" : isDangerous ? "✖" : "✔";
  const placeholders =
    examples.length === 0
      ? NOTHING
      : html`<br><span>It cannot be deployed yet: replace <a href="#notes">${count(examples.length, "placeholder ID")}</a> first.</span>`;
  const first = compared === null ? " This is what a first deployment would create." : "";
  return html`<header>
<p class="eyebrow">Plan of an environment</p>
<h1>${environment}</h1>
<p class="place">${placeOf(report)}</p>
<div class="verdict ${level}"><span class="mark" aria-hidden="true">${mark}</span><p><strong>${verdictOf(report)}</strong>${first}${placeholders}</p></div>
<dl class="tiles">${toTiles(report).map(([title, value, detail]) => html`<div><dt>${title}</dt><dd>${value}${detail === "" ? NOTHING : html`<small>${detail}</small>`}</dd></div>`)}</dl>
<nav aria-label="Sections">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
</header>`;
}

type Tile = readonly [title: string, value: Part, detail: Part];

function toTiles(report: PlanReport): readonly Tile[] {
  const { cost, compared, changes, instances, platforms } = report;
  const copies = instances.reduce((sum, { standby, readReplicas }) => sum + Number(standby) + readReplicas, 0);
  const tiles: readonly (Tile | null)[] = [
    cost === null ? null : ["monthly cost", usd(cost.after.usd), costDetail(cost)],
    compared === null ? null : ["changes", changes.length, pills(changes)],
    ["instances", instances.length, copies === 0 ? "" : `${count(copies, "standby or replica", "standbys and replicas")}`],
    [
      "platforms",
      platforms.length,
      count(
        platforms.reduce((sum, { databases }) => sum + databases.length, 0),
        "database",
      ),
    ],
  ];
  return tiles.filter((tile) => tile !== null);
}

function costDetail({ after, before }: NonNullable<PlanReport["cost"]>): string {
  const difference = before === null ? 0 : after.usd - before.usd;
  const changed =
    before === null
      ? ""
      : unknownChanges(before, after) > 0
        ? "difference unknown"
        : difference === 0
          ? "as much as before"
          : `${usd(Math.abs(difference))} ${difference > 0 ? "more" : "less"} than before`;
  return [changed, unknownOf(after)].filter((words) => words !== "").join(", ");
}

const pills = (changes: readonly Change[]): Part =>
  LEVELS.flatMap((level) => {
    const number = changes.filter((change) => change.level === level).length;
    return number === 0 ? [] : [html`<span class="pill ${level}">${number} ${LEVEL_WORDS[level]}</span> `];
  });

function toChanges({ changes, details }: PlanReport): Markup {
  const groups = LEVELS.map((level) => {
    const those = changes.filter((change) => change.level === level);
    return those.length === 0
      ? NOTHING
      : html`<div class="level ${level}"><h3><span class="pill">${those.length}</span>${LEVEL_WORDS[level]}</h3>${joinAlike(those).map(toChange)}</div>\n`;
  });
  const lines = details.map(
    (line) =>
      html`${line.startsWith("  - ") ? html`<span class="gone">${line}</span>` : line.startsWith("  + ") ? html`<span class="new">${line}</span>` : line}\n`,
  );
  return html`${changes.length === 0 ? html`<p>${details.length === 0 ? "Nothing changes." : "No setting of an instance or a platform changes."}</p>` : groups}${details.length === 0 ? NOTHING : html`<details><summary>Resource by resource (${count(details.length, "line")})</summary><pre>${lines}</pre></details>`}`;
}

function toChange({ effect, remedy, changes }: Alike): Markup {
  return html`<div class="change">${changes.map(toSetting)}${effect === "" ? NOTHING : html`<p class="effect">${effect}</p>`}${remedy === "" ? NOTHING : html`<p class="remedy"><b>What to do:</b> ${remedy}</p>`}</div>`;
}

/** A path, which may wrap after its dots. */
const breakable = (path: string): Part => path.split(/(?<=\.)/).map((part, index) => [index === 0 ? NOTHING : html`<wbr>`, part]);

function toSetting({ path, before, after }: Change): Markup {
  if (before === null && after === null) return html`<p class="setting"><code>${breakable(path)}</code></p>`;
  return html`<p class="setting"><code>${breakable(path)}</code><span><del>${before ?? "nothing"}</del> <span aria-hidden="true">→</span> <ins>${after ?? "nothing"}</ins></span></p>`;
}

function toNotes({ warnings, notes, examples }: PlanReport): Markup {
  const open = warnings.filter(({ acknowledged }) => acknowledged === null);
  const accepted = warnings.filter(({ acknowledged }) => acknowledged !== null);
  const list = (level: string, items: readonly Part[]) =>
    items.length === 0 ? NOTHING : html`<ul class="notes ${level}">${items.map((item) => html`<li>${item}</li>`)}</ul>`;
  const part = (title: string, content: Part, isThere: boolean) => (isThere ? html`<h3 class="later">${title}</h3>${content}` : NOTHING);
  return html`${part(
    "Replace these placeholder IDs",
    html`<ul class="ids">${examples.map((path) => html`<li><code>${path}</code></li>`)}</ul>`,
    examples.length > 0,
  )}${part("Warnings", list("outage", open.map(toWarning)), open.length > 0)}${part("Notes", list("cost", notes), notes.length > 0)}${part(
    "Acknowledged, with the reason",
    list("other", accepted.map(toWarning)),
    accepted.length > 0,
  )}`;
}

function toWarning({ path, rule, got, remedy, id, acknowledged }: WarningReport): Markup {
  return html`<p><code>${path}</code>: ${rule}${got === null ? "" : `, got ${got}`}</p>${remedy === "" ? NOTHING : html`<p class="muted">${remedy}</p>`}${acknowledged === null ? NOTHING : html`<p class="reason"><b>Reason:</b> “${acknowledged}”</p>`}${id === null ? NOTHING : html`<p class="muted small">rule <code>${id}</code></p>`}`;
}
