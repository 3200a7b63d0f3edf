import { describe, expect, it } from "vitest";
import { generationOf } from "../../../infra/aws/environment";
import { STATEFUL } from "../../../infra/aws/plan";
import type { Template } from "../../../infra/aws/synthesize";
import { CLUSTER, minimalAws, NETWORK, productionAws, resolveAws, withAws, withMain } from "../../fixtures/aws";
import { databaseOf, ofType, propertiesOf, templatesOf } from "../../fixtures/templates";

const production = templatesOf(productionAws);
const minimal = templatesOf(minimalAws);
const text = (value: unknown): string => JSON.stringify(value);
const every = { ...production };

/** The parts of a template that say what it is; tags and hashes of assets change for good reasons. */
const masked = (value: unknown): unknown => JSON.parse(text(value).replaceAll(/[0-9a-f]{64}/g, "<hash>"));

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
    expect(parameters(minimal.database)).toMatchObject({ max_connections: "870", "rds.force_ssl": "1" });
    const written = templatesOf(withMain(minimalAws, { parameters: { max_connections: 300 } }));
    expect(parameters(written.database)).toMatchObject({ max_connections: "300" });
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
    expect(propertiesOf(database, "AWS::KMS::Key").EnableKeyRotation).toBe(true);
    const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
    const given = databaseOf(withAws(minimalAws, { kmsKey }));
    expect(ofType(given, "AWS::KMS::Key")).toEqual({});
    expect(propertiesOf(given, "AWS::RDS::DBInstance").KmsKeyId).toBe(kmsKey);
  });

  it("makes a replica that is encrypted as its source is, and no second standby", () => {
    const replica = propertiesOf(database, "AWS::RDS::DBInstance", /^mainReplica1/);
    expect(replica).toMatchObject({
      DBInstanceClass: "db.m7g.xlarge",
      StorageType: "gp3",
      PubliclyAccessible: false,
      DeletionProtection: true,
    });
    expect([replica.StorageEncrypted, replica.KmsKeyId, replica.MasterUserPassword]).toEqual([undefined, undefined, undefined]);
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

  it("lets nobody in by itself", () => {
    const { SecurityGroupIngress } = propertiesOf(minimal.database, "AWS::EC2::SecurityGroup");
    expect([SecurityGroupIngress, ofType(minimal.database, "AWS::EC2::SecurityGroupIngress")]).toEqual([undefined, {}]);
  });

  it("applies changes in the maintenance window, or at once where the spec says so", () => {
    expect(instance.ApplyImmediately).toBe(false);
    expect(propertiesOf(databaseOf(withAws(minimalAws, { applyImmediately: true })), "AWS::RDS::DBInstance").ApplyImmediately).toBe(true);
  });

  it("tells a topic of its own, or the given one, of what needs somebody", () => {
    const alarms = Object.values(ofType(database, "AWS::CloudWatch::Alarm")).map(({ Properties: its = {} }) => its);
    expect(alarms.map((its) => [its.MetricName, its.ComparisonOperator, its.Threshold])).toEqual([
      ["FreeStorageSpace", "LessThanThreshold", 40 * 2 ** 30],
      ["CPUUtilization", "GreaterThanThreshold", 90],
      ["FreeableMemory", "LessThanThreshold", Math.round(16 * 0.05 * 2 ** 30)],
      ["DatabaseConnections", "GreaterThanThreshold", 1416],
      ["ReplicaLag", "GreaterThanThreshold", 300],
      ["TriggeredRules", "LessThanThreshold", 1],
    ]);
    const topic = Object.keys(ofType(database, "AWS::SNS::Topic"))[0];
    expect(alarms.every((its) => text(its.AlarmActions) === text([{ Ref: topic }]))).toBe(true);
    expect(propertiesOf(database, "AWS::RDS::EventSubscription").SnsTopicArn).toEqual({ Ref: topic });
    const { PolicyDocument } = propertiesOf(database, "AWS::SNS::TopicPolicy") as { PolicyDocument: { Statement: object[] } };
    expect(PolicyDocument.Statement).toContainEqual(
      expect.objectContaining({
        Effect: "Allow",
        Action: "sns:Publish",
        Principal: { Service: ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"] },
        Condition: { StringEquals: { "aws:SourceAccount": "111122223333" } },
      }),
    );
    const alarmTopic = "arn:aws:sns:eu-central-1:111122223333:pager";
    const given = databaseOf(withAws(minimalAws, { alarmTopic }));
    expect(ofType(given, "AWS::SNS::Topic")).toEqual({});
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
    const found = Object.values(every).flatMap((template) =>
      Object.values(template.Resources).flatMap((resource) =>
        Object.entries(resource.Properties ?? {}).flatMap(([property, value]) =>
          text(value).includes("{{resolve:") ? [`${resource.Type} ${property}`] : [],
        ),
      ),
    );
    expect(found).toEqual(["AWS::RDS::DBInstance MasterUserPassword"]);
  });
});

describe("what outlives its stack", () => {
  const RETAINED = [...STATEFUL.filter((type) => !type.startsWith("AWS::EC2")), "AWS::RDS::DBParameterGroup"];

  it("is kept when it is removed or replaced, and taken away when its first deployment fails", () => {
    const retained = Object.values(every).flatMap((template) => RETAINED.flatMap((type) => Object.entries(ofType(template, type))));
    expect(retained.length).toBeGreaterThan(10);
    for (const [id, { DeletionPolicy, UpdateReplacePolicy }] of retained)
      expect([id, DeletionPolicy, UpdateReplacePolicy]).toEqual([id, "RetainExceptOnCreate", "Retain"]);
    const others = [
      ...Object.entries(ofType(production.database, "AWS::EC2::SecurityGroup")),
      ...Object.entries(ofType(production.database, "AWS::IAM::Role")),
    ];
    const its = others.filter(([id]) => id.startsWith("main"));
    expect(its.map(([, resource]) => resource.DeletionPolicy)).toEqual(["RetainExceptOnCreate", "RetainExceptOnCreate"]);
  });

  it("has no name of its own that would stand in the way of the next deployment", () => {
    const NAMES = [
      "DBInstanceIdentifier",
      "DBParameterGroupName",
      "DBSubnetGroupName",
      "Name",
      "GroupName",
      "RoleName",
      "AliasName",
      "TopicName",
    ];
    const named = Object.values(every).flatMap((template) =>
      Object.entries(template.Resources).flatMap(([id, { Properties = {} }]) =>
        NAMES.filter((name) => typeof Properties[name] === "string").map((name) => `${id}.${name}`),
      ),
    );
    expect(named).toEqual([]);
  });

  it("has these ids, which are a contract: another one makes an empty database", () => {
    const ids = (template: Template) => STATEFUL.flatMap((type) => Object.keys(ofType(template, type)));
    expect(ids(production.database)).toEqual([
      "mainInstanceE2E9393F",
      "mainReplica17707FE11",
      "mainSubnetGroup9B4374DE",
      "mainKeyF8284C9F",
      "mainMasterSecretF78C6F27",
    ]);
    expect(ids(production.access)).toEqual([
      "flytesecret667C6797",
      "mlflowsecretCB981E50",
      "prefectsecret1D97B9AC",
      "skillflawsecretD9F6C764",
      "kubeflowpipelinessecret4495097D",
    ]);
  });
});

describe("the network stack", () => {
  const { network } = templatesOf(withAws(minimalAws, { network: null, account: "111122223333" }));

  it("has two zones that CloudFormation chooses, and outlives itself as the databases in it do", () => {
    const subnets = Object.values(ofType(network, "AWS::EC2::Subnet"));
    expect(subnets.map(({ Properties }) => Properties?.AvailabilityZone)).toEqual(
      [0, 1].map((index) => ({ "Fn::Select": [index, { "Fn::GetAZs": "" }] })),
    );
    for (const { DeletionPolicy } of [...subnets, ...Object.values(ofType(network, "AWS::EC2::VPC"))])
      expect(DeletionPolicy).toBe("RetainExceptOnCreate");
  });

  it("has no way to the internet or from it", () => {
    const types = Object.values(network.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => /InternetGateway|NatGateway|AWS::EC2::Route$|EIP/.test(type))).toEqual([]);
  });
});

