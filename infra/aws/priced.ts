import type { PricedEnvironment, PricedInstance } from "../cost/cost";
import { rdsMachine } from "../cost/machines";
import type { Facts } from "../plan/facts";
import { awsFacts, resourcesOf } from "./facts";
import type { Template } from "./templates";

/**
 * Returns the billed parts of an environment's templates; null if templates are missing.
 *
 * @param names of instances.
 */
export function awsPriced(
  templates: Readonly<Record<string, Template>>,
  names: readonly string[],
  region: string,
): PricedEnvironment | null {
  const stacks = Object.keys(templates);
  if (!["-database", "-access"].every((part) => stacks.some((stack) => stack.endsWith(part)))) return null;
  const resources = Object.values(resourcesOf(templates));
  const count = (type: string) => resources.filter(({ Type }) => Type === type).length;
  const endpoints = resources.filter(({ Type }) => Type === "AWS::EC2::VPCEndpoint");
  return {
    cloud: "aws",
    region,
    instances: Object.entries(awsFacts(templates, names)).map(([name, facts]) => toPriced(name, facts)),
    secrets: count("AWS::SecretsManager::Secret"),
    keys: count("AWS::KMS::Key"),
    endpointZones: endpoints.reduce((sum, { Properties }) => sum + ((Properties?.SubnetIds ?? []) as readonly unknown[]).length, 0),
    dnsZones: 0,
  };
}

const toPriced = (name: string, facts: Facts): PricedInstance => ({
  name,
  machine: rdsMachine(String(facts["real.machine"])),
  disk: {
    item: "gp3",
    gib: Number(facts.storageGib),
    iops: facts.iops === null ? null : Number(facts.iops),
    throughputMibps: facts.throughputMibps === null ? null : Number(facts.throughputMibps),
  },
  highAvailability: facts.highAvailability === true,
  replicas: Number(facts.readReplicas),
});
