import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { describeRds, PERMISSIONS } from "../../infra/aws/rds";
import { describeCloudSql, ROLE } from "../../infra/gcp/cloud-sql";
import { CloudSqlDouble } from "../fixtures/cloud-sql";
import { RdsDouble } from "../fixtures/rds";
import { SecretManagerDouble } from "../fixtures/secret-manager";

afterAll(() => vi.unstubAllEnvs());

it("takes the permissions that docs/reference/permissions.md names", () => {
  const page = readFileSync(join(__dirname, "..", "..", "docs", "reference", "permissions.md"), "utf8");
  expect([...new Set(page.match(/\brds:\w+/g))].sort()).toEqual(Object.values(PERMISSIONS).sort());
  expect(page.replaceAll("`", "")).toContain(ROLE);
});

const stub = (variables: Readonly<Record<string, string>>) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
};
const CLOSED = "http://127.0.0.1:1/";

describe("an instance of RDS", () => {
  const HOST = "shop-main.c0abcdefghij.eu-central-1.rds.amazonaws.com";
  let rds: RdsDouble;
  beforeAll(async () => {
    rds = await RdsDouble.start();
    stub({ ...rds.environment, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });
  });
  afterEach(() => {
    rds.refused.clear();
    rds.asked.length = 0;
  });
  afterAll(() => rds.stop());
  const MACHINE =
    "<DBInstanceClass>db.m7g.large</DBInstanceClass><AllocatedStorage>100</AllocatedStorage><DBInstanceStatus>available</DBInstanceStatus><AvailabilityZone>eu-central-1a</AvailabilityZone>";
  const WINDOW =
    "<RestoreWindow><EarliestTime>2026-11-16T03:12:09Z</EarliestTime><LatestTime>2026-11-30T11:55:00Z</LatestTime></RestoreWindow>";
  const backup = (content: string, status = "active") =>
    `<Status>${status}</Status><BackupRetentionPeriod>14</BackupRetentionPeriod>${content}`;

  it("is its class, disk, state, zones, and the moments that can be restored", async () => {
    rds.described.set("shop-main", `${MACHINE}<MultiAZ>true</MultiAZ><SecondaryAvailabilityZone>eu-central-1b</SecondaryAvailabilityZone>`);
    rds.backups.set("shop-main", backup(WINDOW));
    expect(await describeRds(HOST)).toEqual({
      machine: {
        value: {
          type: "db.m7g.large",
          diskGib: 100,
          state: "available",
          isUsable: true,
          zone: "eu-central-1a",
          standby: { zone: "eu-central-1b" },
        },
        problem: null,
      },
      backups: {
        value: {
          areOn: true,
          days: 14,
          kept: null,
          oldest: new Date("2026-11-16T03:12:09Z"),
          latest: new Date("2026-11-30T11:55:00Z"),
        },
        problem: null,
      },
    });
    const asked = { identifier: "shop-main", others: [], region: "eu-central-1" };
    expect(rds.asked).toHaveLength(2);
    for (const action of ["DescribeDBInstances", "DescribeDBInstanceAutomatedBackups"])
      expect(rds.asked).toContainEqual({ action, ...asked });
  });

  it("has no standby, no backups, or none that is complete", async () => {
    rds.described.set("shop-main", MACHINE.replace("available", "storage-full"));
    const see = async () => {
      const view = await describeRds(HOST);
      return [view?.machine.value?.standby, view?.machine.value?.isUsable, view?.backups.value?.areOn, view?.backups.value?.oldest];
    };
    rds.backups.delete("shop-main");
    expect(await see()).toEqual([null, false, false, null]);
    rds.refused.set("DescribeDBInstanceAutomatedBackups", "DBInstanceAutomatedBackupNotFound");
    expect(await see()).toEqual([null, false, false, null]);
    rds.refused.clear();
    rds.backups.set("shop-main", backup("", "creating"));
    expect(await see()).toEqual([null, false, true, null]);
    // Of a deleted instance of this name.
    rds.backups.set("shop-main", backup(WINDOW, "retained"));
    expect(await see()).toEqual([null, false, false, null]);
  });

  it.each([
    ["AccessDenied", "you have no permission to query RDS (AccessDenied of shop-main); grant rds:DescribeDBInstanceAutomatedBackups"],
    ["ExpiredToken", "there are no valid credentials for AWS (ExpiredToken of shop-main); set AWS_PROFILE, or log in with aws sso login"],
    [
      "InvalidClientTokenId",
      "there are no valid credentials for AWS (InvalidClientTokenId of shop-main); set AWS_PROFILE, or log in with aws sso login",
    ],
    ["Throttling", "RDS failed (Throttling: Throttling of shop-main); run this again"],
  ])("shows the rest, and a sentence: %s", async (code, sentence) => {
    rds.described.set("shop-main", MACHINE);
    rds.refused.set("DescribeDBInstanceAutomatedBackups", code);
    const view = await describeRds(HOST);
    expect(view?.machine.value?.type).toBe("db.m7g.large");
    expect(view?.backups).toEqual({ value: null, problem: sentence });
  });

  it("is not there, or RDS does not answer", async () => {
    expect((await describeRds(HOST.replace("shop-main", "gone")))?.machine.problem).toBe(
      "this account has no instance gone in eu-central-1; check AWS_PROFILE",
    );
    vi.stubEnv("AWS_ENDPOINT_URL_RDS", CLOSED);
    const view = await describeRds(HOST);
    stub(rds.environment);
    const problem = "RDS does not answer; check the network and run this again";
    expect(view).toEqual({ machine: { value: null, problem }, backups: { value: null, problem } });
  });

  it.each([
    "db.example.com",
    "localhost",
    "shop.cluster-c0abcdefghij.eu-central-1.rds.amazonaws.com",
    "shop.proxy-c0abcdefghij.eu-central-1.rds.amazonaws.com",
    "shop-main.c0abcdefghij.eu-central-1.rds.amazonaws.com.example.com",
  ])("is not %s: nothing is asked", async (host) => {
    expect(await describeRds(host)).toBeNull();
    expect(rds.asked).toEqual([]);
  });
});