describe("the access stack", () => {
  const { access } = production;

  it("makes each platform's secret empty, readable over TLS only", () => {
    for (const { Properties = {} } of Object.values(ofType(access, "AWS::SecretsManager::Secret")))
      expect([Properties.GenerateSecretString, Properties.SecretString]).toEqual([undefined, undefined]);
    const policies = Object.values(ofType(access, "AWS::SecretsManager::ResourcePolicy")).map(({ Properties: its = {} }) => its);
    expect(policies).toHaveLength(5);
    for (const { ResourcePolicy } of policies) {
      expect(ResourcePolicy).toMatchObject({
        Statement: [
          { Effect: "Deny", Principal: "*", Action: "secretsmanager:*", Condition: { Bool: { "aws:SecureTransport": "false" } } },
        ],
      });
    }
  });

  it("gives provisioning its time, and CloudFormation a minute more", () => {
    const provisioning = propertiesOf(access, "AWS::Lambda::Function", /^mainprovisioningFunction/);
    expect(provisioning).toMatchObject({ Runtime: "nodejs22.x", Architectures: ["arm64"], Timeout: 600 });
    expect(provisioning.VpcConfig).toMatchObject({ SubnetIds: ["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"] });
    expect(propertiesOf(access, "Custom::PostgresProvisioning").ServiceTimeout).toBe("660");
    // What answers CloudFormation is outside the network: inside there may be no way to it.
    expect(propertiesOf(access, "AWS::Lambda::Function", /framework/).VpcConfig).toBeUndefined();
  });

  it("provisions again when the plan, the program or the server changes", () => {
    const properties = (spec: typeof minimalAws) => propertiesOf(templatesOf(spec).access, "Custom::PostgresProvisioning");
    const before = properties(minimalAws);
    expect(before.program).toMatch(/^[0-9a-f]{64}$/);
    expect(properties({ ...minimalAws, platforms: { prefect: { poolSize: 10 } } }).tenants).not.toEqual(before.tenants);
    const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
    expect(properties(withAws(minimalAws, { kmsKey })).generation).not.toEqual(before.generation);
    expect(properties(withAws(minimalAws, { rotationDays: 5 }))).toEqual(before);
  });

  it("rotates every platform and the master, after provisioning, and not at once", () => {
    const schedules = Object.values(ofType(access, "AWS::SecretsManager::RotationSchedule"));
    expect(schedules).toHaveLength(6);
    const [provisioning] = Object.keys(ofType(access, "Custom::PostgresProvisioning"));
    for (const { Properties, DependsOn } of schedules as ((typeof schedules)[number] & { DependsOn: string[] })[]) {
      expect(Properties).toMatchObject({ RotateImmediatelyOnUpdate: false, RotationRules: { AutomaticallyAfterDays: 14 } });
      expect(DependsOn).toContain(provisioning);
    }
  });

  it("rotates the master of an instance without platforms, too", () => {
    const spare = { ...minimalAws, instances: { main: {}, spare: {} }, platforms: { prefect: { instance: "main" } } };
    const schedules = Object.keys(ofType(templatesOf(spare).access, "AWS::SecretsManager::RotationSchedule"));
    expect(schedules.filter((id) => id.startsWith("sparerotationSchedulemaster"))).toHaveLength(1);
    expect(Object.keys(ofType(templatesOf(spare).access, "Custom::PostgresProvisioning"))).toHaveLength(1);
  });

  it("lets its functions out to a database that somebody else made, and in where its group is named", () => {
    const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const existing = withMain(minimalAws, { existing: { host: "db.example", port: 6432, masterSecret } });
    const egressOf = ({ access: its }: ReturnType<typeof templatesOf>) =>
      (propertiesOf(its, "AWS::EC2::SecurityGroup", /^mainprovisioning/).SecurityGroupEgress as { CidrIp: string; FromPort: number }[]).map(
        ({ CidrIp, FromPort }) => `${CidrIp} ${FromPort}`,
      );
    expect(egressOf(templatesOf(existing))).toEqual(["0.0.0.0/0 443", "0.0.0.0/0 6432"]);
    const named = templatesOf(withAws(existing, { existingSecurityGroups: { main: "sg-0a1b2c3d" } }));
    expect(egressOf(named)).toEqual(["0.0.0.0/0 443"]);
    const ingress = Object.values(ofType(named.access, "AWS::EC2::SecurityGroupIngress")).map(({ Properties }) => Properties);
    expect(ingress).toMatchObject([1, 2].map(() => ({ GroupId: "sg-0a1b2c3d", FromPort: 6432, ToPort: 6432 })));
  });

  it("rotates no master of somebody else's", () => {
    const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const { access: its } = templatesOf(withMain(minimalAws, { existing: { host: "db.example", masterSecret } }));
    expect(Object.keys(ofType(its, "AWS::SecretsManager::RotationSchedule"))).toEqual([expect.stringContaining("prefect")]);
  });

  it("keeps the rotation's variables within Lambda's 4 KB, with all platforms", () => {
    const { Variables } = propertiesOf(access, "AWS::Lambda::Function", /^mainrotationFunction/).Environment as {
      Variables: { TASK: unknown };
    };
    // Each reference across stacks or to a secret becomes an ARN of about 130 letters.
    const task = text(Variables.TASK).replaceAll(/\{"(Ref|Fn::GetStackOutput)":("[^"]*"|\{[^}]*\})\}/g, "x".repeat(130));
    expect(task.length).toBeGreaterThan(1000);
    expect(task.length).toBeLessThan(3500);
  });

  it("makes an endpoint of Secrets Manager in each zone once, before a function needs it", () => {
    const network = { ...NETWORK, privateSubnets: [...NETWORK.privateSubnets, { id: "subnet-0a1b2c3d4e5f60799", zone: "eu-central-1a" }] };
    const { access: its } = templatesOf(withAws(minimalAws, { network, secretsManagerEndpoint: true }));
    expect(propertiesOf(its, "AWS::EC2::VPCEndpoint").SubnetIds).toEqual(["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"]);
    const [endpoint] = Object.keys(ofType(its, "AWS::EC2::VPCEndpoint"));
    const waiting = ["Custom::PostgresProvisioning", "AWS::SecretsManager::RotationSchedule"].flatMap((type) =>
      Object.values(ofType(its, type)),
    );
    for (const each of waiting as unknown as { DependsOn: string[] }[]) expect(each.DependsOn).toContain(endpoint);
  });

  it("waits with provisioning until the way to the database is open", () => {
    const [provisioning] = Object.values(ofType(access, "Custom::PostgresProvisioning")) as unknown as { DependsOn: string[] }[];
    const rules = Object.keys({ ...ofType(access, "AWS::EC2::SecurityGroupIngress"), ...ofType(access, "AWS::EC2::SecurityGroupEgress") });
    const its = rules.filter((id) => id.startsWith("mainprovisioning"));
    expect(its).toHaveLength(2);
    for (const id of its) expect(provisioning?.DependsOn).toContain(id);
  });

  it("makes an endpoint of Secrets Manager where it is asked for, and always in a network of its own", () => {
    const endpoints = (spec: typeof minimalAws) => Object.keys(ofType(templatesOf(spec).access, "AWS::EC2::VPCEndpoint")).length;
    expect(endpoints(minimalAws)).toBe(0);
    expect(endpoints(withAws(minimalAws, { secretsManagerEndpoint: true }))).toBe(1);
    const own = withAws(minimalAws, { network: null });
    expect(endpoints(own)).toBe(1);
    const ingress = propertiesOf(
      templatesOf(own).access,
      "AWS::EC2::SecurityGroupIngress",
      /mainprovisioning.*443$|SecretsManager.*mainprovisioning/,
    );
    expect(ingress).toMatchObject({ FromPort: 443, ToPort: 443 });
  });
});

describe("the platforms stack", () => {
  const { platforms } = production;
  const manifests = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesResource"));

  it("installs every platform that has a chart, pinned, and what they need first", () => {
    const charts = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-HelmChart")).map(({ Properties: its = {} }) => [
      its.Release,
      its.Version,
      its.Namespace,
    ]);
    expect(charts).toEqual([
      ["external-secrets", "2.9.0", "external-secrets"],
      ["reloader", "2.2.16", "reloader"],
      ["flyte", "v2.0.42", "flyte"],
      ["mlflow", "1.11.5", "mlflow"],
      ["prefect", "2026.8.18172642", "prefect"],
      // Its own chart, an asset.
      ["skillflaw", undefined, "skillflaw"],
    ]);
    expect(propertiesOf(platforms, "Custom::AWSCDK-EKS-HelmChart", /skillflaw/i).ChartAssetURL).toBeDefined();
  });

  it("starts a release only when its Secret is there", () => {
    const chart = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-HelmChart")).find(([id]) => id.includes("prefect")) as unknown as [
      string,
      { DependsOn: string[] },
    ];
    const [ready] = Object.keys(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue")).filter((id) => id.includes("prefect"));
    expect(chart[1].DependsOn).toContain(ready);
    expect(propertiesOf(platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue", /prefect/)).toMatchObject({
      ObjectType: "externalsecret",
      ObjectName: "prefect-db",
      ObjectNamespace: "prefect",
      JsonPath: '.status.conditions[?(@.status=="True")].type',
    });
  });

  it("never deletes a namespace, which holds what others put there", () => {
    const namespaces = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesResource")).filter(([id]) =>
      id.includes("Namespace"),
    );
    expect(namespaces).toHaveLength(4);
    for (const [, { DeletionPolicy, Properties }] of namespaces)
      expect([DeletionPolicy, Properties?.PruneLabel]).toEqual(["Retain", undefined]);
  });

  it("waits for the right to change the cluster before it does", () => {
    const [entry] = Object.keys(ofType(platforms, "AWS::EKS::AccessEntry"));
    const namespaces = manifests.filter((each) => text(each.Properties?.Manifest).includes("Namespace")) as unknown as {
      DependsOn: string[];
    }[];
    expect(namespaces).toHaveLength(4);
    for (const { DependsOn } of namespaces) expect(DependsOn).toContain(entry);
  });

  it("gives pods the roots of their region, and no others", () => {
    const { Manifest } = propertiesOf(platforms, "Custom::AWSCDK-EKS-KubernetesResource", /prefectObjects/);
    expect(text(Manifest).match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  });

  it("is deployed again when the database becomes another, though the reference to it reads the same", () => {
    const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
    const changed = templatesOf(withAws(productionAws, { kmsKey })).platforms;
    expect(text(masked(changed))).not.toBe(text(masked(platforms)));
    expect(text(changed)).toContain(generationOf(resolveAws(withAws(productionAws, { kmsKey })), "main"));
  });

  it("is left out without a cluster, and where somebody else installs", () => {
    expect(minimal.platforms).toBeUndefined();
    expect(templatesOf(withAws(productionAws, { cluster: { ...CLUSTER, installReleases: false } })).platforms).toBeUndefined();
  });

  it("refers to the other stacks weakly, so that a platform can be removed", () => {
    expect(text(production)).toContain("Fn::GetStackOutput");
    expect(text(production)).not.toContain("Fn::ImportValue");
  });
});

