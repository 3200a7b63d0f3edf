import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as compute from "@pulumi/gcp/compute";
import * as sql from "@pulumi/gcp/sql";
import { describe, expect, it } from "vitest";
import { CloudSqlAlerts } from "../../../constructs/gcp/cloud-sql-alerts";
import { CloudSqlPostgres } from "../../../constructs/gcp/cloud-sql-postgres";
import { DatabaseProvisioning } from "../../../constructs/gcp/database-provisioning";
import { PlatformDatabases } from "../../../constructs/gcp/platform-databases";
import { PlatformReleases } from "../../../constructs/gcp/platform-releases";
import { PrivateServicesAccess } from "../../../constructs/gcp/private-services-access";
import { mapValues } from "../../../constructs/model/json";
import { type Registrations, register } from "../../../infra/gcp/registrations";
import { standIns } from "../../../infra/gcp/snapshot";
import { minimalGcp } from "../../fixtures/gcp";
import { mountedFiles, ofType, one, registrationsOf } from "../../fixtures/registrations";

const config = { "gcp:project": "my-project", "gcp:region": "europe-west4" };
const NETWORK = "projects/my-project/global/networks/ml";
const projectNumber = "123456789012";

/** What a program of one's own registers. */
const registered = (run: () => unknown, its: object = config): Promise<Registrations> =>
  register(
    { project: "ml", stack: "prod", preview: false, config: its as typeof config, outputs: standIns },
    () => (run() ?? {}) as object,
  );

const settingsOf = (all: Registrations) => {
  const { settings, ...others } = one(all, "DatabaseInstance").inputs as { readonly settings: object };
  return { ...others, settings: { ...settings, userLabels: null, ipConfiguration: null } };
};

