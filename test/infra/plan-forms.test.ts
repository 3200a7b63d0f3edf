import { stripVTControlCharacters } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { planAws } from "../../infra/aws/plan";
import { readPrices } from "../../infra/cost/prices";
import { planDocument } from "../../infra/documents/plan-document";
import { planGcp } from "../../infra/gcp/plan";
import { toCostReport } from "../../infra/plan/cost-report";
import { toMarkdown } from "../../infra/plan/markdown";
import { type PlanReport, toReport } from "../../infra/plan/report";
import { toText } from "../../infra/plan/text";
import { productionAws, resolveAws } from "../fixtures/aws";
import { readDocument } from "../fixtures/documents";
import { fullGcp, resolveGcp } from "../fixtures/gcp";
import { planOf, platformOf } from "../fixtures/plans";

/** Without colours, which a terminal, or a run in CI, gets. */
const plainText = (report: PlanReport): string => stripVTControlCharacters(toText(report));

const change = { level: "lost", path: "instances.main.deletionProtection", before: "true", after: "false" } as const;
const lost = { ...change, effect: "would no longer be protected from deletion", remedy: "keep it true, unless you want to delete it" };
const other = { level: "other", path: "platforms.mlflow.workers", before: "2", after: "4", effect: "", remedy: "" } as const;

describe("a plan of everything that an environment may ask for", () => {
  let reports: Readonly<Record<"aws" | "gcp", PlanReport>>;
  beforeAll(async () => {
    const aws = resolveAws(productionAws);
    const gcp = resolveGcp(fullGcp);
    const [onAws, onGcp] = [planAws(aws, null), await planGcp(gcp, null)];
    reports = {
      aws: toReport(aws, onAws, { cloud: "aws", region: "eu-central-1", account: null }, toCostReport(onAws.priced, readPrices(), 1)),
      gcp: toReport(gcp, onGcp, { cloud: "gcp", region: "europe-west4", account: "p" }, toCostReport(onGcp.priced, readPrices(), null)),
    };
  });

  it.each(["aws", "gcp"] as const)("is on %s a document as its schema says, with the same content", (cloud) => {
    const { schema, ...document } = readDocument(planDocument, planDocument.print(reports[cloud]));
    expect(schema).toBe("platform-postgres/plan/1");
    expect(document).toEqual(JSON.parse(JSON.stringify(reports[cloud])));
  });

  it.each(["aws", "gcp"] as const)(
    "names on %s each instance, platform, database, login, right and part that is paid for, in every form",
    (cloud) => {
      const report = reports[cloud];
      const names = [
        ...report.instances.map(({ server }) => server?.size.name ?? ""),
        ...report.platforms.flatMap(({ databases, logins, chart }) => [...databases, ...logins, chart?.name ?? ""]),
        ...report.platforms.flatMap(({ rights }) => rights.map((right) => right.split(":")[0] ?? "")),
        ...report.uses.map(({ id }) => id),
      ];
      expect(names.length).toBeGreaterThan(20);
      const [text, markdown] = [plainText(report), toMarkdown(report).replaceAll("\\", "")];
      expect(names.filter((name) => !text.includes(name))).toEqual([]);
      expect(names.filter((name) => !markdown.includes(name))).toEqual([]);
      expect((report.cost?.after.parts ?? []).filter(({ part }) => !text.includes(part) || !markdown.includes(part))).toEqual([]);
    },
  );

  it("warns where it costs more than its limit", () => {
    expect(plainText(reports.aws)).toContain("! above monthlyCostLimitUsd ($1.00)");
    expect(toMarkdown(reports.aws)).toContain(":warning: Above `monthlyCostLimitUsd` ($1.00).");
    expect(plainText(reports.gcp)).not.toContain("monthlyCostLimitUsd");
  });
});

