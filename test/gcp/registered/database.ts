import { describe, expect, it } from "vitest";
import { CloudSqlPostgres } from "../../../constructs/gcp/cloud-sql-postgres";
import { OLDEST_PROVIDER, refuseProvider } from "../../../constructs/gcp/provider-version";
import { type Registration, register } from "../../../infra/gcp/registrations";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, existingGcp, fullGcp, minimalGcp, resolveGcp, withGcp } from "../../fixtures/gcp";
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
      denyMaintenancePeriod: { endDate: "2027-1-5", startDate: "2026-11-20", time: "00:00:00" },
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
    expect(ignoreChanges).toEqual([]);
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

  it("is upgraded together with its replicas, whose own version is not looked at", async () => {
    const registrations = await registrationsOf(fullGcp);
    expect(one(registrations, "DatabaseInstance", /main$/).inputs.includeReplicasForMajorVersionUpgrade).toBe(true);
    for (const replica of ofType(registrations, "DatabaseInstance").filter(({ name }) => name !== "full-main")) {
      expect(replica.inputs).not.toHaveProperty("includeReplicasForMajorVersionUpgrade");
      expect(replica.ignoreChanges).toEqual(["databaseVersion"]);
    }
  });

  it("is waited for longer than the provider's own 90 minutes, after which it would be forgotten and billed", async () => {
    const instances = ofType(await registrationsOf(fullGcp), "DatabaseInstance");
    expect(instances.map(({ timeouts }) => timeouts)).toEqual(instances.map(() => ({ create: "6h", update: "6h", delete: "6h" })));
  });

  it("writes days without maintenance as Cloud SQL answers them, without leading zeros", async () => {
    const days = async (from: string, to: string) => {
      const spec = {
        ...withGcp(minimalGcp, { denyMaintenance: { from, to } }),
        acknowledge: { "gcp-denied-days-have-a-year": "it is a test" },
      };
      return (one(await registrationsOf(spec), "DatabaseInstance").inputs.settings as { denyMaintenancePeriod: object })
        .denyMaintenancePeriod;
    };
    expect(await days("2027-01-05", "2027-02-10")).toEqual({ startDate: "2027-1-5", endDate: "2027-2-10", time: "00:00:00" });
    expect(await days("11-20", "01-05")).toEqual({ startDate: "11-20", endDate: "1-5", time: "00:00:00" });
  });

  it("leaves ranges alone that others add to the network's peering", async () => {
    expect(one(await registrationsOf(minimalGcp), "Connection").ignoreChanges).toEqual(["reservedPeeringRanges"]);
  });

  it.each(["9.36.0", "9.35.1", "9.9.9", "8.41.2"])("refuses @pulumi/gcp %s, which ignores changes of its settings", (version) => {
    expect(refuseProvider(version)).toBe(
      `@pulumi/gcp: must be 9.36.1 or newer, because older versions ignore changes in the settings of an instance, got ${version}; run npm install @pulumi/gcp@^9.36.1`,
    );
  });

  it.each(["9.36.1", "9.37.0", "10.0.0"])("accepts @pulumi/gcp %s", (version) => {
    expect(refuseProvider(version)).toBeNull();
  });

  it("is not created with a provider that is refused", () => {
    const manifest = require("@pulumi/gcp/package.json") as { version: string };
    const installed = manifest.version;
    manifest.version = "9.36.0";
    try {
      expect(() => new CloudSqlPostgres("i", {} as never, {})).toThrow(refuseProvider("9.36.0") ?? "no refusal");
    } finally {
      manifest.version = installed;
    }
  });

  it("asks npm for the provider that it accepts", () => {
    const { peerDependencies } = require("../../../package.json") as { readonly peerDependencies: Readonly<Record<string, string>> };
    expect(peerDependencies["@pulumi/gcp"]).toBe(`^${OLDEST_PROVIDER}`);
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

  it("uses the private services access that another environment created", async () => {
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

  it("is not created if it exists already", async () => {
    const registrations = await registrationsOf(existingGcp);
    for (const type of ["DatabaseInstance", "Connection", "AlertPolicy", "ManagedZone"]) expect(ofType(registrations, type)).toEqual([]);
  });

  it("is watched: disk, CPU, memory and connections of the primary, lag of replicas, backups and rotations", async () => {
    const policies = ofType(await registrationsOf(fullGcp), "AlertPolicy").map(({ name }) => name.replace("full-main-", ""));
    expect(policies.sort()).toEqual([
      "backups",
      "connections",
      "cpu",
      "disk",
      "growth",
      "memory",
      ...[1, 2].flatMap((number) => ["cpu", "disk", "growth", "lag", "memory"].map((each) => `replica${number}-${each}`)),
      "rotation",
      "slots",
      "transaction-ids",
    ]);
    const { inputs } = one(await registrationsOf(fullGcp), "AlertPolicy", /main-connections$/);
    expect(inputs).toMatchObject({
      notificationChannels: ["projects/my-project/notificationChannels/1234567890"],
      conditions: [{ conditionThreshold: { thresholdValue: 480 } }],
    });
    expect(JSON.stringify(inputs)).toContain('resource.labels.database_id = \\"my-project:full-main-1a2b3c4\\"');
  });

  it("is watched by the bytes on its disk, against the size that it may grow to, or has where it does not grow", async () => {
    const thresholdOf = async (main: object) =>
      one(await registrationsOf({ ...minimalGcp, instances: { main } }), "AlertPolicy", /main-disk$/).inputs.conditions as readonly {
        readonly displayName: string;
        readonly conditionThreshold: { readonly filter: string; readonly thresholdValue: number };
      }[];
    const [growing] = await thresholdOf({ storageGib: 100, maxStorageGib: 500 });
    expect(growing?.displayName).toBe("more than 90 % of 500 GiB of disk is used");
    expect(growing?.conditionThreshold.filter).toContain('metric.type = "cloudsql.googleapis.com/database/disk/bytes_used"');
    expect(growing?.conditionThreshold.thresholdValue).toBe(450 * 1024 ** 3);
    const [fixed] = await thresholdOf({ storageGib: 100, maxStorageGib: null });
    expect(fixed?.conditionThreshold.thresholdValue).toBe(90 * 1024 ** 3);
  });

  it("is watched for a disk that does not grow, by the share from which Cloud SQL enlarges the largest", async () => {
    const growthOf = async (maxStorageGib: number | null) =>
      ofType(await registrationsOf({ ...minimalGcp, instances: { main: { storageGib: 50, maxStorageGib } } }), "AlertPolicy")
        .filter(({ name }) => name.endsWith("-growth"))
        .map(({ inputs }) => (inputs.conditions as readonly { readonly conditionThreshold: { readonly thresholdValue: number } }[])[0]);
    // Below 25 GiB of 500 it grows, below 9 GiB of 100.
    expect((await growthOf(500))[0]?.conditionThreshold.thresholdValue).toBe(0.975);
    expect((await growthOf(100))[0]?.conditionThreshold.thresholdValue).toBe(0.955);
    expect(await growthOf(null)).toEqual([]);
  });

  it("is watched for transaction IDs, and for replication slots that keep old rows", async () => {
    const registrations = await registrationsOf(minimalGcp);
    const thresholdOf = (name: RegExp) =>
      (
        one(registrations, "AlertPolicy", name).inputs.conditions as readonly {
          readonly conditionThreshold: Readonly<Record<string, unknown>>;
        }[]
      )[0]?.conditionThreshold;
    expect(thresholdOf(/-transaction-ids$/)).toMatchObject({
      filter: expect.stringContaining('"cloudsql.googleapis.com/database/postgresql/transaction_id_utilization"'),
      thresholdValue: 0.25,
    });
    expect(thresholdOf(/-slots$/)).toMatchObject({
      filter: expect.stringMatching(/vacuum\/oldest_transaction_age" AND metric\.labels\.oldest_transaction_type = "replication_slot"$/),
      thresholdValue: 100_000_000,
    });
  });

  it("is watched for backup windows without a backup, which are no errors for Google", async () => {
    const [condition] = one(await registrationsOf(minimalGcp), "AlertPolicy", /-backups$/).inputs.conditions as readonly {
      readonly conditionMatchedLog: { readonly filter: string };
    }[];
    expect(condition?.conditionMatchedLog.filter).toBe(
      'resource.type="cloudsql_database" AND resource.labels.database_id="my-project:minimal-main-1a2b3c4" AND protoPayload.methodName="cloudsql.instances.automatedBackup" AND protoPayload.metadata.windowStatus=("STATUS_FAILED" OR "STATUS_ATTEMPT_FAILED" OR "STATUS_SKIPPED")',
    );
  });

  it("has the APIs that it asks for, before anything of Google's", async () => {
    const servicesOf = async (spec: NamedSpec) => {
      const registrations = await registrationsOf(withGcp(spec, { enableApis: true }));
      const services = ofType(registrations, "Service").filter(({ type }) => type === "gcp:projects/service:Service");
      return { registrations, services, names: services.map(({ inputs }) => String(inputs.service).split(".")[0]) };
    };
    const made = await servicesOf(fullGcp);
    expect(made.names).toEqual(["dns", "monitoring", "secretmanager", "servicenetworking", "sqladmin"]);
    const urns = made.services.map(({ urn }) => urn);
    const waitsFor = (registration: Registration | undefined): readonly string[] =>
      // A child is registered when its parent is, and so after what that waits for.
      registration === undefined
        ? []
        : [...registration.dependsOn, ...waitsFor(made.registrations.resources.find(({ urn }) => urn === registration.parent))];
    for (const type of ["ServiceIdentity", "GlobalAddress", "Connection", "DatabaseInstance", "ManagedZone", "Secret"])
      for (const each of ofType(made.registrations, type)) expect(waitsFor(each), each.urn).toEqual(expect.arrayContaining(urns));
    for (const { inputs } of made.services) expect(inputs.disableOnDestroy).toBe(false);
    expect((await servicesOf(existingGcp)).names).toEqual(["secretmanager"]);
    const notificationChannels = ["projects/my-project/notificationChannels/1"];
    expect((await servicesOf(withGcp(existingGcp, { notificationChannels }))).names).toEqual(["monitoring", "secretmanager"]);
    const connected = withGcp(existingGcp, { existingConnections: { main: "my-project:europe-west4:theirs" } });
    expect((await servicesOf(connected)).names).toEqual(["secretmanager", "sqladmin"]);
    expect(ofType(await registrationsOf(minimalGcp), "Service").filter(({ type }) => type.startsWith("gcp:"))).toEqual([]);
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
      tier: null,
      zone: null,
      chosenName: null,
      after: [],
    };
    const program = { project: "p", stack: "s", preview: true };
    await expect(register(program, () => new CloudSqlPostgres("i", args, {}))).rejects.toThrow("has no tier of this size");
  });
});

describe("an instance's own tier, zone and name", () => {
  const main = { tier: "db-g1-small", zone: "europe-west4-b", name: "postgres" };
  const spec = {
    ...withGcp(minimalGcp, { instances: { main } }),
    instances: { main: { readReplicas: 1, parameters: { max_connections: 100 } } },
  };

  it("are those of Cloud SQL; a replica has the tier", async () => {
    const registrations = await registrationsOf(spec);
    const [primary, replica] = ofType(registrations, "DatabaseInstance").map(({ inputs }) => inputs as never as Record<string, unknown>);
    expect(primary).toMatchObject({ name: "postgres", settings: { tier: "db-g1-small", locationPreference: { zone: "europe-west4-b" } } });
    expect(replica).toMatchObject({ settings: { tier: "db-g1-small" } });
    expect(replica).not.toHaveProperty("name");
    expect(replica).not.toHaveProperty("settings.locationPreference");
  });

  it("take a network by its self link, and name accounts of a project with a domain", async () => {
    const link = "https://www.googleapis.com/compute/v1/projects/example.com:host-project/global/networks/ml";
    const registrations = await registrationsOf({
      ...withGcp(minimalGcp, { project: "example.com:my-project", network: link, cluster: { ...CLUSTER, serviceAccounts: "google" } }),
      acknowledge: { "gcp-projects-with-a-domain-have-a-pool": "compared with the cluster" },
    });
    const network = "projects/example.com:host-project/global/networks/ml";
    expect(one(registrations, "DatabaseInstance").inputs.settings).toMatchObject({ ipConfiguration: { privateNetwork: network } });
    expect(one(registrations, "ManagedZone").inputs.privateVisibilityConfig).toEqual({ networks: [{ networkUrl: link }] });
    expect(one(registrations, "GlobalAddress").inputs.project).toBe("example.com:host-project");
    const emails = JSON.stringify(registrations.resources).match(/postgres-[0-9a-f]{10}@[a-z.-]+/g);
    expect(new Set(emails?.map((email) => email.replace(/.*@/, "")))).toEqual(new Set(["my-project.example.com.iam.gserviceaccount.com"]));
  });
});
