import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CLASSES, classNamed } from "../../constructs/aws/classes";
import { UserError } from "../../constructs/model/errors";
import { awsPriced } from "../../infra/aws/priced";
import { synthesize } from "../../infra/aws/synthesize";
import { costOf, NOT_COUNTED, type PricedEnvironment, type PricedInstance } from "../../infra/cost/cost";
import { cloudSqlMachine, rdsMachine } from "../../infra/cost/machines";
import { type ListedPrice, PRICES_FILE, PriceTable, readPrices } from "../../infra/cost/prices";
import type { NamedSpec } from "../../infra/spec";
import { resolveAws } from "../fixtures/aws";
import { temporary } from "../fixtures/cli";
import { must } from "../fixtures/must";

const price = (key: Partial<ListedPrice>, usd: number): ListedPrice => ({
  cloud: "aws",
  region: "eu-central-1",
  part: "instance",
  standby: false,
  item: "each",
  unit: "hour",
  source: "https://example.org/prices",
  date: "2026-11-01",
  ...key,
  usd,
});
const tableOf = (...prices: readonly ListedPrice[]): PriceTable => new PriceTable([]).with(prices);

const INSTANCE: PricedInstance = {
  name: "main",
  machine: rdsMachine("db.m7g.xlarge"),
  disk: { item: "gp3", gib: 400, iops: 12_000, throughputMibps: 500 },
  highAvailability: true,
  replicas: 1,
};
const ENVIRONMENT: PricedEnvironment = {
  cloud: "aws",
  region: "eu-central-1",
  instances: [INSTANCE],
  secrets: 0,
  keys: 0,
  endpointZones: 0,
  dnsZones: 0,
};
const of = (instance: Partial<PricedInstance>, environment: Partial<PricedEnvironment> = {}): PricedEnvironment => ({
  ...ENVIRONMENT,
  ...environment,
  instances: [{ ...INSTANCE, ...instance }],
});

/** Round prices, for sums that a person does in the head. */
const TABLE = tableOf(
  price({ item: "db.m7g.xlarge" }, 0.4),
  price({ item: "db.m7g.xlarge", standby: true }, 0.8),
  price({ part: "storage", item: "gp3", unit: "GiB-month" }, 0.1),
  price({ part: "storage", item: "gp3", unit: "GiB-month", standby: true }, 0.2),
  price({ part: "iops", item: "gp3", unit: "IOPS-month", standby: true }, 0.04),
  price({ part: "secret", unit: "month" }, 0.4),
  price({ part: "key", unit: "month", region: "global" }, 1),
);

describe("the committed prices", () => {
  const table = readPrices();

  it("that cannot be read are reported with the way to get them back", () => {
    const directory = temporary();
    const file = join(directory, "prices.json");
    expect(() => readPrices(file)).toThrow(UserError);
    for (const content of ["<<<<<<< HEAD", "null", '[{"cloud":"aws"}]']) {
      writeFileSync(file, content);
      expect(() => readPrices(file)).toThrow(`; run git checkout ${file}`);
    }
    rmSync(directory, { recursive: true });
  });

  it("have a source with an address, its date and a unit, once for each thing", () => {
    expect(table.prices.length).toBeGreaterThan(2_000);
    const wrong = table.prices.filter(
      ({ source, date, usd, unit, region }) =>
        !/^https:\/\/[^/]+\/.+/.test(source) ||
        !/^20\d\d-[01]\d-[0-3]\d$/.test(date) ||
        !(usd > 0 && usd < 200) ||
        !/^(hour|month|(GiB|IOPS|MiB\/s)-month|GiB-hour)$/.test(unit) ||
        !/^(global|[a-z]+-[a-z]+-?\d+)$/.test(region),
    );
    expect(wrong).toEqual([]);
    expect(
      new Set(table.prices.map(({ cloud, region, part, standby, item }) => `${cloud} ${region} ${part} ${standby} ${item}`)).size,
    ).toBe(table.prices.length);
  });

  it("are for classes that a spec can name, and are written as the table writes itself", () => {
    const classes = table.prices.filter(({ cloud, part }) => cloud === "aws" && part === "instance").map(({ item }) => item);
    expect(classes.filter((item) => classNamed(item) === undefined)).toEqual([]);
    expect(readFileSync(PRICES_FILE, "utf8")).toBe(table.toJson());
  });

  it("cost about twice as much with a standby", () => {
    const pairs = table.prices.flatMap((single) => {
      const both = single.standby ? null : table.find({ ...single, standby: true });
      return both === null ? [] : [both.usd / single.usd];
    });
    expect(pairs.length).toBeGreaterThan(1_000);
    expect(pairs.filter((ratio) => ratio < 1.9 || ratio > 2.15)).toEqual([]);
  });

  it("know every class that a size chooses, in the regions of the environments", () => {
    const key = { cloud: "aws", region: "eu-central-1", part: "instance" } as const;
    const missing = CLASSES.filter(
      ({ name }) => ![true, false].every((standby) => table.find({ ...key, standby, item: name }) !== null),
    ).map(({ name }) => name);
    expect(missing).toEqual([]);
  });

  it("refuse two for the same thing", () => {
    const { item: _, usd: __, ...list } = price({}, 1);
    const twice = [
      { ...list, usd: { each: 1 } },
      { ...list, date: "2026-11-02", usd: { each: 2 } },
    ];
    expect(() => new PriceTable(twice)).toThrow("two prices have the same subject: aws eu-central-1 instance false each");
  });
});

