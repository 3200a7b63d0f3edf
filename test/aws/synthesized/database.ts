import { describe, expect, it } from "vitest";
import type { Template } from "../../../infra/aws/templates";
import { CLUSTER, minimalAws, productionAws, withAws, withMain } from "../../fixtures/aws";
import { databaseOf, ofType, propertiesOf, templatesOf, text } from "../../fixtures/templates";

const production = templatesOf(productionAws);
const minimal = templatesOf(minimalAws);

describe("the database stack", () => {
  const { database } = production;
  const instance = propertiesOf(database, "AWS::RDS::DBInstance", /^mainInstance/);

  it("does not change by a byte when platforms are added, changed or removed", () => {
    const others = [
      {},
      { prefect: {} },
      { prefect: { poolSize: 10 }, mlflow: {} },
      { flyte: {}, mlflow: { namespace: "tracking" } },
      { ...productionAws.platforms, skillflaw: undefined },
    ];
    for (const platforms of others)
      expect(text(templatesOf({ ...productionAws, platforms }).database) === text(database), text(platforms)).toBe(true);
  });

  it("does not change by a byte when the way of installing platforms does", () => {
    const changed = withAws(productionAws, { rotationDays: 60, cluster: { ...CLUSTER, installReleases: false } });
    expect(text(templatesOf(changed).database) === text(database)).toBe(true);
  });

  it("takes the class, and gp3 with its floor from 400 GiB on and nothing below", () => {
    expect(instance).toMatchObject({ DBInstanceClass: "db.m7g.xlarge", StorageType: "gp3", Iops: 12000, StorageThroughput: 500 });
    const small = propertiesOf(minimal.database, "AWS::RDS::DBInstance");
    expect(small).toMatchObject({ DBInstanceClass: "db.m7g.large", StorageType: "gp3", AllocatedStorage: "100", MaxAllocatedStorage: 500 });
    expect([small.Iops, small.StorageThroughput]).toEqual([undefined, undefined]);
  });

  it("sets max_connections from the memory, never from the platforms, and the spec's where it says so", () => {
    const parameters = (template: Template) => propertiesOf(template, "AWS::RDS::DBParameterGroup").Parameters;
    expect(parameters(minimal.database)).toMatchObject({
      max_connections: "LEAST({DBInstanceClassMemory/9256395},870)",
      "rds.force_ssl": "1",
    });
    const written = templatesOf(withMain(minimalAws, { parameters: { max_connections: 300 } }));
    expect(parameters(written.database)).toMatchObject({ max_connections: "LEAST({DBInstanceClassMemory/9531392},300)" });
  });

  it("writes parameters as RDS takes them", () => {
    const group = propertiesOf(database, "AWS::RDS::DBParameterGroup");
    expect(group).toMatchObject({ Family: "postgres17", Parameters: { work_mem: "16384", log_lock_waits: "1", log_connections: "1" } });
  });

  it("verifies servers with RSA 2048, logs, and watches", () => {
    expect(instance).toMatchObject({
      CACertificateIdentifier: "rds-ca-rsa2048-g1",
      EnableCloudwatchLogsExports: ["postgresql", "upgrade"],
      MonitoringInterval: 60,
      DatabaseInsightsMode: "standard",
      EnablePerformanceInsights: true,
    });
    const retention = propertiesOf(database, "Custom::LogRetention", /^mainInstanceLogRetentionpostgresql/);
    expect(retention.RetentionInDays).toBe(365);
  });

  it("copies backups to the other region with that region's key", () => {
    expect(instance).toMatchObject({
      AutomaticBackupReplicationRegion: "eu-west-1",
      AutomaticBackupReplicationKmsKeyId: "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d",
      AutomaticBackupReplicationRetentionPeriod: 30,
    });
  });

  it("encrypts with a key of its own, which rotates, or with the given one", () => {
    expect(propertiesOf(database, "AWS::KMS::Key", /^main/).EnableKeyRotation).toBe(true);
    const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
    const given = databaseOf(withAws(minimalAws, { kmsKey }));
    expect(Object.keys(ofType(given, "AWS::KMS::Key"))).toEqual([expect.stringMatching(/^AlarmKey/)]);
    expect(propertiesOf(given, "AWS::RDS::DBInstance").KmsKeyId).toBe(kmsKey);
  });

  it("makes a replica that is encrypted as its source is, and no second standby", () => {
    const replica = propertiesOf(database, "AWS::RDS::DBInstance", /^mainReplica1/);
    expect(replica).toMatchObject({
      DBInstanceClass: "db.m7g.xlarge",
      StorageType: "gp3",
      PubliclyAccessible: false,
    });
    expect([replica.StorageEncrypted, replica.KmsKeyId, replica.MasterUserPassword]).toEqual([undefined, undefined, undefined]);
  });

  it("gives whatever has IOPS a size of its own, and no size below: there a replica gets its source's real one", () => {
    for (const storageGib of [100, 400, 1000]) {
      const instances = Object.values(ofType(databaseOf(withMain(minimalAws, { storageGib, readReplicas: 2 })), "AWS::RDS::DBInstance"));
      expect(instances).toHaveLength(3);
      for (const { Properties: its = {} } of instances) {
        const isReplica = its.SourceDBInstanceIdentifier !== undefined;
        const expected = isReplica && storageGib < 400 ? undefined : String(storageGib);
        expect([its.Iops, its.AllocatedStorage]).toEqual([storageGib < 400 ? undefined : 12000, expected]);
      }
    }
  });

  it("lets in the cluster and the spec's networks on one port, and nothing out", () => {
    const group = propertiesOf(database, "AWS::EC2::SecurityGroup");
    const cidrs = group.SecurityGroupIngress as { CidrIp: string; FromPort: number; ToPort: number }[];
    expect(cidrs.map(({ CidrIp, FromPort, ToPort }) => [CidrIp, FromPort, ToPort])).toEqual([["10.0.0.0/16", 5432, 5432]]);
    const rules = Object.values(ofType(database, "AWS::EC2::SecurityGroupIngress")).map((rule) => rule.Properties);
    expect(rules).toMatchObject([{ SourceSecurityGroupId: "sg-0a1b2c3d4e5f60713", FromPort: 5432, ToPort: 5432 }]);
    // CDK's way to say nothing: an address that nobody has.
    expect(group.SecurityGroupEgress).toMatchObject([{ CidrIp: "255.255.255.255/32" }]);
    expect(ofType(database, "AWS::EC2::SecurityGroupEgress")).toEqual({});
  });

  it("admits nobody by default", () => {
    const { SecurityGroupIngress } = propertiesOf(minimal.database, "AWS::EC2::SecurityGroup");
    expect([SecurityGroupIngress, ofType(minimal.database, "AWS::EC2::SecurityGroupIngress")]).toEqual([undefined, {}]);
  });

  it("applies changes in the maintenance window, or at once where the spec says so", () => {
    expect(instance.ApplyImmediately).toBe(false);
    expect(propertiesOf(databaseOf(withAws(minimalAws, { applyImmediately: true })), "AWS::RDS::DBInstance").ApplyImmediately).toBe(true);
  });

  it("sends alarms to its own topic, or to the given one", () => {
    const alarms = Object.values(ofType(database, "AWS::CloudWatch::Alarm")).map(({ Properties: its = {} }) => its);
    expect(alarms.map((its) => [its.MetricName, its.ComparisonOperator, its.Threshold])).toEqual([
      ["FreeStorageSpace", "LessThanThreshold", 40 * 2 ** 30],
      ["CPUUtilization", "GreaterThanThreshold", 90],
      ["FreeableMemory", "LessThanThreshold", Math.round(16 * 0.05 * 2 ** 30)],
      ["DatabaseConnections", "GreaterThanThreshold", 1416],
      ["MaximumUsedTransactionIDs", "GreaterThanThreshold", 500_000_000],
      ["OldestReplicationSlotLag", "GreaterThanThreshold", 40 * 2 ** 30],
      ["ReplicaLag", "GreaterThanThreshold", 900],
      ["FreeStorageSpace", "LessThanThreshold", 40 * 2 ** 30],
      ["TriggeredRules", "LessThanThreshold", 1],
    ]);
    const replica = { Name: "DBInstanceIdentifier", Value: { Ref: "mainReplica17707FE11" } };
    expect(alarms.filter((its) => text(its.Dimensions) === text([replica])).map((its) => its.MetricName)).toEqual([
      "ReplicaLag",
      "FreeStorageSpace",
    ]);
    const [topic, backups] = Object.keys(ofType(database, "AWS::SNS::Topic"));
    // A rule without a target is not counted.
    expect(propertiesOf(database, "AWS::Events::Rule").Targets).toMatchObject([{ Arn: { Ref: backups } }]);
    expect(alarms.every((its) => text(its.AlarmActions) === text([{ Ref: topic }]))).toBe(true);
    const events = propertiesOf(database, "AWS::RDS::EventSubscription");
    expect(events.SnsTopicArn).toEqual({ Ref: topic });
    // The only sign of a disk that is full again after it has grown.
    expect(events.EventCategories).toContain("low storage");
    const { PolicyDocument } = propertiesOf(database, "AWS::SNS::TopicPolicy", /^AlarmTopic/) as {
      PolicyDocument: { Statement: object[] };
    };
    expect(PolicyDocument.Statement).toContainEqual(
      expect.objectContaining({
        Effect: "Allow",
        Action: "sns:Publish",
        Principal: { Service: ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"] },
        Condition: { StringEquals: { "aws:SourceAccount": "111122223333" } },
      }),
    );
    // AWS's own key would admit neither of the two, and each alarm would be lost.
    const [key = ""] = Object.keys(ofType(database, "AWS::KMS::Key")).filter((id) => id.startsWith("AlarmKey"));
    expect(propertiesOf(database, "AWS::SNS::Topic", /^AlarmTopic/).KmsMasterKeyId).toEqual({ "Fn::GetAtt": [key, "Arn"] });
    const { KeyPolicy } = propertiesOf(database, "AWS::KMS::Key", /^AlarmKey/) as { KeyPolicy: { Statement: { Principal: object }[] } };
    const users = KeyPolicy.Statement.map(({ Principal }) => (Principal as { readonly Service?: string }).Service).filter(Boolean);
    expect(users).toEqual(["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]);
    const alarmTopic = "arn:aws:sns:eu-central-1:111122223333:pager";
    const given = databaseOf(withAws(minimalAws, { alarmTopic }));
    expect(Object.keys(ofType(given, "AWS::SNS::Topic"))).toEqual([backups]);
    expect(Object.keys(ofType(given, "AWS::KMS::Key")).filter((id) => id.startsWith("AlarmKey"))).toEqual([]);
    expect(propertiesOf(given, "AWS::RDS::EventSubscription").SnsTopicArn).toBe(alarmTopic);
  });
});

describe("the master's secret", () => {
  it("is made by a template that no spec changes: another one would make a password that the database does not know", () => {
    const specs = [
      productionAws,
      minimalAws,
      withMain(minimalAws, { majorVersion: 18, size: { vcpus: 2, memoryGib: 16 }, highAvailability: false, readReplicas: 2 }),
      withMain(minimalAws, { deletionProtection: false, iamAuthentication: true, parameters: { work_mem: "1GB" } }),
      withAws(minimalAws, { kmsKey: "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d", applyImmediately: true, rotationDays: 7 }),
      withAws(minimalAws, { network: null }),
    ];
    const secrets = specs.map((spec) =>
      Object.entries(ofType(databaseOf(spec), "AWS::SecretsManager::Secret")).map(([id, { Properties }]) => [
        id,
        Properties?.GenerateSecretString,
      ]),
    );
    expect(new Set(secrets.map(text))).toEqual(
      new Set([
        text([
          [
            "mainMasterSecretF78C6F27",
            {
              ExcludeCharacters: "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}",
              GenerateStringKey: "password",
              PasswordLength: 32,
              SecretStringTemplate: '{"username":"platform_admin"}',
            },
          ],
        ]),
      ]),
    );
  });

  it("leaves only characters that no driver, URL or shell takes apart", () => {
    const { ExcludeCharacters } = propertiesOf(minimal.database, "AWS::SecretsManager::Secret").GenerateSecretString as {
      ExcludeCharacters: string;
    };
    const printable = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index));
    expect(printable.filter((letter) => !ExcludeCharacters.includes(letter)).join("")).toMatch(/^[A-Za-z0-9_~.-]+$/);
  });

  it("is the only thing that a template resolves from Secrets Manager, in one place", () => {
    const found = Object.values(production).flatMap((template) =>
      Object.values(template.Resources).flatMap((resource) =>
        Object.entries(resource.Properties ?? {}).flatMap(([property, value]) =>
          text(value).includes("{{resolve:") ? [`${resource.Type} ${property}`] : [],
        ),
      ),
    );
    expect(found).toEqual(["AWS::RDS::DBInstance MasterUserPassword"]);
  });
});