describe("a plan at a terminal", () => {
  const endOf = (report: PlanReport) => plainText(report).split("\n\n").at(-1);

  it("says the worst first, what to do about it, and what it comes to", () => {
    expect(endOf(planOf({ compared: ["stack a"], changes: [lost, other], isDangerous: true }))).toBe(
      [
        "would be lost:",
        "  ✖ instances.main.deletionProtection: true -> false",
        "      would no longer be protected from deletion",
        "      keep it true, unless you want to delete it",
        "would also change:",
        "    platforms.mlflow.workers: 2 -> 4",
        "✖ 1 of 2 changes would be lost or refused.\n",
      ].join("\n"),
    );
  });

  it("says that nothing changes, or that nothing was compared", () => {
    expect(endOf(planOf({ compared: ["stack a", "stack b"] }))).toBe("✔ Nothing in stack a, stack b changes.\n");
    expect(endOf(planOf({ compared: ["stack a"], details: ["  a Secret", "    labels.stage: nothing -> test"] }))).toBe(
      "✔ Nothing in stack a is lost, refused or interrupted; only properties of resources change.\n  --format markdown lists them\n",
    );
    expect(plainText(planOf({}))).not.toContain("✔");
  });

  it("says what happens to several settings once", () => {
    const same = { ...lost, path: "instances.other.deletionProtection" };
    expect(endOf(planOf({ compared: ["a"], changes: [lost, same], isDangerous: true }))?.match(/keep it true/g)).toHaveLength(1);
  });
});

describe("a plan as a comment", () => {
  it("is found again by its first line, and short at first", () => {
    const [mark, , ...rest] = toMarkdown(planOf({ compared: ["a"], changes: [lost, other], isDangerous: true })).split("\n");
    expect(mark).toBe("<!-- platform-postgres plan: production aws -->");
    const before = rest.join("\n").split("<details>")[0];
    expect(before).toContain("**1 of 2 changes would be lost or refused.**");
    expect(before).toContain(
      "| :x: lost | `instances.main.deletionProtection` | `true` → `false` | would no longer be protected from deletion; **keep it true, unless you want to delete it** |",
    );
    expect(before).toContain("| changes | `platforms.mlflow.workers` | `2` → `4` |  |");
  });

  it("lets no text that people write become Markdown or HTML, or end a row or a fence", () => {
    const hostile = "a|b <script>`x` *y* [z](u) @team #1\nnext";
    const comment = toMarkdown(
      planOf({
        compared: [hostile],
        changes: [{ ...lost, path: hostile, before: hostile, effect: hostile }],
        details: ["```", hostile, "````"],
        notes: [hostile],
        warnings: [{ path: hostile, rule: hostile, got: hostile, remedy: hostile, id: null, acknowledged: hostile }],
      }),
    );
    const [row = ""] = comment.split("\n").filter((line) => line.startsWith("| :x:"));
    expect(row.replaceAll("\\|", "").split("|")).toHaveLength(6);
    // Outside code, nothing remains as it was.
    const outside = comment.replaceAll(/(`{5,})diff\n[\s\S]*?\n\1/g, "").replaceAll(/(`+)[^`]+(?:`+[^`]+)*?\1(?!`)/g, "");
    expect(outside).not.toMatch(/(?<!\\)(<script>|\[z\]|@team|\*y)/);
    expect(comment).toContain("`````diff\n```\n");
  });

  it("stays within what GitHub takes, and says how much is left out", () => {
    const details = Array.from({ length: 5_000 }, (_, index) => `resource ${index}`);
    const comment = toMarkdown(planOf({ compared: ["a"], details }));
    expect(comment.length).toBeLessThan(65_536);
    expect(comment).toMatch(/\n\.\.\. \d+ characters more\n/);
    const platforms = Array.from({ length: 300 }, (_, index) => platformOf(`team-${index}`, "main"));
    const changes = platforms.map(({ name }) => ({ ...lost, path: `platforms.${name}.instance`, effect: "x".repeat(200) }));
    const crowded = toMarkdown(planOf({ compared: ["a"], platforms, changes, isDangerous: true, details }));
    expect(crowded.length).toBeLessThan(65_536);
    expect(crowded).toMatch(/\n\d+ more: `--format html` shows all of them\.\n/);
    expect(crowded).toMatch(/Some parts do not fit into a comment: `--format html` shows all of them\.\n$/);
    expect(crowded.match(/<details>/g)).toHaveLength(crowded.match(/<\/details>/g)?.length ?? 0);
  });

  it("shows characters that deceive by their codes", () => {
    expect(toMarkdown(planOf({ notes: ["a\u202etxt\u0007"] }))).toContain("a\\\\u202etxt\\\\u0007");
  });
});