describe("the trial of the tutorial", () => {
  it("costs what README and the tutorial say", () => {
    const root = join(__dirname, "..", "..");
    const [readme = "", tutorial = ""] = ["README.md", "docs/tutorials/first-aws.md"].map((file) => readFileSync(join(root, file), "utf8"));
    const [, written = ""] = /```ts\n\/\/ environments\/first\.ts\n[\s\S]*?export default (\{[\s\S]*?\n\}) satisfies/.exec(tutorial) ?? [];
    const spec = new Function(`return ${written}`)() as NamedSpec;
    const templates = synthesize(resolveAws({ ...spec, name: "first" }));
    const { usd } = costOf(must(awsPriced(templates, ["main"], "eu-central-1")), readPrices());
    const said = [...`${readme}${tutorial}`.matchAll(/about (\d+) USD/g)].map(([, sum]) => Number(sum));
    expect(said).toEqual([60, 60, 60]);
    expect(Math.abs(usd - 60)).toBeLessThan(3);
    expect(tutorial).toContain(`or ${Math.round(usd / 30)} USD a day`);
  });
});

describe("costOf", () => {
  it("counts 730 hours and the disk of a primary with its standby, and of each replica without one", () => {
    const cost = costOf(ENVIRONMENT, TABLE);
    expect(cost.lines.map(({ role, part, standby, quantity, usd }) => [role, part, standby, quantity, usd])).toEqual([
      ["primary", "instance", true, 730, 584], // 730 x 0.80
      ["primary", "storage", true, 400, 80], // 400 x 0.20
      ["replicas", "instance", false, 730, 292], // 730 x 0.40
      ["replicas", "storage", false, 400, 40], // 400 x 0.10
    ]);
    expect(cost).toMatchObject({ usd: 996, unknown: [], instances: [{ name: "main", usd: 996, unknown: 0 }], notCounted: NOT_COUNTED });
    expect(costOf(of({ replicas: 3 }), TABLE).usd).toBe(664 + 3 * 332);
    expect(costOf(of({ highAvailability: false, replicas: 0 }), TABLE).usd).toBe(332);
  });

  it("counts IOPS beyond those that gp3 includes", () => {
    const disk = { ...INSTANCE.disk, iops: 14_000 };
    const line = costOf(of({ disk, replicas: 0 }), TABLE).lines.find(({ part }) => part === "iops");
    expect(line).toMatchObject({ quantity: 2_000, usd: 80 });
    expect(costOf(of({ disk: { item: "gp3", gib: 20, iops: null, throughputMibps: null }, replicas: 0 }), TABLE).usd).toBe(588);
  });

  it("counts secrets and keys once for the environment, at a price of all regions where there is no other", () => {
    const cost = costOf({ ...ENVIRONMENT, secrets: 6, keys: 3 }, TABLE);
    expect(cost.instances).toEqual([
      { name: "main", usd: 996, unknown: 0 },
      { name: null, usd: 5.4, unknown: 0 },
    ]);
    expect(cost.usd).toBe(1_001.4);
  });

  it("leaves out what has no price, and lists it", () => {
    const disk = { ...INSTANCE.disk, throughputMibps: 600 };
    const cost = costOf(of({ disk, machine: rdsMachine("db.m8g.xlarge") }, { endpointZones: 2 }), TABLE);
    expect(cost.usd).toBe(120);
    expect(cost.unknown.map(({ instance, role, part, item, quantity }) => [instance, role, part, item, quantity])).toEqual([
      ["main", "primary", "instance", "db.m8g.xlarge", 730],
      ["main", "primary", "throughput", "gp3", 100],
      ["main", "replicas", "instance", "db.m8g.xlarge", 730],
      ["main", "replicas", "throughput", "gp3", 100],
      [null, null, "endpoint", "each", 1_460],
    ]);
    expect(cost.unknown.every(({ usd, price: its }) => usd === null && its === null)).toBe(true);
    expect(cost.instances).toEqual([
      { name: "main", usd: 120, unknown: 4 },
      { name: null, usd: 0, unknown: 1 },
    ]);
  });

  it("counts vCPUs and memory of a tier, and a shared core as a whole", () => {
    const key = { cloud: "gcp", region: "us-central1" } as const;
    const table = tableOf(
      price({ ...key, part: "vcpu", item: "ENTERPRISE" }, 0.04),
      price({ ...key, part: "memory", item: "ENTERPRISE", unit: "GiB-hour" }, 0.01),
      price({ ...key, part: "storage", item: "PD_SSD", unit: "GiB-month" }, 0.17),
      price({ ...key, item: "db-f1-micro" }, 0.01),
    );
    const disk = { item: "PD_SSD", gib: 10, iops: null, throughputMibps: null } as const;
    const tier = (name: string) => of({ machine: cloudSqlMachine(name), disk, highAvailability: false, replicas: 0 }, key);
    expect(costOf(tier("db-custom-2-7680"), table).lines.map(({ usd }) => usd)).toEqual([58.4, 54.75, 1.7]);
    expect(costOf(tier("db-f1-micro"), table).usd).toBe(9);
    expect(costOf(tier("db-custom-N4-2-8192"), table).unknown.map(({ part, item }) => `${part} ${item}`)).toEqual([
      "vcpu ENTERPRISE N4",
      "memory ENTERPRISE N4",
    ]);
    expect(["db-perf-optimized-N-4", "db-c4a-highmem-8"].map(cloudSqlMachine)).toEqual([
      { kind: "parts", series: "ENTERPRISE_PLUS N2", vcpus: 4, memoryGib: 32 },
      { kind: "parts", series: "ENTERPRISE_PLUS C4A", vcpus: 8, memoryGib: 64 },
    ]);
    expect(() => cloudSqlMachine("db-n1-standard-1")).toThrow("not a tier of Cloud SQL for PostgreSQL");
  });
});
