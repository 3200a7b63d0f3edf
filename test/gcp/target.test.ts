import { describe, expect, it } from "vitest";
import { retentionOf } from "../../constructs/gcp/backups";
import { checkFlag, doubtFlag, restarts, toFlagValue } from "../../constructs/gcp/flags";
import { gcp } from "../../constructs/gcp/target";
import { connectionsOf, seriesOf } from "../../constructs/gcp/tiers";
import { formatViolation } from "../../constructs/model/errors";
import { CLUSTER, existingGcp, minimalGcp, resolveGcp, SECTION, withGcp } from "../fixtures/gcp";
import { refusal } from "../fixtures/specs";

const refused = (spec: unknown): string => refusal(spec, gcp as never).replace("invalid spec:\n", "");
const withMain = (change: object, spec = minimalGcp) => ({ ...spec, instances: { main: change } });

describe("tiers", () => {
  it.each([
    ["ENTERPRISE", "PD_SSD", 1, 4, "db-custom-1-4096"],
    ["ENTERPRISE", "PD_SSD", 1, 3.75, "db-custom-1-3840"],
    ["ENTERPRISE", "PD_SSD", 2, 7.5, "db-custom-2-7680"],
    ["ENTERPRISE", "PD_SSD", 2, 8, "db-custom-2-8192"],
    ["ENTERPRISE", "PD_SSD", 8, 7.25, "db-custom-8-7424"],
    ["ENTERPRISE", "PD_SSD", 1, 3.5, null],
    ["ENTERPRISE", "PD_SSD", 96, 624, "db-custom-96-638976"],
    ["ENTERPRISE", "PD_SSD", 3, 8, null],
    ["ENTERPRISE", "PD_SSD", 1, 3, null],
    ["ENTERPRISE", "PD_SSD", 2, 14, null],
    ["ENTERPRISE", "PD_SSD", 8, 7, null],
    ["ENTERPRISE", "HYPERDISK_BALANCED", 4, 32, "db-custom-N4-4-32768"],
    ["ENTERPRISE", "HYPERDISK_BALANCED", 82, 200, null],
    ["ENTERPRISE_PLUS", "PD_SSD", 2, 16, "db-perf-optimized-N-2"],
    ["ENTERPRISE_PLUS", "PD_SSD", 128, 864, "db-perf-optimized-N-128"],
    ["ENTERPRISE_PLUS", "PD_SSD", 2, 8, null],
    ["ENTERPRISE_PLUS", "HYPERDISK_BALANCED", 72, 576, "db-c4a-highmem-72"],
    ["ENTERPRISE_PLUS", "HYPERDISK_BALANCED", 96, 768, null],
  ] as const)("of %s with %s, %i vCPUs and %i GiB is %s", (edition, disk, vcpus, memoryGib, tier) => {
    const series = seriesOf({ edition, disk });
    expect(series.tier({ vcpus, memoryGib })).toBe(tier);
    expect(series.tier(series.near({ vcpus, memoryGib }))).not.toBeNull();
    if (tier !== null) expect(series.near({ vcpus, memoryGib })).toEqual({ vcpus, memoryGib });
  });

  it.each([
    [4, 100],
    [6, 200],
    [8, 400],
    [16, 500],
    [32, 600],
    [64, 800],
    [128, 1000],
  ])("with %i GiB have %i connections, as Cloud SQL sets them", (memoryGib, connections) => {
    expect(connectionsOf(memoryGib)).toBe(connections);
  });

  it("give Hyperdisk more with more vCPUs, and less with a standby", () => {
    const performance = (edition: "ENTERPRISE" | "ENTERPRISE_PLUS", vcpus: number, standby: boolean) =>
      seriesOf({ edition, disk: "HYPERDISK_BALANCED" }).performance(vcpus, standby);
    expect(performance("ENTERPRISE", 4, false)).toEqual({ iops: 15_000, throughput: 240 });
    expect(performance("ENTERPRISE", 48, true)).toEqual({ iops: 100_000, throughput: 1_200 });
    expect(performance("ENTERPRISE_PLUS", 16, false)).toEqual({ iops: 80_000, throughput: 1_600 });
    expect(seriesOf({ edition: "ENTERPRISE", disk: "PD_SSD" }).performance(4, false)).toBeNull();
  });
});

