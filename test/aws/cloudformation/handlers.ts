import type { ClusterWorld } from "./cluster";
import type { RdsWorld } from "./rds";

type Properties = Readonly<Record<string, unknown>>;

/** What CloudFormation does with a resource by its type. What throws, fails with that message. */
export interface Handler {
  create(id: string, properties: Properties): void;
  update(id: string, before: Properties, after: Properties, isRollback: boolean): void;
  delete(id: string, properties: Properties): void;
}

const NOTHING = () => undefined;

/** Handlers of what this project's stacks do to the outside; of every other type only a name is created. */
export function handlersOf(rds: RdsWorld, cluster: ClusterWorld): Readonly<Record<string, Handler>> {
  const protect = (_id: string, properties: Properties) => setProtection(rds, properties);
  return {
    "AWS::RDS::DBInstance": {
      create: (id, properties) => rds.create(id, properties),
      update: (id, before, after, isRollback) => rds.update(id, before, after, isRollback),
      delete: (id) => rds.delete(id),
    },
    // As constructs/aws/functions/protect.ts, whose own test is with the real client.
    "Custom::PostgresDeletionProtection": { create: protect, update: (id, _before, after) => protect(id, after), delete: NOTHING },
    "Custom::AWSCDK-EKS-HelmChart": {
      create: (_id, properties) => cluster.install(properties),
      update: (_id, _before, after) => cluster.install(after),
      delete: (_id, properties) => cluster.uninstall(properties),
    },
    "Custom::AWSCDK-EKS-KubernetesResource": {
      create: (_id, properties) => cluster.apply(properties, true),
      update: (_id, _before, after) => cluster.apply(after, false),
      delete: (_id, properties) => cluster.remove(properties),
    },
    "Custom::AWSCDK-EKS-KubernetesObjectValue": {
      create: (_id, properties) => cluster.check(properties),
      update: (_id, _before, after) => cluster.check(after),
      delete: NOTHING,
    },
  };
}

function setProtection({ instances }: RdsWorld, { protect, release }: Properties): void {
  for (const [ids, isOn] of [
    [protect, true],
    [release, false],
  ] as const)
    for (const id of ids as readonly string[]) {
      const found = instances.get(id);
      if (found === undefined) throw new Error(`RDS has no instance ${id}; deploy the environment's database stack again`);
      found.deletionProtection = isOn;
    }
}
