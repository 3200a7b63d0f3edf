import type { Cost, CostPart, CostReport } from "./cost-report";
import { html, type Markup, NOTHING, type Part } from "./markup";
import type { ConnectionsReport, PlanReport } from "./report";
import { seriesOf } from "./style";
import { connectionsOf, differenceOf, grouped, isKnown, percentOf, unknownOf, usd } from "./words";

/** Connections of each instance, and of its first read replica, as parts of a bar. */
export const toBudgets = ({ instances }: PlanReport): Markup =>
  html`${instances.map(({ name, connections, readerConnections }) => [
    toBudget(name, connections),
    readerConnections === null ? NOTHING : toBudget(`${name}, first read replica`, readerConnections),
  ])}`;

function toBudget(title: string, connections: ConnectionsReport): Markup {
  const { max, reserved, platforms, free } = connections;
  const parts = [
    ...Object.entries(platforms).map(([name, count], index) => ({ name, count, as: seriesOf(index), label: html`<code>${name}</code>` })),
    { name: "reserved", count: reserved, as: "bar reserved", label: html`reserved` },
    { name: "free", count: free, as: "bar free", label: html`free` },
  ];
  const share = (count: number) => `${((count / max) * 100).toFixed(2)}%`;
  return html`<div class="budget"><h3><code>${title}</code><span class="number">${connectionsOf(connections)}</span></h3>
<div class="stack" role="img" aria-label="${parts.map(({ name, count }) => `${name} ${count}`).join(", ")}, of ${max}">${parts
    .filter(({ count }) => count > 0)
    .map(({ as, name, count }) => html`<span class="${as}" style="width:${share(count)}" title="${name}: ${count}"></span>`)}</div>
<ul class="legend">${parts.map(({ as, label, count }) => html`<li><span class="swatch ${as}"></span>${label}<span class="value number">${grouped(count)} (${percentOf(count, max)})</span></li>`)}</ul></div>
`;
}

/** A part with its price before and after. */
interface Pair {
  readonly part: string;
  /** Undefined if there is no such part; null if its price is unknown. */
  readonly before: number | null | undefined;
  readonly after: number | null | undefined;
}

/** Monthly cost: the total against the limit, and part by part. */
export function toCosts({ after, before, limitUsd, pricesOf, notCounted }: CostReport): Markup {
  const instances = [...new Set([...after.parts, ...(before?.parts ?? [])].map(({ instance }) => instance))];
  const largest = Math.max(...[...after.parts, ...(before?.parts ?? [])].map(({ usd: price }) => price ?? 0), 1);
  return html`${toTotal(after, before, limitUsd)}${instances.map((instance) => toGroup(instance, after, before, largest))}<div class="sources"><p>List prices on demand${pricesOf === null ? "" : `, the oldest of ${pricesOf}`}; not counted: ${notCounted.join(", ")}.</p>${toSources(after, before)}</div>`;
}

/** The sources of prices. */
function toSources(after: Cost, before: Cost | null): Markup {
  const sources = [...new Set([...after.parts, ...(before?.parts ?? [])].flatMap(({ source }) => source ?? []))];
  const link = (source: string) => (source.startsWith("https://") ? html`<a href="${source}" rel="noreferrer">${source}</a>` : source);
  return sources.length === 0
    ? NOTHING
    : html`<details><summary>Sources of prices (${sources.length})</summary><ul>${sources.map((source) => html`<li>${link(source)}</li>`)}</ul></details>`;
}

function toTotal(after: Cost, before: Cost | null, limitUsd: number | null): Markup {
  const most = Math.max(after.usd, before?.usd ?? 0, limitUsd ?? 0, 1) * 1.02;
  const share = (value: number) => `${((value / most) * 100).toFixed(2)}%`;
  const limit = limitUsd === null ? NOTHING : html`<span class="limit" style="left:${share(limitUsd)}"></span>`;
  const row = (label: string, value: number, as: string) =>
    html`<div class="row"><span>${label}</span><div class="track"><div class="fill ${as}" style="width:${share(value)}"></div>${limit}</div><span class="value number">${usd(value)}</span></div>`;
  const isAbove = limitUsd !== null && after.usd > limitUsd;
  const notes: readonly Part[] = [
    before === null ? NOTHING : html`<p class="small">${differenceOf(before, after)}</p>`,
    limitUsd === null
      ? NOTHING
      : html`<p class="small ${isAbove ? "above" : ""}">${isAbove ? "✖ above" : isKnown(after) ? "✔ within" : "the known prices are within"} <code>monthlyCostLimitUsd</code> (${usd(limitUsd)}), the dashed line</p>`,
    isKnown(after) ? NOTHING : html`<p class="small"><span class="unknown-price">${unknownOf(after)}</span></p>`,
  ];
  return html`<div class="total">${before === null ? NOTHING : row("before", before.usd, "before")}${row(before === null ? "total" : "after", after.usd, "")}${notes}</div>
`;
}

function toGroup(instance: string | null, after: Cost, before: Cost | null, largest: number): Markup {
  const of = (cost: Cost | null) => (cost?.parts ?? []).filter((part) => part.instance === instance);
  const pairs = toPairs(of(before), of(after));
  const sum = (parts: readonly CostPart[]) => parts.reduce((total, { usd: price }) => total + (price ?? 0), 0);
  const total = before === null ? usd(sum(of(after))) : `${usd(sum(of(before)))} → ${usd(sum(of(after)))}`;
  const heads = before === null ? ["USD a month"] : ["before", "after"];
  return html`<div class="group"><h3>${instance === null ? "shared by all" : html`<code>${instance}</code>`}<span class="number">${total}</span></h3>
<table class="prices"><caption class="hidden">Parts of ${instance ?? "shared resources"}</caption><thead><tr><th scope="col">part</th><td></td>${heads.map((head) => html`<th scope="col" class="amount">${head}</th>`)}</tr></thead><tbody>${pairs.map((pair) => toPrice(pair, before !== null, largest))}</tbody></table></div>
`;
}

/** Pairs parts that have the same text. */
function toPairs(before: readonly CostPart[], after: readonly CostPart[]): readonly Pair[] {
  const parts = [...new Set([...after, ...before].map(({ part }) => part))];
  const priceIn = (list: readonly CostPart[], part: string) => list.find((each) => each.part === part)?.usd;
  return parts.map((part) => ({ part, before: priceIn(before, part), after: priceIn(after, part) }));
}

function toPrice({ part, before, after }: Pair, isCompared: boolean, largest: number): Markup {
  const bar = (price: number | null | undefined, as: string) => {
    if (price === undefined) return NOTHING;
    return price === null
      ? html`<div class="fill unknown" style="width:100%"></div>`
      : html`<div class="fill ${as}" style="width:${((price / largest) * 100).toFixed(2)}%"></div>`;
  };
  const amount = (price: number | null | undefined, label: string, unknown: string) =>
    html`<td class="amount number${price === undefined ? " none" : ""}" data-label="${label}">${price === undefined ? "–" : price === null ? html`<span class="unknown-price">${unknown}</span>` : usd(price)}</td>`;
  const was = before === null && after === null ? undefined : before;
  return html`<tr><th scope="row">${part}</th><td class="graph">${bar(after, "")}${isCompared ? bar(was, "before") : NOTHING}</td>${isCompared ? amount(before, "before", "unknown") : NOTHING}${amount(after, isCompared ? "after" : "", "price unknown")}</tr>`;
}
