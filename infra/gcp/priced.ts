import type { DiskItem, PricedEnvironment, PricedInstance } from "../cost/cost";
import { cloudSqlMachine } from "../cost/machines";
import type { Facts } from "../plan/facts";
import { type Described, gcpFacts } from "./facts";

/** Returns the billed parts of a state, or of a program's registrations. */
export function gcpPriced(resources: readonly Described[], region: string): PricedEnvironment {
  const count = (type: string) => resources.filter((resource) => resource.type === type).length;
  return {
    cloud: "gcp",
    region,
    instances: Object.entries(gcpFacts(resources)).map(([name, facts]) => toPriced(name, facts)),
    // Provisioning creates the first version of a platform's secret.
    secrets: count("gcp:secretmanager/secret:Secret"),
    keys: 0,
    endpointZones: 0,
    dnsZones: count("gcp:dns/managedZone:ManagedZone"),
  };
}

const toPriced = (name: string, facts: Facts): PricedInstance => ({
  name,
  machine: cloudSqlMachine(String(facts["real.machine"])),
  disk: {
    item: diskOf(facts),
    gib: Number(facts["real.storageGib"] ?? facts.storageGib),
    iops: facts.iops === null ? null : Number(facts.iops),
    throughputMibps: facts.throughputMibps === null ? null : Number(facts.throughputMibps),
  },
  highAvailability: facts.highAvailability === true,
  replicas: Number(facts.readReplicas),
});

function diskOf(facts: Facts): DiskItem {
  if (facts["section.disk"] === "HYPERDISK_BALANCED") return "HYPERDISK_BALANCED";
  return facts["section.edition"] === "ENTERPRISE_PLUS" ? "PD_SSD ENTERPRISE_PLUS" : "PD_SSD";
}
