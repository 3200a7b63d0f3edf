import * as fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { local } from "../../constructs/local/target";
import { formatViolation, SpecError } from "../../constructs/model/errors";
import { nullable, text } from "../../constructs/model/fields";
import { instanceFields } from "../../constructs/model/instance";
import { ownInstance, ownInstances, pathOf } from "../../constructs/model/own-instance";
import { resolve, resolveUnknown } from "../../constructs/model/resolve";
import { defineTarget } from "../../constructs/model/target";
import { platforms } from "../../constructs/platforms/registry";

const SIZES: Readonly<Record<string, { vcpus: number; memoryGib: number }>> = {
  small: { vcpus: 1, memoryGib: 2 },
  large: { vcpus: 8, memoryGib: 32 },
};
const kindFields = {
  kind: nullable(text({ pattern: /^(small|large)$/, form: "small or large" })),
  zone: text({ pattern: /^[a-z]+$/, form: "a zone", default: "a" }),
};
const instances = ownInstances(kindFields, { size: { from: "kind", value: ({ kind }) => (kind === null ? null : (SIZES[kind] ?? null)) } });
/** A host whose instances have two settings of their own. */
const toy = defineTarget({
  ...local,
  name: "toy",
  section: { instances },
  wholeRules: [],
  topology: () => ({ access: "direct", tls: "verify-full", caution: null }),
});
const given = { target: toy, platforms, sections: ["cloud"] } as const;
const elsewhere = { target: local, platforms, sections: ["toy"] } as const;

const core = { name: "test", instances: { main: { storageGib: 50 } }, platforms: { prefect: {} } } as const;
const withOwn = (main: object, base: object = core.instances.main): unknown => ({
  ...core,
  instances: { main: base },
  toy: { instances: { main } },
});

function found(spec: unknown): readonly string[] {
  try {
    return resolveUnknown(spec, given).warnings.map(formatViolation);
  } catch (error) {
    if (error instanceof SpecError) return error.violations.map(formatViolation);
    throw error;
  }
}

