import { describe, expect, it } from "vitest";
import { gcp } from "../../constructs/gcp/target";
import { sizeOfTier } from "../../constructs/gcp/tier-names";
import { connectionsOf } from "../../constructs/gcp/tiers";
import { formatViolation } from "../../constructs/model/errors";
import { minimalGcp, resolveGcp, withGcp } from "../fixtures/gcp";
import { refusal } from "../fixtures/specs";

const refused = (spec: unknown): string => refusal(spec, gcp as never).replace("invalid spec:\n", "");
const withMain = (change: object, spec = minimalGcp) => ({ ...spec, instances: { main: change } });

describe("an instance's own settings on Google Cloud", () => {
  const own = (main: object, change: object = {}, instance: object = {}) =>
    withMain(instance, withGcp(minimalGcp, { ...change, instances: { main } as never }));
  const development = { highAvailability: false, storageGib: 10, parameters: { max_connections: 100 } };

  it.each([
    ["db-f1-micro", { vcpus: 1, memoryGib: 0.6 }, 25],
    ["db-g1-small", { vcpus: 1, memoryGib: 1.7 }, 50],
    ["db-custom-1-3840", { vcpus: 1, memoryGib: 3.75 }, 100],
    ["db-custom-N4-4-32768", { vcpus: 4, memoryGib: 32 }, 600],
    ["db-perf-optimized-N-16", { vcpus: 16, memoryGib: 128 }, 1000],
    ["db-perf-optimized-N-128", { vcpus: 128, memoryGib: 864 }, 1000],
    ["db-c4a-highmem-2", { vcpus: 2, memoryGib: 16 }, 500],
  ])("%s has its size, and what follows from its memory", (tier, size, connections) => {
    expect(sizeOfTier(tier)).toEqual(size);
    expect(connectionsOf(size.memoryGib)).toBe(connections);
  });

  it("win over the instance's size", () => {
    const { instances, warnings } = resolveGcp(own({ tier: "db-f1-micro" }, {}, { ...development, size: { vcpus: 8, memoryGib: 32 } }));
    expect(instances.main?.settings.size).toEqual({ vcpus: 1, memoryGib: 0.6 });
    expect(warnings.map(formatViolation)).toEqual([
      'gcp.instances.main.tier: shares a core with other customers: Google offers it for development and tests, and no SLA covers it, got "db-f1-micro"; use db-custom-1-3840 or larger in production [gcp-shared-cores-are-for-development]',
    ]);
    expect(resolveGcp(own({ tier: "db-g1-small" }, {}, development)).instances.main?.maxConnections).toBe(100);
  });

  it.each([
    [
      own({ tier: "db-f1-micro" }, { edition: "ENTERPRISE_PLUS" }, development),
      'gcp.instances.main.tier: must be a tier of edition ENTERPRISE_PLUS with disk PD_SSD (N2: 2/16, 4/32, 8/64, 16/128, 32/256, 48/384, 64/512, 80/640, 96/768, 128/864), got "db-f1-micro"; the nearest is db-perf-optimized-N-2 [gcp-size-has-a-tier]',
    ],
    [own({ tier: "db-custom-2-7000" }), 'got "db-custom-2-7000"; the nearest is db-custom-2-7168'],
    [
      own({ tier: "db-n1-standard-2" }),
      'gcp.instances.main.tier: must be a Cloud SQL for PostgreSQL tier, such as db-custom-2-7680 (2 vCPUs, 7,680 MiB) or db-f1-micro, got "db-n1-standard-2"',
    ],
    [
      own({ tier: "db-custom-2-7680", size: { vcpus: 2 } }),
      "gcp.instances.main.size: must not be set together with tier, which decides it",
    ],
    [
      own({ tier: "db-g1-small" }, {}, { ...development, storageGib: 1000 }),
      "instances.main.maxStorageGib: must be at most 3054 with tier db-g1-small, got 5000 [gcp-shared-cores-have-small-disks]",
    ],
    [
      withMain({ highAvailability: false, size: { vcpus: 1, memoryGib: 1 } }),
      'got "1 vCPUs and 1 GiB"; the nearest is { vcpus: 1, memoryGib: 3.75 }; for development, set gcp.instances.main.tier to "db-f1-micro"',
    ],
    [
      own({ zone: "europe-west1-b" }),
      'gcp.instances.main.zone: must be a zone of europe-west4, got "europe-west1-b"; such as europe-west4-a [gcp-zones-are-in-the-region]',
    ],
    [own({ name: "Main" }), "gcp.instances.main.name: must be 1 to 97 of a-z, 0-9 and hyphens, starting with a letter"],
    [own({ name: "a".repeat(90) }), "gcp.instances.main.name: is 3 characters too long: together with the project's name"],
    [
      own({ ipv4Enabled: true, authorizedNetworks: [] }),
      "gcp.instances.main.ipv4Enabled: unknown key; remove it; an instance has only a private address: connect from its network, or from outside through a VPN or a bastion host\n  - gcp.instances.main.authorizedNetworks: unknown key; remove it",
    ],
    [own({ sslMode: "x" }), "gcp.instances.main.sslMode: unknown key; remove it; every instance rejects connections without TLS"],
    [
      withMain({ ipv4Enabled: true, authorizedNetworks: [], tier: "db-f1-micro" }),
      "instances.main.authorizedNetworks: unknown key; remove it; an instance has only a private address: connect from its network, or from outside through a VPN or a bastion host",
    ],
    [
      withGcp(minimalGcp, { disk: "PD_HDD" as never }),
      'gcp.disk: must be PD_SSD or HYPERDISK_BALANCED, got "PD_HDD"; use PD_SSD; hard disks are for data that is rarely read',
    ],
  ])("are refused with a sentence %#", (spec, sentence) => {
    expect(refused(spec)).toContain(sentence);
  });

  it("warn of a name that cannot be had again", () => {
    expect(resolveGcp(own({ name: "postgres" })).warnings.map(formatViolation)).toEqual([
      'gcp.instances.main.name: blocks replacing the instance: Cloud SQL keeps the name of a deleted instance for up to a week, got "postgres"; leave it out, so that each instance gets an unused name [gcp-chosen-names-block-replacements]',
    ]);
  });
});

describe("configurations that people publish", () => {
  const small = { highAvailability: false, majorVersion: 15, storageGib: 10 } as const;
  const mlflow = { mlflow: { workers: 1 } };
  const withTier = (tier: string) => withGcp(minimalGcp, { instances: { main: { tier } } as never });

  it.each([
    [
      "a shared core",
      { ...withTier("db-f1-micro"), instances: { main: { ...small, parameters: { max_connections: 50 } } }, platforms: mlflow },
    ],
    ["the next larger one", { ...withTier("db-g1-small"), instances: { main: small }, platforms: mlflow }],
    [
      "3.75 GiB and 10 GiB of disk",
      { ...minimalGcp, instances: { main: { ...small, size: { vcpus: 1, memoryGib: 3.75 } } }, platforms: mlflow },
    ],
    ["a standby with 3.75 GiB", { ...minimalGcp, instances: { main: { size: { vcpus: 1, memoryGib: 3.75 } } }, platforms: mlflow }],
    ["another name of its database", { ...minimalGcp, platforms: { mlflow: { workers: 1, databases: { main: "mlflow_prod" } } } }],
  ])("are accepted with %s", (_what, spec) => {
    expect(refused(spec)).toBe("accepted");
  });
});
