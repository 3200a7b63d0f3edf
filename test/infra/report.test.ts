import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { resolve } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import type { Check } from "../../constructs/provisioning/check";
import type { DryRunInstance } from "../../infra/documents/documents";
import { toDryRunText } from "../../infra/dry-run";
import { foreignTablesOf, versionsOf } from "../../infra/local/deliver";
import { toBriefWarnings, toCheckReport, toCheckTable, toWarningGroup } from "../../infra/local/report";

const passed = { subject: "mlflow", promise: "logs in", problem: null };
const noted = { subject: "prefect", promise: "the schema of prefect is at revision b", problem: null, note: "it is newer than a" };
const failed = { subject: "flyte", promise: "logs in", problem: "refused" };

const report = (checks: readonly Check[]) => stripVTControlCharacters(toCheckReport(checks));

describe("what doctor reports", () => {
  it("lists checks below what they are about", () => {
    const others = { ...passed, promise: "cannot enter flyte" };
    expect(stripVTControlCharacters(toCheckTable([passed, failed, others]))).toBe(
      "mlflow\n  ✔ logs in\n  ✔ cannot enter flyte\n\nflyte\n  ✖ logs in\n\n",
    );
  });

  it("counts what passed, and shows notes", () => {
    expect(report([passed])).toBe("✔ 1 checks passed\n");
    expect(report([passed, noted])).toBe(
      "✔ 2 checks passed\n  ! prefect: the schema of prefect is at revision b\n      it is newer than a\n",
    );
  });

  it("shows problems first, and notes with them", () => {
    expect(report([noted, failed])).toBe(
      "1 of 2 checks failed:\n  ✖ flyte: logs in\n      refused\n  ! prefect: the schema of prefect is at revision b\n      it is newer than a\n",
    );
  });
});

describe("what a dry run reports", () => {
  const nothing = { statements: [], secrets: [], problems: [], unsound: [], unknown: [], works: [], refusal: null };
  const text = (change: Partial<DryRunInstance>) =>
    stripVTControlCharacters(
      toDryRunText({
        environment: "test",
        target: "local",
        upToDate: false,
        instances: [{ name: "main", host: "localhost", port: 5432, ...nothing, ...change }],
      }),
    );

  it("is a line where nothing is to be done, or nothing can be", () => {
    expect(text({ works: [{ platform: "prefect", login: "prefect_a" }] })).toBe(
      "✔ main is up to date: provisioning would change nothing (1 login works)\n",
    );
    expect(text({ refusal: "localhost:5432: PostgreSQL 14.9 is too old; use 15 or newer" })).toBe(
      "✖ main cannot be provisioned: localhost:5432: PostgreSQL 14.9 is too old; use 15 or newer\n",
    );
  });

  it("is statements below their reasons, and then what else is known, without what a platform could have hidden in it", () => {
    const step = { platform: "prefect", passwordOf: null };
    const long = "with a long remedy ".repeat(20).trim();
    const sentence = (of: string) => [{ platform: "prefect", sentence: `${of}\u001b[2J\n${long}` }];
    expect(
      text({
        statements: [
          { ...step, database: "postgres", sql: 'ALTER ROLE "prefect_a" LOGIN PASSWORD <not shown>', reason: "login\n\u001b[1mprefect_a" },
          { ...step, database: "prefect", sql: 'CREATE EXTENSION "pg_trgm"', reason: "extension pg_trgm is missing" },
        ],
        secrets: [{ platform: "prefect", secret: "test--prefect", logins: ["prefect_b", "prefect_a"], reason: "it is empty" }],
        problems: sentence("problem"),
        unsound: sentence("unsound"),
        unknown: sentence("unknown"),
      }),
    ).toBe(
      [
        "main: provisioning would run 2 statements and write 1 secret (0 logins work)",
        "  -- prefect: login [1mprefect_a",
        '  ALTER ROLE "prefect_a" LOGIN PASSWORD <not shown>;',
        "  -- prefect, in database prefect: extension pg_trgm is missing",
        '  CREATE EXTENSION "pg_trgm";',
        "  + prefect: secret test--prefect gets a new password for prefect_b and prefect_a: it is empty",
        `  ✖ prefect: problem [2J ${long}`,
        `  ! prefect: unsound [2J ${long}`,
        `  ? prefect: unknown [2J ${long}`,
        "",
      ].join("\n"),
    );
  });
});

it("knows the verified versions of a platform by its name in the spec, in their order", () => {
  const spec = {
    name: "it",
    instances: { main: {} },
    platforms: { flows: { platform: "prefect" }, grafana: { platform: "application" } },
  } as const;
  const versions = versionsOf(resolve(spec, { target: local, platforms }));
  expect(versions("flows").map(({ version }) => version)).toEqual(["3.8.3", "3.9.1"]);
  expect(["grafana", "elsewhere", "constructor"].map(versions)).toEqual([[], [], []]);
});

it("knows by its name in the spec which platform does not start with tables of others", () => {
  const spec = {
    name: "test",
    instances: { main: {} },
    platforms: { chat: { platform: "skillflaw" }, grafana: { platform: "application" } },
  } as const;
  const foreignTables = foreignTablesOf(resolve(spec, { target: local, platforms }));
  expect(foreignTables("chat")?.known).toEqual(expect.arrayContaining(["alembic_version", "flow", "user"]));
  expect(["grafana", "elsewhere", "constructor"].map(foreignTables)).toEqual([null, null, null]);
});

describe("the warnings about an environment", () => {
  const about = (path: string, id: string, remedy = "mend it") => ({ path, rule: "is risky", got: null, remedy, id });
  const warnings = [
    about("platforms.flyte.chart", "rights"),
    about("instances.main.parameters.x", "parameter"),
    about("platforms.mlflow.images", "pinned"),
    about("platforms.kfp", "development", "acknowledged: it is known"),
  ];
  const brief = (those: typeof warnings) => stripVTControlCharacters(toBriefWarnings({ name: "local", warnings: those }));

  it("are shown after a start: those about platforms by their ids, without those that are acknowledged", () => {
    expect(brief(warnings)).toBe(
      "! instances.main.parameters.x: is risky; mend it [parameter]\n! 2 warnings about platforms: rights, pinned\n  Read them with npm run doctor -- --all\n",
    );
    expect(brief(warnings.slice(3))).toBe("");
  });

  it("are all shown by doctor --all", () => {
    expect(stripVTControlCharacters(toWarningGroup({ name: "local", warnings: warnings.slice(2) }))).toBe(
      "environment local\n  ! platforms.mlflow.images: is risky; mend it [pinned]\n  ! platforms.kfp: is risky; acknowledged: it is known [development]\n\n",
    );
    expect(toWarningGroup({ name: "local", warnings: [] })).toBe("");
  });
});