describe("a setting of an instance in a target's section", () => {
  it("wins there, and is not looked at elsewhere", () => {
    const spec = withOwn({ storageGib: 200, parameters: { "toy.x": 1, log_lock_waits: "off" } }, { parameters: { work_mem: "16MB" } });
    const { settings } = resolveUnknown(spec, given).instances.main ?? {};
    expect(settings).toMatchObject({ storageGib: 200, maxStorageGib: 1000, highAvailability: true });
    expect(settings?.parameters).toEqual({
      log_min_duration_statement: 1000,
      log_connections: "on",
      log_disconnections: "on",
      log_lock_waits: "off",
      work_mem: "16MB",
      "toy.x": 1,
    });
    expect(resolveUnknown(spec, elsewhere).instances.main?.settings).toMatchObject({ storageGib: 100, maxStorageGib: 500 });
    expect(
      resolveUnknown(withOwn({ size: { memoryGib: 16 } }, { size: { vcpus: 4, memoryGib: 8 } }), given).instances.main?.settings.size,
    ).toEqual({
      vcpus: 4,
      memoryGib: 16,
    });
  });

  it("is merged before anything is checked: what is right only together is accepted, and what is wrong only together is refused", () => {
    expect(found(withOwn({ pointInTimeRecovery: false, highAvailability: false }, { backupRetentionDays: 0 }))).toEqual([]);
    expect(found(withOwn({ backupRetentionDays: 0 }))).toEqual([
      "toy.instances.main.backupRetentionDays: must be at least 1 with pointInTimeRecovery, got 0; keep backups for 1 to 35 days, or set pointInTimeRecovery to false [point-in-time-recovery-needs-backups]",
    ]);
  });

  it("is typed and complete in the environment, also where nothing is written", () => {
    const environment = resolve(
      {
        ...core,
        instances: { main: {}, other: {} },
        platforms: { prefect: { instance: "main" } },
        toy: { instances: { main: { kind: "large" } } },
      },
      given,
    );
    expectTypeOf(environment.section.instances.main.kind).toEqualTypeOf<string | null>();
    expectTypeOf(environment.instances.main.settings.size.vcpus).toEqualTypeOf<number>();
    expect(environment.section.instances).toEqual({ main: { kind: "large", zone: "a" }, other: { kind: null, zone: "a" } });
    expectTypeOf(ownInstance(environment, "other").zone).toEqualTypeOf<string>();
    expect(ownInstance(environment, "other").zone).toBe("a");
    expect(() => ownInstance(environment, "mian")).toThrow("there is no instance mian");
    // @ts-expect-error not an instance of this spec
    expect(environment.section.instances.mian).toBeUndefined();
  });

  it("does not compile where it is misspelt, and is refused with a suggestion", () => {
    // @ts-expect-error knid
    expect(() => resolve({ ...core, toy: { instances: { main: { knid: "large" } } } }, given)).toThrow(
      'toy.instances.main.knid: unknown key; did you mean "kind"?',
    );
    const misspelt = { ...core, toy: { instances: { main: { storageGb: 100 } } } } as const;
    // @ts-expect-error storageGb
    expect(() => resolve(misspelt, given)).toThrow('toy.instances.main.storageGb: unknown key; did you mean "storageGib"?');
    expect(found({ ...core, toy: { instances: { mian: {}, constructor: {} } } })).toEqual([
      'toy.instances.mian: must name an instance, got "mian"; did you mean "main"?',
      'toy.instances.constructor: must name an instance, got "constructor"; known are main',
    ]);
    expect(found({ ...core, instances: { main: { kind: "large", zone: "b" } } })).toEqual([
      "instances.main.kind: unknown key; write it as toy.instances.main.kind",
      "instances.main.zone: unknown key; write it as toy.instances.main.zone",
    ]);
  });

  it("hides nothing else where it is malformed", () => {
    expect(found(withOwn({ storageGib: 5, kind: "huge" }, { allowedSources: ["128.0.0.0/1"], iops: 5 }))).toEqual([
      "toy.instances.main.storageGib: must be a whole number from 10 to 65536, got 5",
      'toy.instances.main.kind: must be small or large, got "huge"',
      "instances.main.iops: must be a whole number from 1000 to 350000, got 5",
      'instances.main.allowedSources[0]: is wider than any private network (/8), got "128.0.0.0/1"; name the cluster\'s network [never-the-whole-world]',
    ]);
    for (const malformed of [5, null, []])
      expect(found(withOwn(malformed as never, { allowedSources: ["128.0.0.0/1"] }))).toEqual([
        expect.stringContaining("toy.instances.main: must be an object"),
        expect.stringContaining("instances.main.allowedSources[0]"),
      ]);
    expect(found({ ...core, toy: { instances: [] } })).toEqual(["toy.instances: must be an object, got a list; write { main: { ... } }"]);
  });

  it("may decide a shared one, which then stands under its name, and not beside it", () => {
    const { settings, maxConnections } =
      resolveUnknown(withOwn({ kind: "small" }, { size: { vcpus: 3, memoryGib: 8 } }), given).instances.main ?? {};
    expect([settings?.size, maxConnections]).toEqual([SIZES.small, 50]);
    expect(found(withOwn({ kind: "small", size: { vcpus: 1 } }))).toEqual([
      "toy.instances.main.size: must not be set together with kind, which decides it, got an object; remove one of the two",
    ]);
  });

  it("is reported where it sets something of a database that exists already", () => {
    const existing = { host: "db", ca: "ca.pem", masterSecret: "m.json" };
    expect(found(withOwn({ existing, kind: "large", zone: "b", iops: 5000, majorVersion: 16 }, {}))).toEqual([
      "toy.instances.main.iops: has no effect on an existing database [existing-is-not-created]",
      "toy.instances.main.kind: has no effect on an existing database [existing-is-not-created]",
      "toy.instances.main.zone: has no effect on an existing database [existing-is-not-created]",
    ]);
  });

  it("is where a way out of too few connections leads", () => {
    const tight = { parameters: { max_connections: 20 } };
    expect(found(withOwn(tight))[0]).toContain("set toy.instances.main.parameters.max_connections to 34");
    expect(found(withOwn({}, tight))[0]).toContain("set instances.main.parameters.max_connections to 34");
    const existing = { host: "db", ca: "ca.pem", masterSecret: "m.json", maxConnections: 20 };
    expect(found(withOwn({ existing }))[0]).toContain("and toy.instances.main.existing.maxConnections, to 34");
    const environment = resolveUnknown(withOwn({ existing: { ...existing, maxConnections: 100 } }), given);
    expect(pathOf(environment, "instances.main.existing.ca")).toBe("toy.instances.main.existing.ca");
    expect(pathOf(environment, "instances.main.storageGib")).toBe("instances.main.storageGib");
  });
});

