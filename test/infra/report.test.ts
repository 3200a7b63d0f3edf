import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { resolve } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import type { Check } from "../../constructs/provisioning/check";
import { foreignTablesOf, versionsOf } from "../../infra/local/deliver";
import { toCheckReport } from "../../infra/local/report";

const passed = { subject: "mlflow", promise: "logs in", problem: null };
const noted = { subject: "prefect", promise: "the schema of prefect is at revision b", problem: null, note: "it is newer than a" };
const failed = { subject: "flyte", promise: "logs in", problem: "refused" };

const report = (checks: readonly Check[]) => stripVTControlCharacters(toCheckReport(checks));

describe("what doctor reports", () => {
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