describe("retention", () => {
  it.each([
    [0, false, "ENTERPRISE", null],
    [7, true, "ENTERPRISE", { logDays: 7, backups: 8 }],
    [30, true, "ENTERPRISE", { logDays: 7, backups: 31 }],
    [30, true, "ENTERPRISE_PLUS", { logDays: 30, backups: 31 }],
    [3, false, "ENTERPRISE", { logDays: 0, backups: 4 }],
    [364, true, "ENTERPRISE_PLUS", { logDays: 35, backups: 365 }],
    [365, true, "ENTERPRISE_PLUS", { logDays: 35, backups: 365 }],
  ] as const)("of %i days, with recovery %s, in %s is %j", (backupRetentionDays, pointInTimeRecovery, edition, expected) => {
    expect(retentionOf({ backupRetentionDays, pointInTimeRecovery }, edition)).toEqual(expected);
  });
});

describe("flags", () => {
  it.each([
    ["work_mem", "16MB", "16384"],
    ["log_connections", true, "on"],
    ["random_page_cost", 1.1, "1.1"],
    ["cloudsql.logical_decoding", "yes", "on"],
    ["log_min_duration_statement", "1s", "1000"],
    ["cron.database_name", "jobs", "jobs"],
  ])("%s of %s is written as %s", (name, value, text) => {
    expect(checkFlag(name, value, 17)).toBeNull();
    expect(doubtFlag(name, 17)).toBeNull();
    expect(toFlagValue(name, value, 17)).toBe(text);
  });

  it("restart a server, or do not", () => {
    expect([restarts("max_connections"), restarts("shared_buffers"), restarts("work_mem")]).toEqual([true, true, false]);
  });
});