/** Values of a setting of which some break a rule, alone or with another. */
const SETTINGS = {
  majorVersion: fc.constantFrom(14, 15, 17, "17"),
  size: fc.record({ vcpus: fc.constantFrom(1, 2, 0), memoryGib: fc.constantFrom(1, 8, 2000) }),
  storageGib: fc.constantFrom(10, 20, 100, 65_000),
  maxStorageGib: fc.constantFrom(null, 100, 110, 5),
  iops: fc.constantFrom(null, 5, 3000),
  readReplicas: fc.constantFrom(0, 1, 99),
  backupRetentionDays: fc.constantFrom(0, 7),
  pointInTimeRecovery: fc.boolean(),
  backupWindow: fc.constantFrom("02:00-03:00", "2am"),
  allowedSources: fc.constantFrom(["10.0.0.0/8"], ["10.0.0.0/8", "128.0.0.0/1"], ["x"], "10.0.0.0/8"),
  parameters: fc.record(
    {
      max_connections: fc.constantFrom(20, 200, "x"),
      wrok_mem: fc.constant(1),
      "toy.x": fc.constant(1),
      ssl: fc.constant("off"),
      statement_timeout: fc.constantFrom(0, "30s"),
    },
    { requiredKeys: [] },
  ),
};
/** Values that are accepted in any combination. */
const VALID = {
  size: fc.record({ vcpus: fc.constantFrom(2, 4), memoryGib: fc.constantFrom(8, 16) }),
  storageGib: fc.constantFrom(20, 100, 64_000),
  maxStorageGib: fc.constant(null),
  readReplicas: fc.constantFrom(0, 1),
  parameters: fc.record({ max_connections: fc.constant(200), work_mem: fc.constant("16MB") }, { requiredKeys: [] }),
  allowedSources: fc.constantFrom([], ["10.0.0.0/8"]),
  backupReplication: fc.constantFrom(null, { region: "eu-west-1" }),
};
type Flat = Readonly<Record<string, unknown>>;

const part = (value: unknown, keys: ReadonlySet<string>, prefix: string, isWanted: boolean): Flat =>
  Object.fromEntries(Object.entries(value as Flat).filter(([key]) => keys.has(`${prefix}.${key}`) === isWanted));
const isMerged = (key: string): boolean => key === "size" || key === "parameters";

/** What stands in the section or beside it, if some settings, and parts of those that are merged, are moved there. */
const half = (flat: Flat, moved: ReadonlySet<string>, isWanted: boolean): Flat =>
  Object.fromEntries(
    Object.entries(flat).flatMap(([key, value]) => {
      if (!isMerged(key)) return moved.has(key) === isWanted ? [[key, value]] : [];
      const its = part(value, moved, key, isWanted);
      return Object.keys(its).length === 0 ? [] : [[key, its]];
    }),
  );

/** A message about an instance, with the paths that it has where some settings are moved. */
const relocated = (message: string, own: Flat): string =>
  message.replaceAll(/\binstances\.main\.([A-Za-z]+)(?:\.([a-z_.A-Z]+\b))?/g, (path, key: string, rest: string | undefined) => {
    const isMoved = Object.hasOwn(
      rest !== undefined && isMerged(key) ? ((own[key] as Flat | undefined) ?? {}) : own,
      isMerged(key) && rest !== undefined ? rest : key,
    );
    return isMoved ? `toy.${path}` : path;
  });

describe("every message about an instance", () => {
  it("names the place where the setting is written", () => {
    const keys = [...Object.keys(SETTINGS).filter((key) => !isMerged(key)), "size.vcpus", "size.memoryGib"];
    const parameters = ["max_connections", "wrok_mem", "toy.x", "ssl", "statement_timeout"].map((name) => `parameters.${name}`);
    expect(Object.keys(SETTINGS).filter((key) => !Object.hasOwn(instanceFields, key))).toEqual([]);
    void fc.assert(
      fc.property(fc.record(SETTINGS, { requiredKeys: [] }), fc.subarray([...keys, ...parameters]), (flat, chosen) => {
        const moved = new Set(chosen);
        const own = half(flat, moved, true);
        const split = withOwn(own, half(flat, moved, false));
        const expected = found(withOwn({}, flat)).map((message) => relocated(message, own));
        expect([...found(split)].sort()).toEqual(expected.sort());
      }),
      { numRuns: 300 },
    );
  });

  it("is not changed where the result is resolved again, and so is the result", () => {
    void fc.assert(
      fc.property(
        fc.record(VALID, { requiredKeys: [] }),
        fc.subarray([...Object.keys(VALID), "size.vcpus", "parameters.work_mem"]),
        (flat, chosen) => {
          const moved = new Set(chosen);
          const spec = withOwn({ ...half(flat, moved, true), zone: "b" }, half(flat, moved, false));
          const environment = resolveUnknown(spec, given);
          expect(resolveUnknown(environment.spec, given)).toEqual(environment);
          expect(resolveUnknown(JSON.parse(JSON.stringify(environment.spec)), given)).toEqual(environment);
        },
      ),
      { numRuns: 100 },
    );
  });
});