describe("an instance of Cloud SQL", () => {
  const NAME = "my-project:europe-west4:shop-main-1a2b";
  const PATH = "/v1/projects/my-project/instances/shop-main-1a2b";
  const INSTANCE = {
    state: "RUNNABLE",
    gceZone: "europe-west4-a",
    secondaryGceZone: "europe-west4-c",
    settings: {
      tier: "db-perf-optimized-N-2",
      dataDiskSizeGb: "100",
      availabilityType: "REGIONAL",
      backupConfiguration: {
        enabled: true,
        pointInTimeRecoveryEnabled: true,
        transactionLogRetentionDays: 14,
        backupRetentionSettings: { retainedBackups: 15, retentionUnit: "COUNT" },
      },
    },
  };
  const withBackups = (backupConfiguration: object) => ({ ...INSTANCE, settings: { ...INSTANCE.settings, backupConfiguration } });
  let sql: CloudSqlDouble;
  let secrets: SecretManagerDouble;
  beforeAll(async () => {
    // It is the metadata server, too, which gives tokens.
    [sql, secrets] = await Promise.all([CloudSqlDouble.start(), new SecretManagerDouble().start()]);
    stub({ ...secrets.variables, ...sql.environment });
  });
  afterEach(() => {
    sql.answers.clear();
    sql.refused.clear();
    sql.asked.length = 0;
  });
  afterAll(() => {
    sql.stop();
    secrets.stop();
  });

  it("is its tier, disk, state, zones, and the moments that can be restored", async () => {
    sql.answers.set(PATH, INSTANCE);
    const times = { earliestRecoveryTime: "2026-11-16T03:12:09.123Z", latestRecoveryTime: "2026-11-30T11:58:00Z" };
    sql.answers.set(`${PATH}/getLatestRecoveryTime`, { kind: "sql#getLatestRecoveryTime", ...times });
    expect(await describeCloudSql(NAME)).toEqual({
      machine: {
        value: {
          type: "db-perf-optimized-N-2",
          diskGib: 100,
          state: "RUNNABLE",
          isUsable: true,
          zone: "europe-west4-a",
          standby: { zone: "europe-west4-c" },
        },
        problem: null,
      },
      backups: {
        value: {
          areOn: true,
          days: 14,
          kept: 15,
          oldest: new Date("2026-11-16T03:12:09.123Z"),
          latest: new Date("2026-11-30T11:58:00Z"),
        },
        problem: null,
      },
    });
    expect(sql.asked).toEqual([`GET ${PATH}`, `GET ${PATH}/getLatestRecoveryTime`]);
  });

  it("restores to its backups only without point-in-time recovery: all pages of them are read", async () => {
    sql.answers.set(PATH, withBackups({ enabled: true, backupRetentionSettings: { retainedBackups: 8 } }));
    const items = (...ends: readonly string[]) => ends.map((endTime) => ({ status: "SUCCESSFUL", endTime }));
    sql.answers.set(`${PATH}/backupRuns`, {
      items: [{ status: "RUNNING" }, ...items("2026-11-30T02:10:00Z", "2026-11-29T02:10:00Z")],
      nextPageToken: "a b",
    });
    sql.answers.set(`${PATH}/backupRuns?pageToken=a%20b`, {
      items: [...items("2026-11-23T02:10:00Z"), { status: "FAILED", endTime: "2026-11-22T02:10:00Z" }],
    });
    expect((await describeCloudSql(NAME)).backups.value).toEqual({
      areOn: true,
      days: null,
      kept: 8,
      oldest: new Date("2026-11-23T02:10:00Z"),
      latest: new Date("2026-11-30T02:10:00Z"),
    });
    sql.answers.set(`${PATH}/backupRuns`, {});
    expect((await describeCloudSql(NAME)).backups.value).toMatchObject({ areOn: true, oldest: null, latest: null });
  });

  it("has no backups, no standby, or is stopped", async () => {
    const { settings } = withBackups({});
    sql.answers.set(PATH, { state: "SUSPENDED", settings: { ...settings, availabilityType: "ZONAL" } });
    expect(await describeCloudSql(NAME)).toMatchObject({
      machine: { value: { state: "SUSPENDED", isUsable: false, zone: null, standby: null } },
      backups: { value: { areOn: false, oldest: null } },
    });
    expect(sql.asked).toEqual([`GET ${PATH}`]);
  });

  it("may be in the project of a domain", async () => {
    await describeCloudSql("example.com:my-project:europe-west4:main");
    expect(sql.asked).toEqual(["GET /v1/projects/example.com%3Amy-project/instances/main"]);
  });

  it.each([
    [403, "you have no permission to query Cloud SQL (the double answers 403); grant Cloud SQL Viewer (roles/cloudsql.viewer)"],
    [401, "there are no valid credentials for Google Cloud (the double answers 401); run gcloud auth application-default login"],
    [404, "project my-project has no instance shop-main-1a2b; deploy the environment again, or use newer outputs"],
    [503, "Cloud SQL failed (the double answers 503); run this again"],
  ])("is not visible, once and not again: %s", async (status, problem) => {
    sql.refused.set(/./, status);
    expect(await describeCloudSql(NAME)).toEqual({ machine: { value: null, problem }, backups: { value: null, problem } });
    expect(sql.asked).toEqual([`GET ${PATH}`]);
  });

  it("shows the rest where only the recovery time is refused", async () => {
    const { secondaryGceZone: _unknown, ...instance } = INSTANCE;
    sql.answers.set(PATH, instance);
    sql.refused.set(/getLatestRecoveryTime/, 403);
    const { machine, backups } = await describeCloudSql(NAME);
    expect([machine.value?.standby, backups.problem]).toEqual([
      { zone: null },
      "you have no permission to query Cloud SQL (the double answers 403); grant Cloud SQL Viewer (roles/cloudsql.viewer)",
    ]);
  });

  it("is not visible where Cloud SQL does not answer", async () => {
    vi.stubEnv("CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL", CLOSED);
    const { machine } = await describeCloudSql(NAME);
    stub(sql.environment);
    expect(machine.problem).toBe("Cloud SQL does not answer; check the network and run this again");
  });
});
