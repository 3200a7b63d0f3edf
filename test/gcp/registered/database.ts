import { describe, expect, it } from "vitest";
import { CloudSqlPostgres } from "../../../constructs/gcp/cloud-sql-postgres";
import { register } from "../../../infra/gcp/registrations";
import { existingGcp, fullGcp, minimalGcp, resolveGcp, withGcp } from "../../fixtures/gcp";
import { ofType, one, registrationsOf } from "../../fixtures/registrations";

describe("an instance of Cloud SQL", () => {
  it("has everything that a spec may ask for", async () => {
    const { inputs, ignoreChanges } = one(await registrationsOf(fullGcp), "DatabaseInstance", /main$/);
    expect(inputs).toMatchObject({
      databaseVersion: "POSTGRES_17",
      encryptionKeyName: "projects/keys-project/locations/europe-west4/keyRings/ml/cryptoKeys/postgres",
      project: "my-project",
      region: "europe-west4",
    });
    expect(inputs.settings).toEqual({
      availabilityType: "REGIONAL",
      backupConfiguration: {
        backupRetentionSettings: { retainedBackups: 31, retentionUnit: "COUNT" },
        enabled: true,
        location: "europe-west4",
        pointInTimeRecoveryEnabled: true,
        startTime: "02:00",
        transactionLogRetentionDays: 30,
      },
      dataDiskProvisionedIops: 10_000,
      dataDiskProvisionedThroughput: 400,
      databaseFlags: [
        { name: "cloudsql.iam_authentication", value: "on" },
        { name: "log_connections", value: "on" },
        { name: "log_disconnections", value: "on" },
        { name: "log_lock_waits", value: "on" },
        { name: "log_min_duration_statement", value: "1000" },
        { name: "max_connections", value: "600" },
        { name: "work_mem", value: "16384" },
      ],
      deletionProtectionEnabled: true,
      denyMaintenancePeriod: { endDate: "01-05", startDate: "11-20", time: "00:00:00" },
      diskAutoresize: true,
      diskAutoresizeLimit: 2000,
      diskSize: 400,
      diskType: "HYPERDISK_BALANCED",
      edition: "ENTERPRISE_PLUS",
      finalBackupConfig: { enabled: true, retentionDays: 30 },
      insightsConfig: {
        queryInsightsEnabled: true,
        queryPlansPerMinute: 5,
        queryStringLength: 4096,
        recordApplicationTags: true,
        recordClientAddress: false,
      },
      ipConfiguration: {
        customSubjectAlternativeNames: ["main.full.postgres.internal"],
        ipv4Enabled: false,
        privateNetwork: "projects/host-project/global/networks/shared",
        serverCaMode: "CUSTOMER_MANAGED_CAS_CA",
        serverCaPool: "projects/keys-project/locations/europe-west4/caPools/databases",
        sslMode: "ENCRYPTED_ONLY",
      },
      maintenanceWindow: { day: 7, hour: 4, updateTrack: "stable" },
      retainBackupsOnDelete: true,
      tier: "db-c4a-highmem-4",
      userLabels: { environment: "full", owner: "ml-platform", stage: "production" },
    });
    expect(ignoreChanges).toEqual(["settings.diskSize"]);
  });

  it("has replicas of its size, without what only a primary has", async () => {
    const registrations = await registrationsOf(fullGcp);
    const replicas = ofType(registrations, "DatabaseInstance").filter(({ name }) => name !== "full-main");
    expect(replicas.map(({ name }) => name)).toEqual(["full-main-replica1", "full-main-replica2"]);
    for (const { inputs } of replicas) {
      expect(inputs).toMatchObject({ instanceType: "READ_REPLICA_INSTANCE", masterInstanceName: "full-main-1a2b3c4" });
      expect(inputs.settings).toMatchObject({ tier: "db-c4a-highmem-4", edition: "ENTERPRISE_PLUS", diskType: "HYPERDISK_BALANCED" });
      const settings = inputs.settings as object;
      for (const only of ["availabilityType", "diskSize", "backupConfiguration", "finalBackupConfig", "maintenanceWindow"])
        expect(settings).not.toHaveProperty(only);
    }
  });

  it("waits for the peering, which nothing in it names", async () => {
    const registrations = await registrationsOf(minimalGcp);
    expect(one(registrations, "DatabaseInstance").dependsOn).toContain(one(registrations, "Connection").urn);
  });

  it("does not look at the size of a disk that grows, and does where it does not", async () => {
    const fixed = { ...minimalGcp, instances: { main: { maxStorageGib: null } } };
    expect(one(await registrationsOf(minimalGcp), "DatabaseInstance").ignoreChanges).toEqual(["settings.diskSize"]);
    expect(one(await registrationsOf(fixed), "DatabaseInstance").ignoreChanges).toEqual([]);
  });

  it("begins backups when the spec's window does, and keeps them in another region where the spec names one", async () => {
    const spec = {
      ...minimalGcp,
      instances: { main: { backupWindow: "23:30-00:30", backupReplication: { region: "europe-west1" } } },
    };
    expect(one(await registrationsOf(spec), "DatabaseInstance").inputs.settings).toMatchObject({
      backupConfiguration: { startTime: "23:30", location: "europe-west1" },
    });
  });

  it("is called by a name of the network's own, which is known when it is planned", async () => {
    const registrations = await registrationsOf(minimalGcp, true);
    expect(registrations.outputs).toMatchObject({ instances: { main: { host: "main.minimal.postgres.internal", ca: "[unknown]" } } });
    expect(one(registrations, "ManagedZone").inputs).toMatchObject({
      dnsName: "main.minimal.postgres.internal.",
      visibility: "private",
      privateVisibilityConfig: {
        networks: [{ networkUrl: "https://www.googleapis.com/compute/v1/projects/my-project/global/networks/ml" }],
      },
    });
    expect(one(await registrationsOf(minimalGcp), "RecordSet").inputs).toMatchObject({
      name: "main.minimal.postgres.internal.",
      type: "A",
      rrdatas: ["10.20.0.3"],
    });
  });

  it("shows its network in a preview: while anything in its settings is unknown, the provider checks nothing of them", async () => {
    const { inputs } = one(await registrationsOf(minimalGcp, true), "DatabaseInstance");
    expect(JSON.stringify(inputs)).not.toContain("[unknown]");
  });

  it("takes the network's way to Google's services as it is, where another environment has made it", async () => {
    const shared = withGcp(minimalGcp, { privateServicesAccess: { create: false, allocatedRange: "databases" } });
    const registrations = await registrationsOf(shared);
    expect([...ofType(registrations, "Connection"), ...ofType(registrations, "GlobalAddress")]).toEqual([]);
    expect(one(registrations, "DatabaseInstance").dependsOn).toEqual([]);
    expect(one(registrations, "DatabaseInstance").inputs.settings).toMatchObject({ ipConfiguration: { allocatedIpRange: "databases" } });
  });

  it("makes the range in the project of a shared network", async () => {
    expect(one(await registrationsOf(fullGcp), "GlobalAddress").inputs).toMatchObject({
      project: "host-project",
      network: "projects/host-project/global/networks/shared",
      prefixLength: 16,
    });
  });

  it("is not made where somebody else has made it", async () => {
    const registrations = await registrationsOf(existingGcp);
    for (const type of ["DatabaseInstance", "Connection", "AlertPolicy", "ManagedZone"]) expect(ofType(registrations, type)).toEqual([]);
  });

  it("is watched: disk, CPU, memory and connections of the primary, lag of replicas, and backups", async () => {
    const policies = ofType(await registrationsOf(fullGcp), "AlertPolicy").map(({ name }) => name.replace("full-main-", ""));
    expect(policies.sort()).toEqual([
      "backups",
      "connections",
      "cpu",
      "disk",
      "memory",
      ...[1, 2].flatMap((number) => ["cpu", "disk", "lag", "memory"].map((each) => `replica${number}-${each}`)),
    ]);
    const { inputs } = one(await registrationsOf(fullGcp), "AlertPolicy", /main-connections$/);
    expect(inputs).toMatchObject({
      notificationChannels: ["projects/my-project/notificationChannels/1234567890"],
      conditions: [{ conditionThreshold: { thresholdValue: 480 } }],
    });
    expect(JSON.stringify(inputs)).toContain('resource.labels.database_id = \\"my-project:full-main-1a2b3c4\\"');
  });

  it("is told nothing of platforms: another platform changes nothing of the servers", async () => {
    const database = async (platforms: object) =>
      (await registrationsOf({ ...minimalGcp, platforms })).resources.filter(({ urn }) =>
        /infra:Database|CloudSql|PrivateServices/.test(urn),
      );
    const before = await database({ prefect: {} });
    expect(before.length).toBeGreaterThan(15);
    expect(await database({ prefect: {}, mlflow: {} })).toEqual(before);
    expect(await database({})).toEqual(before);
  });

  it("throws at once where its size has no tier", async () => {
    const { settings, maxConnections } = resolveGcp(minimalGcp).instances.main ?? {};
    if (settings === undefined || maxConnections === undefined) throw new TypeError("no instance");
    const args = {
      environment: "e",
      instance: "i",
      settings: { ...settings, size: { vcpus: 3, memoryGib: 8 } },
      maxConnections,
      project: "my-project",
      region: "europe-west4",
      network: "projects/my-project/global/networks/ml",
      allocatedRange: null,
      edition: "ENTERPRISE" as const,
      disk: "PD_SSD" as const,
      encryptionKey: null,
      serverCaPool: null,
      denyMaintenance: null,
      labels: {},
      after: [],
    };
    const program = { project: "p", stack: "s", preview: true };
    await expect(register(program, () => new CloudSqlPostgres("i", args, {}))).rejects.toThrow("has no tier of this size");
  });
});
