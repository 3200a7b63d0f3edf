import { describe, expect, it } from "vitest";
import { gcp } from "../../constructs/gcp/target";
import { formatViolation } from "../../constructs/model/errors";
import { CLUSTER, minimalGcp, resolveGcp, withGcp } from "../fixtures/gcp";
import { refusal } from "../fixtures/specs";

const refused = (spec: unknown): string => refusal(spec, gcp as never).replace("invalid spec:\n", "");
const warned = (spec: Parameters<typeof resolveGcp>[0]) => resolveGcp(spec).warnings.map(formatViolation);

const withMain = (main: object, change: object = {}) => withGcp({ ...minimalGcp, instances: { main } } as typeof minimalGcp, change);
const HYPERDISK = { disk: "HYPERDISK_BALANCED" };
const existing = (host: string, ca = "ca.pem") => ({ existing: { host, ca, masterSecret: "master" } });

describe("a mistake on Google Cloud", () => {
  it.each([
    [
      withMain({ storageGib: 20, iops: 15_000 }, HYPERDISK),
      "instances.main.iops: must be at most 10000, 500 per GiB of storageGib (20), got 15000; lower it, or set storageGib to 30 or more [gcp-hyperdisk-iops-fit-its-size]",
    ],
    [
      withGcp(minimalGcp, { denyMaintenance: { from: "2027-02-30", to: "2027-03-10" } }),
      'gcp.denyMaintenance.from: must be an existing day, got "2027-02-30" [gcp-deny-period-ends]',
    ],
    [
      withGcp(minimalGcp, { denyMaintenance: { from: "2027-02-01", to: "2027-02-29" } }),
      'gcp.denyMaintenance.to: must be an existing day, got "2027-02-29" [gcp-deny-period-ends]',
    ],
    [
      {
        ...withGcp(minimalGcp, { denyMaintenance: { from: "02-29", to: "03-10" } }),
        acknowledge: { "gcp-denied-days-have-a-year": "the same days each year" },
      },
      'gcp.denyMaintenance.from: must be a day of every year, got "02-29" [gcp-deny-period-ends]',
    ],
    [
      withGcp(minimalGcp, { region: "europe-west1", instances: { main: { zone: "europe-west1-a" } } }),
      'gcp.instances.main.zone: must be a zone of europe-west1, got "europe-west1-a"; such as europe-west1-b [gcp-zones-are-in-the-region]',
    ],
    [
      withGcp(minimalGcp, { instances: { main: { zone: "europe-west4-x" } } }),
      'gcp.instances.main.zone: must be a zone of europe-west4, got "europe-west4-x"; such as europe-west4-a [gcp-zones-are-in-the-region]',
    ],
    [
      withMain({ maintenanceWindow: "mon:00:00-thu:00:00" }),
      'instances.main.maintenanceWindow: must not be longer than 24 hours, got "mon:00:00-thu:00:00"; write the earlier time first, such as sun:04:00-sun:05:00 [maintenance-ends-within-a-day]',
    ],
    [
      withMain(existing("::1")),
      'instances.main.existing.host: is the machine that resolves it, which in a cloud is each pod, got "::1"; write the server\'s name or private address; then write acknowledge: { "gcp-existing-is-not-this-machine": "<reason>" } [gcp-existing-is-not-this-machine]',
    ],
    [
      withMain(existing("my-project:europe-west4:db")),
      'instances.main.existing.host: must be a DNS name or an address, without a port, got "my-project:europe-west4:db"',
    ],
    [
      withMain(existing("10.1.2.3", "-----BEGIN EC PRIVATE KEY-----")),
      "instances.main.existing.ca: must not contain a private key, because every pod gets this file, got a string that may contain a password or a key; write the CA certificate [existing-ca-has-certificates-only]",
    ],
  ])("is refused: %#", (spec, message) => {
    expect(refused(spec)).toBe(`  - ${message}`);
  });

  it.each([
    [
      withMain({ size: { vcpus: 16, memoryGib: 64 }, storageGib: 400, iops: 80_000, throughputMibps: 140 }, HYPERDISK),
      "instances.main.throughputMibps: should be from 313 to 20000 with iops 80000: 4 to 256 IOPS per MiB/s, got 140 [gcp-hyperdisk-throughput-fits-its-iops]",
    ],
    [
      withMain({ size: { vcpus: 16, memoryGib: 64 }, storageGib: 400, iops: 3_000, throughputMibps: 1_000 }, HYPERDISK),
      "instances.main.throughputMibps: should be from 12 to 750 with iops 3000: 4 to 256 IOPS per MiB/s, got 1000 [gcp-hyperdisk-throughput-fits-its-iops]",
    ],
    [
      withMain({ highAvailability: false, backupRetentionDays: 0, pointInTimeRecovery: false }),
      "instances.main.backupRetentionDays: keeps no backups, so deleted data is lost, got 0; keep them for at least 1 day, unless the data can be recreated [gcp-backups-are-kept]",
    ],
    [
      withGcp(minimalGcp, { cluster: { ...CLUSTER, location: "us-central1-a" } }),
      'gcp.cluster.location: is not in europe-west4, so each query crosses regions, which takes longer and is billed, got "us-central1-a"; put both into one region, or correct the mistyped one [gcp-cluster-is-in-the-region]',
    ],
    [
      withMain(existing("10.1.2.3"), { existingConnections: { main: "my-project:us-central1:db" } }),
      'gcp.existingConnections.main: is not in europe-west4, so each query crosses regions, which takes longer and is billed, got "my-project:us-central1:db"; put both into one region, or correct the mistyped one [gcp-existing-connections-are-in-the-region]',
    ],
    [
      withGcp(minimalGcp, {
        notificationChannels: ["projects/my-project/notificationChannels/1", "projects/other-project/notificationChannels/2"],
      }),
      'gcp.notificationChannels[1]: is not a channel of project my-project, whose alerts notify only its own channels, got "projects/other-project/notificationChannels/2"; create one there: gcloud beta monitoring channels create [gcp-channels-are-in-the-project]',
    ],
    [
      withGcp(minimalGcp, { cluster: { ...CLUSTER, installReleases: false, installReloader: true } }),
      "gcp.cluster.installReloader: has no effect with installReleases: false [gcp-operators-come-with-releases]",
    ],
  ])("is warned of: %#", (spec, message) => {
    expect(warned(spec)).toEqual([message]);
  });

  it.each([
    withMain({ storageGib: 30, iops: 15_000, throughputMibps: 240 }, HYPERDISK),
    withMain({ storageGib: 20 }, HYPERDISK),
    withGcp(minimalGcp, { denyMaintenance: { from: "2028-02-29", to: "2028-03-10" } }),
    withGcp(minimalGcp, { instances: { main: { zone: "europe-west4-c" } } }),
    withGcp(minimalGcp, { cluster: { ...CLUSTER, location: "europe-west4-b" } }),
    withGcp(minimalGcp, { notificationChannels: ["projects/123456789012/notificationChannels/1"] }),
    withMain(existing("10.1.2.3"), { existingConnections: { main: "other-project:europe-west4:db" } }),
  ])("is nothing of this: %#", (spec) => {
    expect(warned(spec)).toEqual([]);
  });
});