describe("an environment with examples", () => {
  const examples = withAws(minimalAws, { account: { example: "111122223333" } });

  it("is refused by CloudFormation in every stack before a resource is made, with the ids to write", () => {
    for (const template of Object.values(templatesOf(examples)) as (Template & { Rules: object })[]) {
      expect(template.Rules).toMatchObject({
        NoExamples: {
          Assertions: [
            {
              Assert: { "Fn::Equals": ["example", "own"] },
              AssertDescription: "These ids are examples; write your own into infra/environments: aws.account",
            },
          ],
        },
      });
    }
    expect(text(minimal)).not.toContain("NoExamples");
  });
});

describe("a template", () => {
  it("stays far below CloudFormation's limits of 500 resources and a megabyte", () => {
    for (const [name, template] of Object.entries(production)) {
      const size = { resources: Object.keys(template.Resources).length, bytes: text(template).length };
      expect(size.resources, name).toBeLessThan(80);
      expect(size.bytes, name).toBeLessThan(150_000);
    }
  });

  it("carries the environment, the owner and the labels on everything that takes them", () => {
    const tags = propertiesOf(production.database, "AWS::KMS::Key").Tags;
    expect(tags).toEqual([
      { Key: "environment", Value: "production" },
      { Key: "owner", Value: "ml-platform" },
      { Key: "stage", Value: "production" },
    ]);
  });

  it.each([
    ["minimal", minimalAws],
    ["production", productionAws],
  ] as const)("of the database of %s is this", (_name, spec) => {
    const { database } = templatesOf(spec);
    const shown = ["AWS::RDS::DBInstance", "AWS::RDS::DBParameterGroup"].flatMap((type) => Object.entries(ofType(database, type)));
    expect(masked(Object.fromEntries(shown))).toMatchSnapshot();
  });
});
