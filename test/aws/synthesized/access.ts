import { describe, expect, it } from "vitest";
import { TENANT_TAG } from "../../../constructs/aws/task";
import { minimalAws, NETWORK, productionAws, withAws, withMain } from "../../fixtures/aws";
import { ofType, propertiesOf, templatesOf, text } from "../../fixtures/templates";

describe("the access stack", () => {
  const production = templatesOf(productionAws);
  const { access } = production;

  it("makes each platform's secret empty, readable over TLS only", () => {
    for (const { Properties = {} } of Object.values(ofType(access, "AWS::SecretsManager::Secret")))
      expect([Properties.GenerateSecretString, Properties.SecretString]).toEqual([undefined, undefined]);
    const policies = Object.values(ofType(access, "AWS::SecretsManager::ResourcePolicy")).map(({ Properties: its = {} }) => its);
    expect(policies).toHaveLength(Object.keys(productionAws.platforms).length);
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
    expect(propertiesOf(access, "AWS::Lambda::Function", /^mainprovisioning.*framework/).VpcConfig).toBeUndefined();
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
    expect(schedules).toHaveLength([...Object.keys(productionAws.platforms), "master"].length);
    const [provisioning] = Object.keys(ofType(access, "Custom::PostgresProvisioning"));
    for (const { Properties, DependsOn } of schedules as ((typeof schedules)[number] & { DependsOn: string[] })[]) {
      expect(Properties).toMatchObject({ RotateImmediatelyOnUpdate: false, RotationRules: { AutomaticallyAfterDays: 14 } });
      expect(DependsOn).toContain(provisioning);
    }
  });

  it("notifies the topic of any error in the log of a rotation", () => {
    const { AlarmActions, MetricName, Namespace } = propertiesOf(access, "AWS::CloudWatch::Alarm");
    expect([JSON.stringify(AlarmActions).includes("AlarmTopic"), MetricName, Namespace]).toEqual([
      true,
      "RotationErrors",
      `platform-postgres/${productionAws.name}`,
    ]);
    const filters = Object.values(ofType(access, "AWS::Logs::MetricFilter")).map(({ Properties = {} }) => Properties);
    expect(filters).toHaveLength(Object.keys(productionAws.instances ?? {}).length);
    const counted = { FilterPattern: '?"ERROR" ?"Task timed out"', MetricTransformations: [{ MetricName, MetricNamespace: Namespace }] };
    for (const filter of filters) expect(filter).toMatchObject(counted);
  });

  it("rotates the master of an instance without platforms, too", () => {
    const spare = { ...minimalAws, instances: { main: {}, spare: {} }, platforms: { prefect: { instance: "main" } } };
    const schedules = Object.keys(ofType(templatesOf(spare).access, "AWS::SecretsManager::RotationSchedule"));
    expect(schedules.filter((id) => id.startsWith("sparerotationSchedulemaster"))).toHaveLength(1);
    expect(Object.keys(ofType(templatesOf(spare).access, "Custom::PostgresProvisioning"))).toHaveLength(1);
  });

  it("lets its functions reach an existing database, and opens its security group if the spec names it", () => {
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

  it("has secrets and no function, network or alarm where only existing databases are wired, without a network", () => {
    const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const wired = withAws(withMain(minimalAws, { existing: { host: "db.example", masterSecret } }), { network: null });
    const templates = templatesOf(wired);
    const types = Object.values(templates).flatMap((template) => Object.values(template.Resources).map(({ Type }) => Type));
    expect([...new Set(types)].sort()).toEqual(["AWS::SecretsManager::ResourcePolicy", "AWS::SecretsManager::Secret"]);
    const { Outputs } = templates.access as unknown as { Outputs: Record<string, { Value: string }> };
    expect(Outputs.First?.Value).toBe("npm run provision -- --environment minimal --cloud aws --outputs cdk-outputs.json");
  });

  it("does not rotate the master of an existing database", () => {
    const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const { access: its } = templatesOf(withMain(minimalAws, { existing: { host: "db.example", masterSecret } }));
    expect(Object.keys(ofType(its, "AWS::SecretsManager::RotationSchedule"))).toEqual([expect.stringContaining("prefect")]);
  });

  it("keeps what grows out of variables: platforms and a certificate authority lie in the package, which changes with them", () => {
    const rotation = (spec: typeof minimalAws) => {
      const { Environment, Code } = propertiesOf(templatesOf(spec).access, "AWS::Lambda::Function", /^mainrotationFunction/);
      return { variables: (Environment as { Variables: { TASK: unknown } }).Variables, code: (Code as { S3Key: string }).S3Key };
    };
    const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const existing = {
      host: "db.example",
      masterSecret,
      maxConnections: 300,
      ca: `-----BEGIN CERTIFICATE-----\n${"A".repeat(9_000)}\n-----END CERTIFICATE-----`,
    };
    const one = withMain({ ...minimalAws, platforms: { prefect: {} } }, { existing });
    const all = { ...one, platforms: productionAws.platforms, acknowledge: productionAws.acknowledge };
    expect(rotation(all).variables).toEqual(rotation(one).variables);
    expect(rotation(all).code).not.toBe(rotation(one).code);
    expect(propertiesOf(templatesOf(all).access, "AWS::Lambda::Function", /^mainprovisioningFunction/).Environment).toBeUndefined();
    expect(propertiesOf(templatesOf(all).access, "Custom::PostgresProvisioning").ca).toBe(existing.ca);
  });

  it("marks each platform's secret with environment, instance and platform, by which the rotation knows whose it is", () => {
    const marks = Object.values(ofType(access, "AWS::SecretsManager::Secret")).map(
      ({ Properties = {} }) => (Properties.Tags as { Key: string; Value: string }[]).find(({ Key }) => Key === TENANT_TAG)?.Value,
    );
    expect(marks.sort()).toEqual(
      Object.keys(productionAws.platforms)
        .map((name) => `production--main--${name}`)
        .sort(),
    );
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
  });

  it("admits the whole network to the endpoint, because its private name applies everywhere in it", () => {
    const ingress = (spec: typeof minimalAws) =>
      (
        propertiesOf(templatesOf(spec).access, "AWS::EC2::SecurityGroup", /^SecretsManager/).SecurityGroupIngress as { CidrIp: string }[]
      ).map(({ CidrIp }) => CidrIp);
    expect(ingress(withAws(minimalAws, { secretsManagerEndpoint: true }))).toEqual(["10.0.0.0/16", "10.64.0.0/16"]);
    expect(ingress(withAws(minimalAws, { network: null, vpcCidr: "10.9.0.0/16" }))).toEqual(["10.9.0.0/16"]);
  });

  it("uses an endpoint that is there, and is let in to it", () => {
    const { access: its } = templatesOf(withAws(minimalAws, { existingSecretsManagerEndpoint: "sg-0a1b2c3d" }));
    expect(ofType(its, "AWS::EC2::VPCEndpoint")).toEqual({});
    const rules = Object.values(ofType(its, "AWS::EC2::SecurityGroupIngress")).map(({ Properties = {} }) => Properties);
    expect(rules.filter(({ FromPort }) => FromPort === 443)).toMatchObject(
      ["mainprovisioning", "mainrotation"].map((name) => ({
        GroupId: "sg-0a1b2c3d",
        ToPort: 443,
        SourceSecurityGroupId: { "Fn::GetAtt": [expect.stringMatching(`^${name}`), "GroupId"] },
      })),
    );
  });

  it("protects each instance as the spec says, from outside the network and with one right", () => {
    const instances = { main: {}, spare: { deletionProtection: false } };
    const { access: its } = templatesOf({ ...minimalAws, instances, platforms: { prefect: { instance: "main" } } });
    const { protect, release } = propertiesOf(its, "Custom::PostgresDeletionProtection") as Record<string, unknown[]>;
    expect([text(protect), text(release)]).toEqual([expect.stringContaining("Refmain"), expect.stringContaining("Refspare")]);
    const { Handler, VpcConfig } = propertiesOf(its, "AWS::Lambda::Function", /^DeletionProtectionFunction/);
    expect([Handler, VpcConfig]).toEqual(["program.protect", undefined]);
  });

  it("prints the command that restarts each instance", () => {
    const { Outputs } = access as unknown as { Outputs: { Instances: { Value: unknown } } };
    expect(text(Outputs.Instances.Value)).toContain("aws rds reboot-db-instance --region eu-central-1 --db-instance-identifier ");
  });

  it("keeps every log of its functions as long as the environment says, those of the CDK, too", () => {
    for (const [part, template] of Object.entries({
      ...production,
      ...templatesOf(withAws(minimalAws, { network: null, logRetentionDays: 365 })),
    })) {
      const groups = Object.entries(ofType(template, "AWS::Logs::LogGroup"));
      for (const [id, { Properties }] of groups) expect([part, id, Properties?.RetentionInDays]).toEqual([part, id, 365]);
      const functions = Object.entries(ofType(template, "AWS::Lambda::Function")).filter(([id]) => !id.startsWith("LogRetention"));
      for (const [id, { Properties }] of functions)
        expect([id, text(Properties?.LoggingConfig ?? "") + text(groups)]).toEqual([id, expect.stringMatching(/LogGroup/)]);
    }
  });
});
