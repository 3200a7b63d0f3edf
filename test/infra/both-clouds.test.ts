import { describe, expect, it } from "vitest";
import { formatViolation } from "../../constructs/model/errors";
import { planAws } from "../../infra/aws/plan";
import { synthesize } from "../../infra/aws/synthesize";
import { planGcp } from "../../infra/gcp/plan";
import type { NamedSpec } from "../../infra/spec";
import { NETWORK, resolveAws } from "../fixtures/aws";
import { CLUSTER, resolveGcp, SECTION } from "../fixtures/gcp";
import { one, registrationsOf } from "../fixtures/registrations";

/** Backups in another region, logical replication, an extension's library and a sidecar: each cloud's own words in its section. */
const spec: NamedSpec = {
  name: "both",
  instances: { main: { backupRetentionDays: 14, parameters: { max_connections: 500, work_mem: "16MB" } } },
  platforms: { mlflow: { access: "sidecar" }, prefect: {} },
  aws: {
    region: "eu-central-1",
    network: NETWORK,
    instances: {
      main: {
        class: "db.m7i.large",
        backupReplication: { region: "eu-west-1", kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f" },
        parameters: { "rds.logical_replication": 1, shared_preload_libraries: "pg_stat_statements,pg_cron" },
      },
    },
  },
  gcp: {
    ...SECTION,
    cluster: CLUSTER,
    instances: {
      main: {
        tier: "db-custom-2-7680",
        backupReplication: { region: "eu" },
        parameters: { "cloudsql.logical_decoding": "on", "cloudsql.enable_pg_cron": "on" },
      },
    },
  },
};

describe("one spec for both clouds", () => {
  it("is RDS's with its class, its parameters and a copy of its backups; a sidecar is left out, and said to be", async () => {
    const environment = resolveAws(spec);
    expect(environment.warnings.map(formatViolation)).toEqual([
      'platforms.mlflow.access: has no effect on AWS, got "sidecar"; pods connect to RDS directly, over verified TLS',
    ]);
    const { Resources } = synthesize(environment)["postgres-both-database"] ?? { Resources: {} };
    const [instance] = Object.values(Resources).filter(({ Type }) => Type === "AWS::RDS::DBInstance");
    expect(instance?.Properties).toMatchObject({ DBInstanceClass: "db.m7i.large", AutomaticBackupReplicationRegion: "eu-west-1" });
    const [group] = Object.values(Resources).filter(({ Type }) => Type === "AWS::RDS::DBParameterGroup");
    expect(group?.Properties?.Parameters).toMatchObject({
      "rds.logical_replication": "1",
      shared_preload_libraries: "pg_stat_statements,pg_cron",
      work_mem: "16384",
    });
    const { changes, resources } = await planAws(environment, null);
    expect(changes).toEqual([]);
    expect(resources).toContainEqual({ stack: "postgres-both-database", type: "AWS::RDS::DBInstance", count: 1 });
  });

  it("is Cloud SQL's with its tier, its flags, backups in several regions, and the sidecar", async () => {
    const environment = resolveGcp(spec);
    expect(environment.warnings.map(formatViolation)).toEqual([
      "instances.main.pointInTimeRecovery: reaches 7 days back with edition ENTERPRISE; before that, only daily backups exist, got true [gcp-recovery-reaches-as-far-as-logs]",
    ]);
    expect(environment.platforms.mlflow).toMatchObject({ access: "sidecar", tls: "proxy" });
    const { settings } = one(await registrationsOf(spec), "DatabaseInstance").inputs as { readonly settings: Record<string, unknown> };
    expect(settings).toMatchObject({ tier: "db-custom-2-7680", backupConfiguration: { location: "eu" } });
    expect(settings.databaseFlags).toEqual(
      expect.arrayContaining([
        { name: "cloudsql.enable_pg_cron", value: "on" },
        { name: "cloudsql.logical_decoding", value: "on" },
        { name: "work_mem", value: "16384" },
      ]),
    );
    const { changes, notes, resources } = await planGcp(environment, null);
    expect([changes, notes.filter((note) => note.includes("backups"))]).toEqual([[], []]);
    expect(resources).toContainEqual({ stack: "both database", type: "gcp:sql/databaseInstance:DatabaseInstance", count: 1 });
  });
});
