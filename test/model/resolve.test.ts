import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { formatViolation } from "../../constructs/model/errors";
import { text } from "../../constructs/model/fields";
import type { Platform, Platforms } from "../../constructs/model/platform";
import { resolve } from "../../constructs/model/resolve";
import { defineTarget } from "../../constructs/model/target";
import { platforms } from "../../constructs/platforms/registry";
import type { NamedSpec } from "../../infra/spec";
import { given, minimal, refusal, type Spec, withInstance, withPrefect } from "../fixtures/specs";

const [FIRST] = Object.keys(platforms);

describe("resolve", () => {
  it("fills every default", () => {
    const { instances, platforms: resolved, warnings } = resolve(minimal, given);
    expect(instances.main?.settings).toEqual({
      majorVersion: 17,
      size: { vcpus: 2, memoryGib: 8 },
      storageGib: 100,
      maxStorageGib: 500,
      iops: null,
      throughputMibps: null,
      highAvailability: true,
      readReplicas: 0,
      backupRetentionDays: 7,
      pointInTimeRecovery: true,
      backupWindow: "02:00-03:00",
      maintenanceWindow: "sun:04:00-sun:05:00",
      backupReplication: null,
      iamAuthentication: false,
      deletionProtection: true,
      parameters: { log_min_duration_statement: 1000, log_connections: "on", log_disconnections: "on", log_lock_waits: "on" },
      allowedSources: [],
      existing: null,
    });
    expect(resolved.prefect).toEqual({
      kind: "prefect",
      settings: {
        platform: "prefect",
        instance: "main",
        namespace: "prefect",
        release: "prefect",
        chartVersion: "2026.8.18172642",
        replicas: 1,
        access: "auto",
        serviceAccount: null,
        images: {},
        databases: {},
        values: {},
        poolSize: 5,
        maxOverflow: 5,
        redisHost: null,
        redisPort: 6379,
        redisSecret: null,
      },
      instance: "main",
      access: "direct",
      tls: "verify-full",
      peak: 26,
      readerPeak: 0,
      databases: { main: "prefect" },
    });
    expect(warnings.map((warning) => warning.path)).toEqual(["instances.main.highAvailability"]);
  });

  it("plans two logins, an owner and a secret for each platform", () => {
    expect(resolve(minimal, given).instances.main?.tenants).toEqual({
      prefect: {
        owner: "prefect_owner",
        logins: [
          { name: "prefect_a", connectionLimit: 26 },
          { name: "prefect_b", connectionLimit: 26 },
        ],
        databases: [{ name: "prefect", extensions: ["pg_trgm"] }],
        createDatabase: false,
        loginParameters: {},
        secret: "test--prefect",
        revisions: [
          {
            database: "prefect",
            table: "alembic_version",
            newest: "string_agg(version_num, ', ' order by version_num)",
            expected: "50737cdaee36",
          },
        ],
      },
    });
  });

  it("changes nothing when its own result is resolved again", () => {
    const settings = fc.record(
      {
        majorVersion: fc.constantFrom(15 as const, 16 as const, 17 as const, 18 as const),
        storageGib: fc.integer({ min: 20, max: 60_000 }),
        highAvailability: fc.boolean(),
        readReplicas: fc.integer({ min: 0, max: 15 }),
        backupRetentionDays: fc.integer({ min: 1, max: 35 }),
        parameters: fc.record({ max_connections: fc.integer({ min: 200, max: 900 }), work_mem: fc.constant("16MB") }, { requiredKeys: [] }),
        allowedSources: fc.array(fc.constantFrom("10.0.0.0/16", "fd00::/8")),
      },
      { requiredKeys: [] },
    );
    const prefect = fc.record(
      { poolSize: fc.integer({ min: 1, max: 20 }), values: fc.constant({ service: { port: 80 } }) },
      { requiredKeys: [] },
    );
    void fc.assert(
      fc.property(settings, prefect, (main, its) => {
        const environment = resolve({ name: "test", instances: { main }, platforms: { prefect: its, mlflow: {} } }, given);
        expect(resolve(environment.spec, given)).toEqual(environment);
        expect(resolve(JSON.parse(JSON.stringify(environment.spec)) as Spec, given)).toEqual(environment);
      }),
      { numRuns: 50 },
    );
  });

  it("returns a frozen environment", () => {
    const environment = resolve(minimal, given);
    const change = () => Object.assign(environment.instances.main?.settings.size ?? {}, { vcpus: 4 });
    expect(change).toThrow("Cannot assign to read only property 'vcpus'");
  });

  it("takes an explicit undefined for a setting that was left out", () => {
    expect(resolve({ ...minimal, instances: { main: { storageGib: undefined } } }, given)).toEqual(resolve(minimal, given));
  });

  it("reports everything at once", () => {
    const spec = {
      name: "Test",
      instances: { main: { storageGib: 5, majorVersion: 14, highAvailabilty: true } },
      platforms: { prefect: { replicas: 0 }, prefct: {} },
      instanses: {},
    };
    expect(refusal(spec)).toBe(`invalid spec:
  - instanses: unknown key; did you mean "instances"?
  - name: must be 1 to 30 of a-z, 0-9 and single hyphens, starting with a letter, got "Test"
  - instances.main.highAvailabilty: unknown key; did you mean "highAvailability"?
  - instances.main.majorVersion: must be 15, 16, 17 or 18, got 14; PostgreSQL 14 reached its end of life on 2026-11-12 and gets no security fixes; upgrade the server first, or restore a dump into a new one
  - instances.main.storageGib: must be a whole number from 10 to 65536, got 5
  - platforms.prefect.replicas: must be a whole number from 1 to 100, got 0
  - platforms.prefct: unknown platform; did you mean "prefect"?`);
  });

  it.each<[string, unknown, string]>([
    ["null", null, "spec: must be an object, got null"],
    [
      "nothing",
      {},
      `name: is required; write 1 to 30 of a-z, 0-9 and single hyphens, starting with a letter\n  - instances: is required; write instances: { main: {} }\n  - platforms: is required; write platforms: { ${FIRST}: {} }`,
    ],
    [
      "no instance",
      { ...minimal, instances: {} },
      "instances: must name at least one instance, got an object; write instances: { main: {} }",
    ],
    ["a misplaced list", { ...minimal, platforms: [] }, `platforms: must be an object, got a list; write platforms: { ${FIRST}: {} }`],
    [
      "an instance that is not there",
      withPrefect({ instance: "mian" }),
      'platforms.prefect.instance: must name an instance, got "mian"; did you mean "main"?',
    ],
    [
      "one of two instances",
      { ...minimal, instances: { a: {}, b: {} } },
      "platforms.prefect.instance: is required where there is more than one instance; use a or b",
    ],
    [
      "a text for a number",
      withInstance({ storageGib: "100" }),
      'instances.main.storageGib: must be a whole number from 10 to 65536, got "100"; write it without quotes: 100',
    ],
    ["a text for a flag", withInstance({ highAvailability: "yes" }), 'instances.main.highAvailability: must be true or false, got "yes"'],
    ["a window without zone", withInstance({ backupWindow: "2am" }), 'instances.main.backupWindow: must be hh:mm-hh:mm (UTC), got "2am"'],
    ["a nested key", withInstance({ size: { cpus: 2 } }), 'instances.main.size.cpus: unknown key; did you mean "vcpus"?'],
    [
      "a missing key of a group",
      withInstance({ existing: { host: "db", ca: "ca.pem" } }),
      "instances.main.existing.masterSecret: is required; write the ID of a secret, or the path of a file on this machine",
    ],
    [
      "values that are no data",
      withPrefect({ values: { a: () => 1 } }),
      "platforms.prefect.values: must be an object of plain data (JSON) with at most 100 levels and 20000 values, got an object",
    ],
    [
      "a network that is none",
      withInstance({ allowedSources: ["everybody"] }),
      'instances.main.allowedSources[0]: must be a CIDR block such as 10.0.0.0/16, got "everybody"',
    ],
    [
      "two platforms in one release",
      { ...minimal, platforms: { prefect: { release: "x", namespace: "ml" }, mlflow: { release: "x", namespace: "ml" } } },
      'platforms.mlflow.release: is already the release of prefect in namespace ml, got "x"',
    ],
    [
      "a release that fits no Kubernetes name",
      withPrefect({ release: "Prefect" }),
      'platforms.prefect.release: must be a Kubernetes name of 1 to 50 of a-z, 0-9 and hyphens, starting with a letter, got "Prefect"',
    ],
  ])("refuses %s", (_case, spec, message) => {
    expect(refusal(spec)).toBe(`invalid spec:\n  - ${message}`);
  });

  it("refuses a chart version until it is acknowledged with a reason", () => {
    const spec = withPrefect({ chartVersion: "2027.1.1" });
    expect(refusal(spec)).toBe(
      'invalid spec:\n  - platforms.prefect.chartVersion: is newer than 2026.8.18172642, the newest version of prefect-server that was verified, got "2027.1.1"; use 2026.8.18172642, or read the chart\'s values and check that no key moved; then write acknowledge: { "prefect-chart-version": "<reason>" } [prefect-chart-version]',
    );
    expect(refusal({ ...(spec as Spec), acknowledge: { "prefect-chart-version": "ok" } })).toContain(
      "acknowledge.prefect-chart-version: must be a reason of at least ten characters",
    );
    const { warnings } = resolve({ ...(spec as Spec), acknowledge: { "prefect-chart-version": "values compared on 2027-01-02" } }, given);
    expect(warnings.map((warning) => warning.remedy)).toContain("acknowledged: values compared on 2027-01-02");
  });

  it("shows the reason of an acknowledged warning", () => {
    const known = { "local-shows-one-server": "one server is enough here" };
    const { warnings } = resolve({ ...minimal, instances: { main: { readReplicas: 1 } }, acknowledge: known }, given);
    expect(warnings.map(formatViolation)).toContain(
      "instances.main.readReplicas: has no effect on this machine; acknowledged: one server is enough here [local-shows-one-server]",
    );
  });

  it("refuses a mistyped id among what is acknowledged, but not one that may be another target's", () => {
    const reason = "read on 2026-11-21";
    expect(refusal({ ...minimal, acknowledge: { "prefect-chart-versoin": reason } })).toBe(
      'invalid spec:\n  - acknowledge.prefect-chart-versoin: is not a rule ID; did you mean "prefect-chart-version"?',
    );
    expect(refusal({ ...minimal, acknowledge: { "aws-some-rule": reason } })).toBe("accepted");
  });

  it("refuses platforms that need more connections than the instance has", () => {
    expect(refusal({ ...minimal, instances: { main: { size: { vcpus: 1, memoryGib: 2 } } }, platforms: { prefect: {}, mlflow: {} } })).toBe(
      "invalid spec:\n  - instances.main: max_connections must be at least 68 (mlflow 34 + prefect 26 + reserved 8), got 50; cheapest first: shrink several pools by 18 connections in total; or set instances.main.parameters.max_connections to 68; or move prefect (26) to a separate instance",
    );
    expect(
      refusal({ ...minimal, instances: { main: { parameters: { max_connections: 68 } } }, platforms: { prefect: {}, mlflow: {} } }),
    ).toBe("accepted");
    expect(
      refusal({ ...minimal, instances: { main: { parameters: { max_connections: 65 } } }, platforms: { prefect: {}, mlflow: {} } }),
    ).toContain("got 65");
  });

  it("counts the connections of an existing database", () => {
    const existing = { host: "db", ca: "ca.pem", masterSecret: "m.json", maxConnections: 33 };
    expect(refusal(withInstance({ existing }))).toContain("max_connections must be at least 34 (prefect 26 + reserved 8), got 33");
  });

  it("checks the section of its own target, and carries those of others along", () => {
    const aws = defineTarget({
      ...local,
      name: "aws",
      section: { vpcId: text({ pattern: /^vpc-/, form: "a VPC's id" }) },
    });
    const spec = { ...minimal, aws: { vpcId: "subnet-1" }, gcp: { project: "p" } };
    expect(refusal(spec, aws as never)).toBe('invalid spec:\n  - aws.vpcId: must be a VPC\'s id, got "subnet-1"');
    expect(refusal(minimal, aws as never)).toBe("invalid spec:\n  - aws.vpcId: is required; write a VPC's id");
    expect(resolve(spec as Spec, given).spec).toMatchObject({ aws: { vpcId: "subnet-1" }, gcp: { project: "p" } });
    expect(refusal({ ...minimal, azure: {} })).toBe(
      "invalid spec:\n  - azure: unknown key; known are acknowledge, aws, gcp, instances, labels, monthlyCostLimitUsd, name, owner, platforms",
    );
  });

  it("reports a way of access that the target rejects", () => {
    const target = defineTarget({
      ...local,
      topology: (access) =>
        access === "sidecar"
          ? { rule: "needs a proxy, which this target lacks", remedy: 'use "direct"' }
          : { access: "direct", tls: "verify-full", caution: null },
    });
    expect(refusal(withPrefect({ access: "sidecar" }), target)).toBe(
      'invalid spec:\n  - platforms.prefect.access: needs a proxy, which this target lacks, got "sidecar"; use "direct"',
    );
    expect(refusal(withPrefect({ access: "sidecar", redisHost: "redis" }), target)).toBe(
      'invalid spec:\n  - platforms.prefect.access: the chart of Prefect cannot start a sidecar before its migrations, got "sidecar"; use "direct" or "proxy"',
    );
  });

  it("reports a malformed max_connections once", () => {
    expect(refusal(withInstance({ parameters: { max_connections: "LEAST(1,2)" } }))).toBe(
      'invalid spec:\n  - instances.main.parameters.max_connections: must be a whole number from 10 to 262143, got "LEAST(1,2)" [max-connections-is-a-number]',
    );
  });

  it("leaves the caller's objects as they are", () => {
    const values = { server: { tolerations: [{ a: 1 }] } };
    resolve({ ...minimal, platforms: { prefect: { values } } }, given);
    expect(Object.isFrozen(values.server.tolerations[0])).toBe(false);
  });

  it("lists what it allows but does not do", () => {
    const spec = {
      ...minimal,
      instances: { main: { existing: { host: "db", ca: "ca.pem", masterSecret: "m.json" }, readReplicas: 3 } },
      platforms: { prefect: { access: "sidecar" as const } },
    };
    expect(resolve(spec, given).warnings.map(formatViolation)).toEqual([
      "instances.main.readReplicas: has no effect on an existing database [existing-is-not-created]",
      'platforms.prefect.access: has no effect on this machine, got "sidecar"; processes on this machine connect directly',
    ]);
  });

  describe("with platforms of other shapes", () => {
    const toy = (change: object) => ({ ...platforms.mlflow, ...change }) as Platform;
    const refusalOf = (registry: Platforms, instance: object = {}) => {
      try {
        resolve(
          {
            name: "test",
            instances: { main: instance },
            platforms: Object.fromEntries(Object.keys(registry).map((name) => [name, {}])),
          } as never,
          { target: local, platforms: registry },
        );
        return "accepted";
      } catch (error) {
        return (error as Error).message;
      }
    };

    it("refuses a server that is too old for one of them", () => {
      expect(refusalOf({ toy: toy({ minimumMajorVersion: 18 }) })).toBe(
        "invalid spec:\n  - instances.main.majorVersion: must be at least 18 for toy, got 17",
      );
      expect(refusalOf({ toy: toy({ minimumMajorVersion: 18 }) }, { majorVersion: 18 })).toBe("accepted");
    });

    it("warns of a server that is newer than any that one of them was run on", () => {
      const registry = { toy: toy({ newestMajorVersion: 16 }) };
      const newest = (majorVersion: 16 | 17) =>
        resolve({ name: "test", instances: { main: { majorVersion } }, platforms: { toy: {} } }, { target: local, platforms: registry })
          .warnings.filter(({ path }) => path.endsWith("majorVersion"))
          .map(formatViolation);
      expect(newest(16)).toEqual([]);
      expect(newest(17)).toEqual([
        "instances.main.majorVersion: is newer than PostgreSQL 16, the newest version that MLflow was tested with, got 17",
      ]);
    });

    it("refuses two platforms in one database", () => {
      expect(refusalOf({ a: toy({}), b: toy({}) })).toBe(
        'invalid spec:\n  - platforms.b: uses a database that already belongs to a on the same instance, got "mlflow"; write another name in platforms.b.databases',
      );
    });

    it.each([
      ["postgres", "must not use a database that belongs to PostgreSQL or a cloud", "; write another name in platforms.toy.databases"],
      ["My Database", "database must be 1 to 63 of a-z, 0-9 and _, not starting with a digit", ""],
    ])("refuses the database %s", (name, rule, remedy) => {
      expect(refusalOf({ toy: toy({ databases: () => ({ main: { name, extensions: [] } }) }) })).toBe(
        `invalid spec:\n  - platforms.toy: ${rule}, got "${name}"${remedy}`,
      );
    });

    it("plans a database once where two of a platform's keys name it, with the extensions of both", () => {
      const registry = {
        toy: toy({
          databases: () => ({
            a: { name: "one", extensions: ["x"] },
            b: { name: "one", extensions: ["x", "y"] },
            c: { name: "two", extensions: [] },
          }),
        }),
      };
      const environment = resolve(
        { name: "test", instances: { main: {} }, platforms: { toy: {} } },
        { target: local, platforms: registry },
      );
      expect(environment.instances.main?.tenants.toy?.databases).toEqual([
        { name: "one", extensions: ["x", "y"] },
        { name: "two", extensions: [] },
      ]);
      expect(environment.platforms.toy?.databases).toEqual({ a: "one", b: "one", c: "two" });
    });
  });

  it("derives the spec's type from the platforms: each has settings of its own", () => {
    const specs: NamedSpec[] = [
      { name: "a", instances: { main: {} }, platforms: { mlflow: { workers: 1 } } },
      // @ts-expect-error workers is not a setting of Prefect
      { name: "b", instances: { main: {} }, platforms: { prefect: { workers: 1 } } },
      // Any name compiles: `platform` may say what it is.
      { name: "c", instances: { main: {} }, platforms: { nonesuch: {} } },
      // @ts-expect-error a misspelt field of an instance
      { name: "d", instances: { main: { storageGb: 20 } }, platforms: {} },
    ];
    expect(specs.map((spec) => refusal(spec) === "accepted")).toEqual([true, false, false, false]);
  });
});