describe("the parts in a program of one's own", () => {
  it("CloudSqlPostgres needs a network only, and is what an environment's instance without settings is", async () => {
    const own = await registered(() => void new CloudSqlPostgres("main", { network: NETWORK }));
    const theirs = await registrationsOf({ ...minimalGcp, name: "ml-prod", instances: { main: {} } });
    expect(settingsOf(own)).toEqual(settingsOf(theirs));
    expect(one(own, "DatabaseInstance").protect).toBe(true);
    expect(one(own, "ManagedZone").inputs).toMatchObject({
      dnsName: "main.ml-prod.postgres.internal.",
      privateVisibilityConfig: { networks: [{ networkUrl: `https://www.googleapis.com/compute/v1/${NETWORK}` }] },
    });
    expect([one(own, "Secret").name, one(own, "Secret").inputs.labels]).toEqual(["ml-prod--main--master", { environment: "ml-prod" }]);
  });

  it("takes Pulumi's own network, a tier, and whatever it is to wait for", async () => {
    const all = await registered(() => {
      const network = new compute.Network("net", {});
      const access = new PrivateServicesAccess("access", { network: NETWORK });
      const settings = { tier: "db-custom-4-26624", readReplicas: 1 };
      const postgres = new CloudSqlPostgres("main", { network: network.id, settings }, { dependsOn: access });
      new PlatformDatabases("databases", { postgres, projectNumber, platforms: { prefect: {} } });
      return { connections: postgres.maxConnections };
    });
    const [primary] = ofType(all, "DatabaseInstance");
    expect(primary?.inputs).toMatchObject({
      settings: { tier: "db-custom-4-26624", ipConfiguration: { privateNetwork: expect.stringContaining("net") } },
    });
    expect(all.outputs.connections).toBe(500);
    expect(one(all, "GlobalAddress").inputs).toMatchObject({ prefixLength: 20 });
    expect(one(all, "CloudSqlPostgres").dependsOn.join()).toMatch(/::access-peering/);
  });

  it("takes another edition, a pool and the reasons for which a rule is set aside, and so do the platforms on it", async () => {
    const args = {
      network: NETWORK,
      edition: "ENTERPRISE_PLUS",
      settings: { size: { vcpus: 2, memoryGib: 16 }, parameters: { wal_level: "logical" } },
      serverCaPool: "projects/my-project/locations/europe-west4/caPools/pool",
      denyMaintenance: { from: "11-20", to: "01-05" },
    } as const;
    await expect(registered(() => void new CloudSqlPostgres("main", args))).rejects.toThrow(
      'acknowledge: { "gcp-denied-days-have-a-year": "<reason>" }',
    );
    const all = await registered(() => {
      const acknowledge = { "gcp-denied-days-have-a-year": "every year before Christmas", "gcp-flags-are-in-the-list": "Google added it" };
      const postgres = new CloudSqlPostgres("main", { ...args, acknowledge });
      const platforms = { mlflow: { access: "direct" } } as const;
      return { tls: new PlatformDatabases("databases", { postgres, projectNumber, platforms }).wired.mlflow.connection.tls.mode };
    });
    expect(all.outputs.tls).toBe("verify-full");
    expect(one(all, "DatabaseInstance").inputs).toMatchObject({ settings: { tier: "db-perf-optimized-N-2", edition: "ENTERPRISE_PLUS" } });
  });

  it("reports what is wrong where the caller wrote it", async () => {
    const make = (args: object, its?: object) => registered(() => void new CloudSqlPostgres("main", { network: NETWORK, ...args }), its);
    await expect(make({ settings: { storageGib: 5, sizes: 1 }, edition: "PLUS" })).rejects.toThrow(
      /^invalid spec:\n(?=(.*\n)*.*- edition: )(?=(.*\n)*.*- settings\.storageGib: )(.*\n)*.*- settings\.sizes: unknown key; did you mean "size"/,
    );
    await expect(make({ environment: "Team" })).rejects.toThrow("environment: must be 1 to 30 of a-z");
    await expect(make({}, {})).rejects.toThrow("project: is required; write it, or set gcp:project in the configuration of the stack");
    const existing = { existing: { host: "db.example", masterSecret: "projects/my-project/secrets/master" } };
    await expect(make({ settings: existing })).rejects.toThrow(
      "settings.existing: describes an existing database; use CloudSqlPostgres.from",
    );
    const crowd = () => {
      const postgres = new CloudSqlPostgres("main", { network: NETWORK, settings: { parameters: { max_connections: 60 } } });
      new PlatformDatabases("databases", { postgres, projectNumber, platforms: { mlflow: { workers: 9 } } });
    };
    await expect(registered(crowd)).rejects.toThrow(
      /- settings: max_connections must be at least .*settings\.parameters\.max_connections to \d+/,
    );
    const misspelt = () => {
      const postgres = new CloudSqlPostgres("main", { network: NETWORK });
      // @ts-expect-error: no setting of MLflow.
      new PlatformDatabases("databases", { postgres, projectNumber, platforms: { mlflow: { redisHost: "r" } } });
    };
    await expect(registered(misspelt)).rejects.toThrow(/redisHost: unknown key/);
  });

  it("PlatformDatabases makes what an environment in a cluster has: secrets, a Job, rotation, and rights", async () => {
    const all = await registered(() => {
      const postgres = new CloudSqlPostgres("main", { network: NETWORK });
      const databases = new PlatformDatabases("databases", { postgres, projectNumber, platforms: { mlflow: {}, prefect: {} } });
      new PlatformReleases("releases", {
        externalSecrets: { project: "my-project", cluster: "ml", location: "europe-west4" },
        platforms: databases.releases,
      });
      return { sidecar: databases.wired.mlflow.connection.tls.mode };
    });
    const cluster = { name: "ml", location: "europe-west4" };
    const spec = { ...minimalGcp, name: "ml-prod", instances: { main: {} }, platforms: { mlflow: {}, prefect: {} } };
    const theirs = await registrationsOf({
      ...spec,
      gcp: { ...minimalGcp.gcp, project: "my-project", projectNumber, region: "europe-west4", network: "ml", cluster },
    } as typeof spec);
    expect(mountedFiles(all)["task.json"]).toBe(mountedFiles(theirs)["task.json"]);
    expect(JSON.parse(mountedFiles(all)["task.json"] ?? "")).toMatchObject({ rotationDays: 30, rotatesMaster: true });
    expect(all.outputs.sidecar).toBe("proxy");
    const members = (registrations: Registrations) =>
      ["SecretIamMember", "IAMMember"]
        .flatMap((type) => ofType(registrations, type).map(({ inputs }) => JSON.stringify([inputs.member, inputs.role, inputs.secretId])))
        .sort();
    expect(members(all)).toEqual(members(theirs));
    const releases = (registrations: Registrations) =>
      mapValues(Object.fromEntries(ofType(registrations, "Release").map((each) => [each.name, each])), ({ inputs }) => inputs.values);
    expect(releases(all)).toEqual(releases(theirs));
    expect(
      ofType(all, "Namespace")
        .map(({ inputs }) => (inputs.metadata as { readonly name: string }).name)
        .sort(),
    ).toEqual(["mlflow", "postgres-ml-prod", "prefect"]);
  });

  it("works on an instance of Pulumi's own, whose master it reads and does not rotate", async () => {
    const all = await registered(() => {
      const instance = new sql.DatabaseInstance("mine", { databaseVersion: "POSTGRES_16", settings: { tier: "db-custom-2-7680" } });
      const postgres = CloudSqlPostgres.fromDatabaseInstance("mine", {
        instance,
        host: "10.1.2.3",
        masterSecret: "projects/my-project/secrets/mine",
        majorVersion: 16,
        maxConnections: 400,
      });
      const { wired } = new PlatformDatabases("databases", { postgres, projectNumber, platforms: { mlflow: {} } });
      return { tls: wired.mlflow.connection.tls.mode };
    });
    expect(all.outputs.tls).toBe("proxy");
    expect(JSON.parse(mountedFiles(all)["task.json"] ?? "")).toMatchObject({
      masterSecret: "projects/my-project/secrets/mine",
      rotatesMaster: false,
      environment: "ml-prod",
    });
    const master = ofType(all, "SecretIamMember").filter(({ inputs }) => inputs.secretId === "projects/my-project/secrets/mine");
    expect(master.map(({ inputs }) => inputs.role).sort()).toEqual(["roles/secretmanager.secretAccessor", "roles/secretmanager.viewer"]);
    expect(ofType(all, "CloudSqlPostgres")).toEqual([]);
  });

  it("DatabaseProvisioning asks for what it cannot know", async () => {
    const make = () => {
      const postgres = new CloudSqlPostgres("main", { network: NETWORK });
      new DatabaseProvisioning("provisioning", { postgres, tenants: {}, secrets: {} });
    };
    await expect(registered(make)).rejects.toThrow("projectNumber: is required without identity");
  });

  it("is the example, of at most 15 lines", async () => {
    const file = join(__dirname, "..", "..", "..", "examples", "gcp-program", "database.ts");
    expect(readFileSync(file, "utf8").trim().split("\n").length).toBeLessThanOrEqual(15);
    const all = await registered(() => import("../../../examples/gcp-program/database.js"));
    expect(all.outputs.login).toBe("projects/my-project/secrets/ml-prod--mlflow");
    expect(ofType(all, "AlertPolicy").map(({ inputs }) => inputs.project)).toEqual(expect.arrayContaining(["my-project"]));
    expect(CloudSqlAlerts).toBeDefined();
  });
});
