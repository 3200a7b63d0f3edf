import { html, type Markup, NOTHING, type Part } from "./markup";
import type { InstanceReport, PlanReport, PlatformReport } from "./report";
import { accessOf, chartOf, createdOf, endpointOf, grouped, shareOf, sizeOf } from "./words";

interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => Part;
}

/**
 * A table that becomes cards on narrow screens; roles keep it a table for screen readers. Empty cells are left out.
 *
 * @param columns the first contains the row's name.
 */
function toTable<T>(caption: string, [first, ...columns]: readonly [Column<T>, ...Column<T>[]], rows: readonly T[]): Markup {
  const head = ({ head: words }: Column<T>) => html`<th scope="col" role="columnheader">${words}</th>`;
  const cell = (row: T) => (column: Column<T>) => {
    const content = html`${column.cell(row)}`;
    return html`<td role="cell" data-label="${column.head}"${content.text === "" ? html` class="empty"` : NOTHING}><div>${content}</div></td>`;
  };
  return html`<table class="cards" role="table"><caption class="hidden">${caption}</caption><thead role="rowgroup"><tr role="row">${[first, ...columns].map(head)}</tr></thead>
<tbody role="rowgroup">${rows.map((row) => html`<tr role="row"><th scope="row" role="rowheader">${first.cell(row)}</th>${columns.map(cell(row))}</tr>\n`)}</tbody></table>
`;
}

const lines = (each: readonly string[]): Part =>
  each.map((line, index) => [index === 0 ? NOTHING : html`<br>`, html`<code>${line}</code>`]);
const small = (words: string): Part => (words === "" ? NOTHING : html`<small>${words}</small>`);

/** A table for each instance, side by side. */
export const toInstances = ({ instances }: PlanReport): Markup => html`<div class="sheets">${instances.map(toInstance)}</div>`;

function toInstance(instance: InstanceReport): Markup {
  const { name, majorVersion, server } = instance;
  const rows: readonly (readonly [string, Part])[] = [
    server === null ? ["endpoint", endpointOf(instance)] : ["size", sizeOf(instance)],
    ["PostgreSQL", majorVersion],
    ...createdOf(instance).map(([word, value]): readonly [string, Part] =>
      word === "guards" ? [word, server?.guards.map((guard) => html`<div>${guard}</div>`) ?? NOTHING] : [word, value],
    ),
  ];
  return html`<table class="sheet${server === null ? " existing" : ""}"><caption><code>${name}</code>${server === null ? html` <span class="pill other">exists</span>` : NOTHING}</caption>
<tbody>${rows.map(([head, value]) => html`<tr><th scope="row">${head}</th><td>${value}</td></tr>`)}</tbody></table>
`;
}

export function toPlatforms({ platforms, instances }: PlanReport): Markup {
  const maxOf = ({ instance }: PlatformReport) => instances.find(({ name }) => name === instance)?.connections.max ?? 1;
  return toTable<PlatformReport>(
    "Platforms",
    [
      {
        head: "platform",
        cell: (platform) => [html`<code>${platform.name}</code>`, small(platform.title), small(chartOf(platform))],
      },
      { head: "instance", cell: ({ instance }) => html`<code>${instance}</code>` },
      { head: "databases", cell: ({ databases }) => lines(databases) },
      { head: "login", cell: ({ logins }) => lines(logins) },
      { head: "connects by", cell: accessOf },
      {
        head: "connections",
        cell: (platform) => [
          `at most ${grouped(platform.connections)} (${shareOf(platform, maxOf(platform))})`,
          small(platform.readerConnections > 0 ? `${grouped(platform.readerConnections)} to the replica` : ""),
        ],
      },
    ],
    platforms,
  );
}

interface Right {
  readonly platform: string;
  readonly right: string;
}

export const toRights = ({ platforms }: PlanReport): Markup =>
  toTable<Right>(
    "Rights in every namespace that charts grant",
    [
      { head: "platform", cell: ({ platform }) => html`<code>${platform}</code>` },
      { head: "service account: rights", cell: ({ right }) => right },
    ],
    platforms.flatMap(({ name, rights }) => rights.map((right) => ({ platform: name, right }))),
  );

export const toUses = ({ uses }: PlanReport): Markup =>
  toTable<PlanReport["uses"][number]>(
    "Existing resources, which are only read",
    [
      { head: "what", cell: ({ what }) => what },
      { head: "id", cell: ({ id }) => html`<code>${id}</code>` },
      { head: "setting", cell: ({ path }) => html`<code>${path}</code>` },
    ],
    uses,
  );

export const toResources = ({ resources }: PlanReport): Markup =>
  toTable<PlanReport["resources"][number]>(
    "Resources by part and type",
    [
      { head: "type", cell: ({ type }) => html`<code>${type}</code>` },
      { head: "part", cell: ({ stack }) => html`<code>${stack}</code>` },
      { head: "count", cell: ({ count }) => count },
    ],
    resources,
  );
