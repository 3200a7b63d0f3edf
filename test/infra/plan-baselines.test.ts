import { rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { planAws } from "../../infra/aws/plan";
import { planGcp } from "../../infra/gcp/plan";
import { worstFirst } from "../../infra/plan/change";
import { differenceOf } from "../../infra/plan/words";
import type { NamedSpec } from "../../infra/spec";
import { resolveAws } from "../fixtures/aws";
import { writeFile, writeState, writeSynthesis } from "../fixtures/baselines";
import { temporary } from "../fixtures/cli";
import { resolveGcp } from "../fixtures/gcp";
import { toLine } from "../fixtures/plan";
import { aws, base, own } from "../fixtures/plan-kinds";

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const of = (instances: readonly string[], platforms: object): NamedSpec => ({
  ...base,
  instances: Object.fromEntries(instances.map((name) => [name, { size: { vcpus: 2, memoryGib: 8 } }])),
  platforms: platforms as NamedSpec["platforms"],
});
const two = (first: object, second: object = first) =>
  of(["main", "ml-db"], { prefect: first, "mlflow-2": { platform: "mlflow", ...second } });
const shop = (databases: object) => of(["main"], { shop: { platform: "application", databases } });

interface Case {
  readonly title: string;
  readonly before: NamedSpec;
  readonly after: NamedSpec;
  /** What is lost. */
  readonly lost: readonly string[];
}

const CASES: readonly Case[] = [
  {
    title: "a platform moves to another instance",
    before: two({ instance: "main" }),
    after: two({ instance: "ml-db" }, { instance: "main" }),
    lost: ["platforms.prefect.instance"],
  },
  {
    title: "a platform of a nested stack moves to another instance",
    before: two({ instance: "main" }),
    after: two({ instance: "main" }, { instance: "ml-db" }),
    lost: ["platforms.mlflow-2.instance"],
  },
  {
    title: "an instance's name loses its hyphen",
    before: of(["ml-db"], { prefect: {} }),
    after: of(["mldb"], { prefect: {} }),
    lost: ["platforms.prefect.instance", "instances.ml-db"],
  },
  {
    title: "one of two instances goes whose names differ in a hyphen, and which no platform uses",
    before: of(["mldb", "ml-db"], { prefect: { instance: "mldb" } }),
    after: of(["mldb"], { prefect: {} }),
    lost: ["instances.ml-db"],
  },
  {
    title: "a platform's name loses its hyphen",
    before: two({ instance: "main" }),
    after: of(["main", "ml-db"], { prefect: { instance: "main" }, mlflow2: { platform: "mlflow", instance: "main" } }),
    lost: ["platforms.mlflow-2"],
  },
  {
    title: "an application's database gets another name",
    before: shop({ main: { name: "orders" }, more: { name: "stock" } }),
    after: shop({ main: { name: "sales" }, more: { name: "stock" } }),
    lost: ["platforms.shop.databases"],
  },
  {
    title: "an application has one database less",
    before: shop({ main: { name: "orders" }, more: { name: "stock" } }),
    after: shop({ main: { name: "orders" } }),
    lost: ["platforms.shop.databases"],
  },
  {
    title: "a platform is new",
    before: of(["main"], { prefect: {} }),
    after: of(["main"], { prefect: {}, mine: { platform: "mlflow" } }),
    lost: [],
  },
];

describe.each(CASES)("a plan says the same of what is lost, whatever it is compared with, where $title", ({ before, after, lost }) => {
  /** All but what only an environment's file says: settings that nothing depends on. */
  const important = (changes: ReturnType<typeof planAws>["changes"]) =>
    worstFirst(changes)
      .filter(({ effect }) => effect !== "")
      .map(toLine);

  it("on AWS", () => {
    const environment = resolveAws(after);
    const { changes } = planAws(environment, writeSynthesis(directory, before));
    expect(changes.filter(({ level }) => level === "lost").map(({ path }) => path)).toEqual(lost);
    expect(important(planAws(environment, writeFile(directory, before)).changes)).toEqual(important(changes));
  });

  it("on Google Cloud", async () => {
    const environment = resolveGcp(after);
    const { changes } = await planGcp(environment, await writeState(directory, before));
    expect(changes.filter(({ level }) => level === "lost").map(({ path }) => path)).toEqual(lost);
    expect(important((await planGcp(environment, writeFile(directory, before))).changes)).toEqual(important(changes));
  });
});

describe("a plan against an environment's file", () => {
  const linesOf = (after: NamedSpec) => planAws(resolveAws(after), writeFile(directory, base)).changes.map(toLine);

  it("compares nothing where the file has no section of the cloud, and says so", async () => {
    const { aws: _aws, gcp: _gcp, ...neither } = base;
    const file = writeFile(directory, neither);
    const note = (cloud: string) => `${file} has no section ${cloud}: nothing was compared, and everything is new`;
    const { compared, changes, notes } = planAws(resolveAws(base), file);
    expect([compared, changes, notes]).toEqual([null, [], [note("aws")]]);
    const onGoogle = await planGcp(resolveGcp(base), file);
    expect([onGoogle.compared, onGoogle.changes]).toEqual([null, []]);
    expect(onGoogle.notes).toContain(note("gcp"));
  });

  it("says a size once, and a value of several lines on one", () => {
    expect(linesOf(own("aws", { class: "db.m7i.large" })).map((line) => line.split(":")[1])).toEqual([" instances.main.size"]);
    const certificateAuthorities = "-----BEGIN CERTIFICATE-----\nown\n-----END CERTIFICATE-----";
    expect(linesOf(aws({ certificateAuthorities }))).toEqual([
      "other: aws.certificateAuthorities: nothing -> -----BEGIN CERTIFICATE----- own -----END CERTIFICATE-----",
    ]);
  });
});

describe("a plan's cost", () => {
  it("has no difference where a changed part has no known price", () => {
    const part = (words: string, usd: number | null) => ({ instance: "main", part: words, usd, source: null });
    const [known, other, unknown] = [part("a", 5), part("b", 7), part("c", null)];
    expect(differenceOf({ usd: 5, parts: [known, unknown] }, { usd: 5, parts: [known, unknown] })).toBe("as much as before: $5.00");
    expect(differenceOf({ usd: 5, parts: [known, unknown] }, { usd: 7, parts: [other, unknown] })).toBe(
      "more than before by $2.00: $5.00 -> $7.00",
    );
    expect(differenceOf({ usd: 5, parts: [known] }, { usd: 0, parts: [unknown] })).toBe(
      "the difference is unknown, because 1 changed part has no known price",
    );
  });

  it("before a move is that of the region which is left", async () => {
    const [there, here] = [
      { ...base, aws: { region: "eu-west-1" } },
      { ...base, aws: { region: "eu-central-1" } },
    ] as const;
    for (const against of [writeSynthesis(directory, there), writeFile(directory, there)]) {
      const { priced } = planAws(resolveAws(here), against);
      expect([priced?.before?.region, priced?.after.region]).toEqual(["eu-west-1", "eu-central-1"]);
    }
    const [section, cluster] = [base.gcp, base.gcp?.cluster];
    const moved = { ...base, gcp: { ...section, region: "europe-west1", cluster: { ...cluster, location: "europe-west1" } } } as NamedSpec;
    for (const against of [await writeState(directory, base), writeFile(directory, base)]) {
      const { priced } = await planGcp(resolveGcp(moved), against);
      expect([priced?.before?.region, priced?.after.region]).toEqual(["europe-west4", "europe-west1"]);
    }
  });
});
