import { describe } from "vitest";
import type { NamedSpec } from "../../../infra/spec";
import { neutralFields } from "../../contract/neutral-fields";
import { type Observed, targetContract } from "../../contract/target";
import { minimalAws, NETWORK } from "../../fixtures/aws";
import { databaseOf, ofType, propertiesOf, templatesOf, text } from "../../fixtures/templates";

/** The properties that are looked at, as CDK writes them. */
interface InstanceProperties {
  readonly EngineVersion: string;
  readonly MultiAZ: boolean;
  readonly AllocatedStorage: string;
  readonly MaxAllocatedStorage?: number;
  readonly BackupRetentionPeriod: number;
  readonly PreferredBackupWindow: string;
  readonly PreferredMaintenanceWindow: string;
  readonly AutomaticBackupReplicationRegion?: string;
  readonly StorageEncrypted: boolean;
  readonly PubliclyAccessible: boolean;
  readonly EnableIAMDatabaseAuthentication?: boolean;
}

/** What CloudFormation is told, in words of no cloud. */
function observe(spec: Omit<NamedSpec, "aws">, parameters: readonly string[]): Observed {
  const environment = { ...spec, aws: { region: "eu-central-1", network: NETWORK } };
  const database = databaseOf(environment);
  const instance = propertiesOf(database, "AWS::RDS::DBInstance", /^mainInstance/) as unknown as InstanceProperties;
  const group = propertiesOf(database, "AWS::RDS::DBParameterGroup").Parameters as Readonly<Record<string, string>>;
  const ingress = (propertiesOf(database, "AWS::EC2::SecurityGroup").SecurityGroupIngress ?? []) as { CidrIp: string }[];
  const tags = propertiesOf(database, "AWS::KMS::Key", /^main/).Tags as { Key: string; Value: string }[];
  const [resource] = Object.values(ofType(database, "AWS::RDS::DBInstance"));
  return {
    majorVersion: Number(instance.EngineVersion),
    highAvailability: instance.MultiAZ,
    readReplicas: Object.keys(ofType(database, "AWS::RDS::DBInstance")).length - 1,
    storageGib: Number(instance.AllocatedStorage),
    maxStorageGib: instance.MaxAllocatedStorage ?? null,
    backupRetentionDays: instance.BackupRetentionPeriod,
    backupWindow: instance.PreferredBackupWindow,
    maintenanceWindow: instance.PreferredMaintenanceWindow,
    backupReplication: instance.AutomaticBackupReplicationRegion ?? null,
    encryptedAtRest: instance.StorageEncrypted,
    plainTextRefused: group["rds.force_ssl"] === "1",
    publicAddress: instance.PubliclyAccessible,
    allowedSources: ingress.map(({ CidrIp }) => CidrIp),
    iamAuthentication: instance.EnableIAMDatabaseAuthentication ?? false,
    // Turned on by the access stack, when the instance is there; the guard refuses the stacks' deletion.
    get deletionProtection() {
      const { access, guard } = templatesOf(environment);
      const { protect } = propertiesOf(access, "Custom::PostgresDeletionProtection") as { protect: readonly unknown[] };
      const isLocked = text(propertiesOf(guard, "AWS::SSM::Parameter").Value).includes("Fn::ImportValue");
      if (protect.length > 0 !== isLocked) throw new Error("the instance and its stacks are guarded differently");
      return isLocked;
    },
    outlivesDeployment: resource?.DeletionPolicy === "RetainExceptOnCreate" && resource.UpdateReplacePolicy === "Retain",
    maxConnections: Number(/,(\d+)\)$/.exec(group.max_connections ?? "")?.[1]),
    parameters: Object.fromEntries(parameters.map((name) => [name, group[name] ?? ""])),
    labels: Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])),
    // Asked for by one promise, and in another stack.
    get secrets() {
      const made = Object.values(ofType(templatesOf(environment).access, "AWS::SecretsManager::Secret"));
      return made.map((each) => String(each.Properties?.Description).split(" ")[3] ?? "").sort();
    },
  };
}

describe("RDS", () => {
  neutralFields({
    column: "AWS",
    base: { size: { vcpus: 2, memoryGib: 16 }, storageGib: 400 },
    own: {
      backupReplication: { backupReplication: { region: "eu-west-1", kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d" } },
      existing: {
        existing: { host: "db.example", masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf" },
      },
    },
    observe: async (main) => text(templatesOf({ ...minimalAws, instances: { main } })),
  });
});

describe("RDS keeps what a spec promises", () => {
  targetContract({ observe: async (spec, parameters) => observe(spec, parameters), exceptions: {} });
});