describe("a spec for Google Cloud", () => {
  it("is complete with a project, a region and a network", () => {
    expect(resolveGcp({ ...minimalGcp, gcp: SECTION }).section).toEqual({
      ...SECTION,
      privateServicesAccess: { create: true, prefixLength: 20, allocatedRange: null },
      enableApis: false,
      edition: "ENTERPRISE",
      disk: "PD_SSD",
      encryptionKey: null,
      serverCaPool: null,
      denyMaintenance: null,
      cluster: null,
      notificationChannels: [],
      authProxyVersion: "2.28.0",
      existingConnections: {},
      rotationDays: 30,
      instances: { main: { name: null, tier: null, zone: null } },
    });
  });

  it("rejects another tool's name of a key, and suggests its own", () => {
    const spec = { ...minimalGcp, gcp: { ...minimalGcp.gcp, private_network: "ml", tier: "db-custom-2-8192" } };
    expect(refused(spec)).toBe(`  - gcp.private_network: unknown key; use network
  - gcp.tier: unknown key; write it as gcp.instances.<name>.tier`);
  });

  it("resolves to itself, examples and all", () => {
    const spec = withGcp(minimalGcp, { project: { example: "my-project" }, disk: "HYPERDISK_BALANCED", edition: "ENTERPRISE" });
    const environment = resolveGcp({ ...spec, instances: { main: { size: { vcpus: 2, memoryGib: 8 } } } });
    expect(resolveGcp(environment.spec as never)).toEqual(environment);
  });

  it.each([
    [
      withMain({ size: { vcpus: 3, memoryGib: 8 } }),
      'instances.main.size: must be a size of edition ENTERPRISE with disk PD_SSD (dedicated core: 1, or an even number up to 96 vCPUs, with 0.9 to 6.5 GiB for each, and 3.75 to 624 GiB in total), got "3 vCPUs and 8 GiB"; the nearest is { vcpus: 4, memoryGib: 8 } [gcp-size-has-a-tier]',
    ],
    [
      withGcp(minimalGcp, { edition: "ENTERPRISE_PLUS" }),
      'instances.main.size: must be a size of edition ENTERPRISE_PLUS with disk PD_SSD (N2: 2/16, 4/32, 8/64, 16/128, 32/256, 48/384, 64/512, 80/640, 96/768, 128/864), got "2 vCPUs and 8 GiB"; the nearest is { vcpus: 2, memoryGib: 16 } [gcp-size-has-a-tier]',
    ],
    [withGcp(minimalGcp, { edition: "PLUS" as never }), 'gcp.edition: must be ENTERPRISE or ENTERPRISE_PLUS, got "PLUS"'],
    [
      withMain({ iops: 10_000 }),
      'instances.main.iops: cannot be set on PD_SSD, got 10000; remove it, or set gcp.disk to "HYPERDISK_BALANCED" [gcp-only-hyperdisk-is-provisioned]',
    ],
    [
      withMain({ iops: 20_000 }, withGcp(minimalGcp, { disk: "HYPERDISK_BALANCED" })),
      "instances.main.iops: must be from 3000 to 15000 with 2 vCPUs and highAvailability: true, got 20000 [gcp-only-hyperdisk-is-provisioned]",
    ],
    [
      withMain({ parameters: { wrok_mem: "16MB" } }),
      'instances.main.parameters.wrok_mem: is not a Cloud SQL flag for PostgreSQL 17, got "16MB"; did you mean "work_mem"? [gcp-flags-are-known]',
    ],
    [
      withMain({ parameters: { autovacuum_freeze_max_age: 1000 } }),
      "instances.main.parameters.autovacuum_freeze_max_age: must be a whole number from 100000000 to 2000000000, got 1000 [gcp-flags-are-known]",
    ],
    [
      withMain({ parameters: { wal_level: "logical" } }),
      'instances.main.parameters.wal_level: is not on the list of Cloud SQL flags, got "logical"; set cloudsql.logical_decoding to on for logical replication; then write acknowledge: { "gcp-flags-are-in-the-list": "<reason>" } [gcp-flags-are-in-the-list]',
    ],
    [
      withMain({ parameters: { "cloudsql.iam_authentication": true } }),
      "instances.main.parameters.cloudsql.iam_authentication: is set to off by iamAuthentication: false, got true; set iamAuthentication: true [gcp-flags-are-known]",
    ],
    [
      withMain({ parameters: { constructor: 1 } }),
      "instances.main.parameters.constructor: is not a Cloud SQL flag for PostgreSQL 17, got 1; remove it [gcp-flags-are-known]",
    ],
    [
      withMain({ parameters: { "rds.logical_replication": 1 } }),
      "instances.main.parameters.rds.logical_replication: is an RDS parameter, not a Cloud SQL flag, got 1; set cloudsql.logical_decoding to on; to set it for aws only, write it into aws.instances.<name>.parameters [gcp-flags-are-known]",
    ],
    [
      withMain({ parameters: { "rds.force_ssl": 1 } }),
      "instances.main.parameters.rds.force_ssl: is an RDS parameter, not a Cloud SQL flag, got 1; remove it; the instance rejects connections without TLS; to set it for aws only, write it into aws.instances.<name>.parameters [gcp-flags-are-known]",
    ],
    [
      withMain({ maintenanceWindow: "sat:04:30-sat:05:30" }),
      'instances.main.maintenanceWindow: must begin on the hour and last at least an hour, because Cloud SQL uses its first hour, got "sat:04:30-sat:05:30" [gcp-maintenance-is-an-hour]',
    ],
    [
      withMain({ pointInTimeRecovery: false }),
      "instances.main.pointInTimeRecovery: must be true with highAvailability on Cloud SQL, got false; turn it on, or the other off [gcp-standbys-need-recovery]",
    ],
    [
      withMain({ readReplicas: 11 }),
      "instances.main.readReplicas: must be at most 10, the most that one primary can have, got 11 [gcp-ten-replicas]",
    ],
    [
      withMain({ backupReplication: { region: "europe-west1", kmsKey: "key" } }),
      'instances.main.backupReplication.kmsKey: must be null on Cloud SQL, which encrypts backups with the database\'s own key, got "key"',
    ],
    [
      withGcp(minimalGcp, { denyMaintenance: { from: "2026-11-01", to: "2027-02-15" } }),
      'gcp.denyMaintenance.to: must be 1 to 90 days after 2026-11-01, got "2027-02-15" [gcp-deny-period-ends]',
    ],
    [
      withGcp(minimalGcp, { region: "europe-wets4" }),
      'gcp.region: must be a Cloud SQL region, got "europe-wets4"; did you mean "europe-west4"? [gcp-region-of-cloud-sql]',
    ],
    [
      withGcp(existingGcp, { existingConnections: { main: "my-project:db" } }),
      'gcp.existingConnections.main: must be an instance connection name (project:region:instance), got "my-project:db"',
    ],
    [
      withGcp(minimalGcp, { encryptionKey: "projects/my-project/locations/global/keyRings/ml/cryptoKeys/postgres" }),
      'gcp.encryptionKey: must be in europe-west4, got "projects/my-project/locations/global/keyRings',
    ],
    [withGcp(minimalGcp, { project: "My_Project" }), 'gcp.project: must be a project\'s ID, got "My_Project"'],
    [withMain({ storageGib: 10, maxStorageGib: 10, highAvailability: false, size: { vcpus: 1, memoryGib: 3.75 } }), "accepted"],
    [withMain({ backupRetentionDays: 365 }), "accepted"],
    [withMain({ iamAuthentication: true, parameters: { "cloudsql.iam_authentication": "on" } }), "accepted"],
    [withMain({ parameters: { "cloudsql.iam_authentication": "off" } }), "accepted"],
    [
      withMain({ parameters: { "cloudsql.iam_authentication": "maybe" } }),
      'instances.main.parameters.cloudsql.iam_authentication: must be on or off, got "maybe" [gcp-flags-are-known]',
    ],
    [withMain({ backupReplication: { region: "eu" } }), "accepted"],
    [
      withMain({ backupReplication: { region: "europe" } }),
      'instances.main.backupReplication.region: must be a Cloud SQL region, or a multi-region (asia, eu, us), got "europe"',
    ],
    [withGcp(minimalGcp, { network: "https://www.googleapis.com/compute/v1/projects/host-project/global/networks/ml" }), "accepted"],
    [withGcp(minimalGcp, { network: "https://compute.googleapis.com/compute/beta/projects/host-project/global/networks/ml" }), "accepted"],
    [withGcp(minimalGcp, { network: "https://example.com/projects/p/global/networks/ml" }), "gcp.network: must be a network's name"],
    [{ ...withGcp(minimalGcp, { project: "example.com:my-project", cluster: null }) }, "accepted"],
    [
      withGcp(minimalGcp, { project: "example.com:my-project" }),
      'gcp.project: has a domain; identities in its cluster are assumed to be in the pool example.com:my-project.svc.id.goog, which was not tested, got "example.com:my-project"; compare with gcloud container clusters describe ml --location europe-west4',
    ],
    [withMain({ storageGib: 100, maxStorageGib: 105 }), "accepted"],
    [
      withMain({ storageGib: 100, maxStorageGib: 99 }),
      "instances.main.maxStorageGib: must be at least storageGib (100), got 99; raise it, leave it out, or set null to turn autoscaling off [storage-ceiling-above-storage]",
    ],
    [
      withMain({ size: { vcpus: 2, memoryGib: 7.6 } }),
      "instances.main.size.memoryGib: must be a number from 1 to 1536 in steps of 0.25, got 7.6",
    ],
    [
      withMain({ storageGib: 10 }, withGcp(minimalGcp, { disk: "HYPERDISK_BALANCED" })),
      "instances.main.storageGib: must be at least 20 with disk HYPERDISK_BALANCED, got 10 [gcp-hyperdisk-has-twenty-gib]",
    ],
    [{ ...withMain({}), name: "an-environment-of-thirty-let", gcp: { ...SECTION, project: "a-project-of-thirty-letters-xx" } }, "accepted"],
    [
      { ...minimalGcp, name: "an-environment-of-thirty-lett", instances: { "an-instance-of-thirty-letters": {} } },
      "instances.an-instance-of-thirty-letters: is 4 characters too long: together with the environment's name (`an-environment-of-thirty-lett`) it exceeds Cloud DNS's limit",
    ],
    [
      {
        ...minimalGcp,
        name: "an-environment-of-thirty-lettr",
        instances: { "an-instance-of-twenty-six1": {}, "an-instance-of-twenty-six-2": {} },
        platforms: { mlflow: { instance: "an-instance-of-twenty-six1" } },
      },
      "name: is 3 characters too long: together with the instance's name (`an-instance-of-twenty-six-2`) it exceeds Cloud DNS's limit, got \"an-environment-of-thirty-lettr\" [gcp-names-fit]",
    ],
    [
      {
        ...minimalGcp,
        name: "an-environment-of-thirty",
        gcp: { ...SECTION, project: "a-project-of-thirty-letters-xx" },
        instances: { "an-instance-of-thirty-letter": { readReplicas: 10 } },
        platforms: { mlflow: {} },
      },
      "instances.an-instance-of-thirty-letter: is 4 characters too long: together with the environment's name (`an-environment-of-thirty`) it exceeds Cloud SQL's limit",
    ],
    [
      withGcp(minimalGcp, { privateServicesAccess: { allocatedRange: "databases" } }),
      'gcp.privateServicesAccess.allocatedRange: must be null with create, because the new peering gets a new range, got "databases"; remove it, or set create to false [gcp-allocated-range-is-there]',
    ],
    [
      {
        ...minimalGcp,
        name: "an-environment-of-thirty-lettr",
        gcp: { ...SECTION, project: "a-project-of-thirty-letters-xx" },
        instances: { "an-instance-of-thirty-letters-x": {} },
      },
      "instances.an-instance-of-thirty-letters-x: name must be 1 to 30",
    ],
    [
      { ...minimalGcp, owner: "ML Team" },
      'owner: must be 1 to 63 of a-z, 0-9, _ and hyphens on Google Cloud, where it is a label, got "ML Team" [gcp-owner-is-a-label]',
    ],
    [
      withMain({ existing: { host: "10.0.0.3", masterSecret: "master" } }),
      "instances.main.existing.ca: is required, because each Cloud SQL instance has its own certificate authority, got null; run gcloud sql instances describe NAME --format 'value(serverCaCert.cert)' [gcp-existing-needs-a-ca]",
    ],
  ])("is refused or accepted with a sentence that says what to change: %#", (spec, message) => {
    const found = refused(spec);
    if (message === "accepted") expect(found).toBe(message);
    else expect(found).toContain(`  - ${message}`);
    // One mistake is told once.
    expect(found.split("\n")).toHaveLength(1);
  });

  it("is refused once for a wrong value of a flag that is not on the list", () => {
    expect(refused(withMain({ parameters: { wal_level: "foo" } })).split("\n")).toEqual([
      '  - instances.main.parameters.wal_level: must be one of minimal, replica, logical, got "foo" [gcp-flags-are-known]',
    ]);
  });

  it("is refused for each instance, whatever is malformed in another", () => {
    const spec = withGcp(minimalGcp, { encryptionKey: "projects/my-project/locations/europe-west4/keyRings/ml/cryptoKeys/postgres" });
    const backupReplication = { region: "europe-west1" };
    const instances = {
      first: { size: 4, backupReplication: 1, existing: 1 },
      second: { size: { vcpus: 3, memoryGib: 8 }, backupReplication, allowedSources: ["10", "128.0.0.0/1"] },
    };
    expect(refused({ ...spec, instances, platforms: { mlflow: { instance: "second" } } }).split("\n")).toEqual([
      "  - instances.first.size: must be an object, got 4; write { vcpus: ..., memoryGib: ... }",
      "  - instances.first.backupReplication: must be an object, got 1; write { region: ..., kmsKey: ... }",
      "  - instances.first.existing: must be an object, got 1; write { host: ..., port: ..., ca: ..., masterSecret: ..., maxConnections: ... }",
      '  - instances.second.allowedSources[0]: must be a CIDR block such as 10.0.0.0/16, got "10"',
      expect.stringContaining("instances.second.backupReplication: must be null with gcp.encryptionKey"),
      expect.stringContaining("instances.second.size: must be a size of edition ENTERPRISE"),
      '  - instances.second.allowedSources[1]: is wider than any private network (/8), got "128.0.0.0/1"; name the cluster\'s network [never-the-whole-world]',
    ]);
  });

  it("suggests no region of another continent", () => {
    expect(refused(withGcp(minimalGcp, { region: "ms-west1" }))).toBe(
      '  - gcp.region: must be a Cloud SQL region, got "ms-west1" [gcp-region-of-cloud-sql]',
    );
  });

  it("rejects an instance called constructor, a name that every object inherits", () => {
    const { main } = existingGcp.instances;
    const spec = { ...existingGcp, instances: { constructor: main }, platforms: { mlflow: { access: "sidecar" } } };
    expect(refused(spec)).toMatch(/^ {2}- instances\.constructor: name must be [^\n]*$/);
  });

  it("warns that read replicas have no effect on an existing database", () => {
    const { existing } = existingGcp.instances.main ?? {};
    const { warnings } = resolveGcp({ ...existingGcp, instances: { main: { existing, readReplicas: 1 } } });
    expect(warnings.map(formatViolation)).toEqual([
      "instances.main.readReplicas: has no effect on an existing database [existing-is-not-created]",
    ]);
  });

  it("is warned of versions of what no pod has, and cannot name one that is too old", () => {
    const warned = (spec: unknown) => resolveGcp(spec as never).warnings.map(formatViolation);
    expect(warned(withGcp(existingGcp, { authProxyVersion: "2.27.0" }))).toEqual([
      'gcp.authProxyVersion: has no effect, because no pod has an Auth Proxy, got "2.27.0" [gcp-versions-have-an-effect]',
    ]);
    const existingConnections = { main: "my-project:europe-west4:db" };
    expect(warned(withGcp(existingGcp, { authProxyVersion: "2.27.0", existingConnections }))).toEqual([]);
    expect(warned(withGcp(minimalGcp, { cluster: { ...CLUSTER, reloaderVersion: "2.2.15" } }))).toEqual([
      'gcp.cluster.reloaderVersion: has no effect without installReloader, got "2.2.15" [gcp-versions-have-an-effect]',
    ]);
    const cluster = { ...CLUSTER, installExternalSecrets: true, externalSecretsVersion: "0.20.1" };
    expect(refused(withGcp(minimalGcp, { cluster, authProxyVersion: "2.9.0" })).split("\n")).toEqual([
      '  - gcp.authProxyVersion: must be 2.16.0 or newer, the first version that verifies certificates of all Cloud SQL certificate authorities, got "2.9.0" [gcp-auth-proxy-has-our-settings]',
      '  - gcp.cluster.externalSecretsVersion: must be 0.20.2 or newer, the first with secretVersionSelectionPolicy, got "0.20.1" [gcp-external-secrets-has-our-api]',
    ]);
  });

  it("is warned of what Cloud SQL cannot keep", () => {
    const { warnings } = resolveGcp(withMain({ backupRetentionDays: 30, allowedSources: ["10.0.0.0/16"] }) as never);
    expect(warnings.map(formatViolation)).toEqual([
      expect.stringMatching(/^instances\.main\.pointInTimeRecovery: reaches 7 days back with edition ENTERPRISE/),
      expect.stringMatching(/^instances\.main\.allowedSources: has no effect on Cloud SQL/),
    ]);
  });
});
