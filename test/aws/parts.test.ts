import { App, Stack, Tags } from "aws-cdk-lib";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { InstanceType, IpAddresses, SecurityGroup, SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import * as eks from "aws-cdk-lib/aws-eks-v2";
import * as iam from "aws-cdk-lib/aws-iam";
import * as rds from "aws-cdk-lib/aws-rds";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { describe, expect, it } from "vitest";
import { context } from "../../cdk.json";
import { DeletionProtection } from "../../constructs/aws/deletion-protection";
import { createKubectlLayer } from "../../constructs/aws/kubectl-layer";
import { PlatformDatabases } from "../../constructs/aws/platform-databases";
import { PlatformReleases } from "../../constructs/aws/platform-releases";
import { RdsAlarms } from "../../constructs/aws/rds-alarms";
import { RdsPostgres } from "../../constructs/aws/rds-postgres";
import type { Resource, Template } from "../../infra/aws/templates";
import { minimalAws } from "../fixtures/aws";
import { templatesOf } from "../fixtures/templates";

/** Only templates are read; the CDK's switches are this project's. */
const CONTEXT = { ...context, "aws:cdk:disable-asset-staging": true };
const env = { region: "eu-central-1", account: "111122223333" };

/** A stack and a network with all three kinds of subnets. */
function start(props: object = { env }) {
  const app = new App({ context: CONTEXT });
  const stack = new Stack(app, "Team", props);
  const vpc = new Vpc(stack, "Vpc", { ipAddresses: IpAddresses.cidr("10.0.0.0/16"), subnetConfiguration: SUBNETS, maxAzs: 2 });
  return { app, stack, vpc };
}
const SUBNETS = [
  { name: "public", subnetType: SubnetType.PUBLIC },
  { name: "private", subnetType: SubnetType.PRIVATE_WITH_EGRESS },
  { name: "isolated", subnetType: SubnetType.PRIVATE_ISOLATED },
];

const templateOf = (stack: Stack): Template => (stack.node.root as App).synth().getStackByName(stack.stackName).template as Template;
const ofType = ({ Resources }: Template, type: string): readonly Resource[] =>
  Object.values(Resources).filter((each) => each.Type === type);
const only = (template: Template, type: string): Readonly<Record<string, unknown>> => {
  const [first, ...others] = ofType(template, type);
  expect(others).toEqual([]);
  return (first?.Properties ?? {}) as Readonly<Record<string, unknown>>;
};
/** Without the names of other resources, which depend on where a construct stands. */
const literal = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, each: unknown) =>
    typeof each === "object" && each !== null && ("Ref" in each || "Fn::GetAtt" in each || "Fn::Join" in each) ? "a reference" : each,
  );
const INSTANCE = "AWS::RDS::DBInstance";

describe("RdsPostgres in a stack of one's own", () => {
  it("needs a network only, and is what an environment's instance without settings is", () => {
    const { stack, vpc } = start();
    new RdsPostgres(stack, "Postgres", { vpc });
    const retention = ofType(templateOf(stack), "Custom::LogRetention").map(({ Properties }) => Properties?.RetentionInDays);
    expect(retention).toEqual([90, 90]);
    const [own, theirs] = [templateOf(stack), templatesOf({ ...minimalAws, instances: { main: {} } }).database];
    for (const type of [INSTANCE, "AWS::RDS::DBParameterGroup"]) {
      const { Tags: _tags, Description: _description, ...its } = only(own, type);
      const { Tags: _others, Description: _other, ...expected } = only(theirs, type);
      expect(literal(JSON.parse(JSON.stringify(its).replaceAll("Postgres", "main")))).toEqual(literal(expected));
    }
  });

  it("stands in isolated subnets, and where it is told to", () => {
    const { stack, vpc } = start();
    new RdsPostgres(stack, "Isolated", { vpc });
    new RdsPostgres(stack, "Told", { vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS } });
    const groups = ofType(templateOf(stack), "AWS::RDS::DBSubnetGroup").map((each) => JSON.stringify(each.Properties?.SubnetIds));
    expect(groups).toEqual([expect.stringMatching(/^(?!.*private).*isolated.*isolated/), expect.stringMatching(/private.*private/)]);
  });

  it("takes the settings of a spec, and refuses what a spec refuses, all of it at once", () => {
    const { stack, vpc } = start();
    const instance = { class: "db.r7g.xlarge", storageGib: 500, readReplicas: 1, parameters: { work_mem: "16MB" } } as const;
    const postgres = new RdsPostgres(stack, "Postgres", { vpc, instance });
    const { maxConnections, settings } = postgres;
    // A class decides the size here, too.
    new PlatformDatabases(stack, "Databases", { vpc, postgres, platforms: { mlflow: {} } });
    expect([maxConnections, settings.size]).toEqual([3570, { vcpus: 4, memoryGib: 32 }]);
    expect(ofType(templateOf(stack), INSTANCE).map(({ Properties }) => Properties?.DBInstanceClass)).toEqual(
      Array(2).fill("db.r7g.xlarge"),
    );
    const wrong = (its: object) => () =>
      new RdsPostgres(new Construct(stack, `Wrong${stack.node.children.length}`), "Postgres", { vpc, instance: its });
    expect(wrong({ storageGib: 5, version: "15.4", backupRetentionDays: 99 })).toThrow(
      /^invalid spec:\n {2}- instance\.storageGib: [^\n]*\n(.*\n)*.*instance\.backupRetentionDays: must be at most 35 on RDS/,
    );
    // @ts-expect-error: no such setting.
    const misspelt = () => new RdsPostgres(stack, "Misspelt", { vpc, instance: { storageGb: 50 } });
    expect(misspelt).toThrow('instance.storageGb: unknown key; did you mean "storageGib"?');
    const existing = { existing: { host: "db", masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:m-AbCdEf" } };
    expect(wrong(existing)).toThrow("instance.existing: describes an existing database; use RdsPostgres.from");
  });

  it("takes the reasons for which a rule is set aside, and so do the platforms on it", () => {
    const { stack, vpc } = start();
    const instance = { parameters: { shared_preload_libraries: "of_our_own" } };
    const within = () => new Construct(stack, `At${stack.node.children.length}`);
    expect(() => new RdsPostgres(within(), "Postgres", { vpc, instance })).toThrow(
      'acknowledge: { "aws-preloaded-modules-are-known": "<reason>" }',
    );
    const acknowledge = { "aws-preloaded-modules-are-known": "AWS made it for us" };
    const postgres = new RdsPostgres(within(), "Postgres", { vpc, instance, acknowledge });
    expect(
      new PlatformDatabases(within(), "Databases", { vpc, postgres, environment: "team", platforms: { mlflow: {} } }).wired.mlflow.kind,
    ).toBe("mlflow");
  });

  it("refuses a network without two private subnets", () => {
    const { stack } = start();
    const vpc = new Vpc(stack, "Public", { subnetConfiguration: SUBNETS.slice(0, 1) });
    expect(() => new RdsPostgres(stack, "Postgres", { vpc })).toThrow(
      "vpcSubnets: must be at least two private subnets in different zones, got 0",
    );
  });

  it("can stand in a stack without a region, backups in another region included", () => {
    const { stack, vpc } = start({});
    for (const region of ["us-east-1", "us-west-2"])
      new RdsPostgres(stack, region, {
        vpc,
        instance: { backupReplication: { region, kmsKey: `arn:aws:kms:${region}:111122223333:key/k` } },
      });
    expect(ofType(templateOf(stack), INSTANCE)).toHaveLength(2);
  });

  it("has the CDK's habits: connections, tags, metrics, and alarms to which one adds", () => {
    const { stack, vpc } = start();
    const postgres = new RdsPostgres(stack, "Postgres", { vpc });
    postgres.connections.allowDefaultPortFrom(new SecurityGroup(stack, "App", { vpc, allowAllOutbound: false }));
    Tags.of(postgres).add("cost-center", "ml");
    const action = new SnsAction(new Topic(stack, "Topic"));
    const watched = new RdsAlarms(stack, "Alarms", { postgres });
    watched.addAction(action);
    expect(postgres.instance.metricCPUUtilization().namespace).toBe("AWS/RDS");
    new DeletionProtection(stack, "Protection", { instances: [{ postgres }] });
    const template = templateOf(stack);
    expect(only(template, "AWS::EC2::SecurityGroupIngress")).toMatchObject({ IpProtocol: "tcp" });
    expect(only(template, INSTANCE).Tags).toContainEqual({ Key: "cost-center", Value: "ml" });
    const alarms = ofType(template, "AWS::CloudWatch::Alarm");
    expect(alarms.length).toBe(watched.alarms.length);
    for (const { Properties } of alarms)
      expect([Properties?.AlarmActions, Properties?.OKActions]).toEqual([[expect.anything()], [expect.anything()]]);
    expect(ofType(template, "AWS::RDS::EventSubscription")).toEqual([]);
    expect(only(template, "Custom::PostgresDeletionProtection")).toMatchObject({ protect: [expect.anything()], release: [] });
  });
});

/** Names of the actions and resources in the policies of a template. */
const policies = (template: Template): string => JSON.stringify(ofType(template, "AWS::IAM::Policy"));

describe("PlatformDatabases", () => {
  it("creates databases, secrets and rotation for platforms on a server, as an environment does", () => {
    const { stack, vpc } = start();
    const postgres = new RdsPostgres(stack, "Postgres", { vpc });
    const { secrets, wired, warnings } = new PlatformDatabases(stack, "Databases", {
      vpc,
      postgres,
      platforms: { mlflow: { replicas: 2 }, prefect: {} },
    });
    const template = templateOf(stack);
    const theirs = templatesOf({
      ...minimalAws,
      name: "team",
      instances: { main: {} },
      platforms: { mlflow: { replicas: 2 }, prefect: {} },
    }).access;
    const { environment, tenants, port } = only(template, "Custom::PostgresProvisioning");
    expect({ environment, tenants, port }).toEqual({
      environment: "team",
      tenants: only(theirs, "Custom::PostgresProvisioning").tenants,
      port: 5432,
    });
    expect([Object.keys(secrets), warnings]).toEqual([["mlflow", "prefect"], []]);
    expect(ofType(template, "AWS::SecretsManager::RotationSchedule").map(({ Properties }) => Properties?.RotationRules)).toEqual(
      Array(3).fill({ AutomaticallyAfterDays: 30 }),
    );
    expect(stack.resolve(wired.mlflow.connection)).toMatchObject({
      host: { "Fn::GetAtt": [expect.any(String), "Endpoint.Address"] },
      port: 5432,
    });
    const subnets = ofType(template, "AWS::Lambda::Function").flatMap(({ Properties }) => JSON.stringify(Properties?.VpcConfig ?? null));
    expect(subnets.filter((each) => each !== "null")).toEqual(Array(2).fill(expect.stringMatching(/^(?!.*isolated).*private/)));
  });

  it("lets a role read one platform's login, and nothing else", () => {
    const { stack, vpc } = start();
    const postgres = new RdsPostgres(stack, "Postgres", { vpc });
    const databases = new PlatformDatabases(stack, "Databases", { vpc, postgres, platforms: { mlflow: {}, prefect: {} } });
    const role = new iam.Role(stack, "Reader", { assumedBy: new iam.AccountRootPrincipal() });
    databases.grantRead("mlflow", role);
    // @ts-expect-error: no such platform.
    expect(() => databases.grantRead("flyte", role)).toThrow("there is no platform flyte; known are mlflow, prefect");
    const its = ofType(templateOf(stack), "AWS::IAM::Policy").filter(({ Properties }) =>
      JSON.stringify(Properties?.Roles).includes("Reader"),
    );
    expect(JSON.stringify(its)).toMatch(/GetSecretValue.*mlflowsecret.*kms:Decrypt/);
    expect(JSON.stringify(its)).not.toMatch(/prefectsecret|MasterSecret|PutSecretValue/);
  });

  it("reports what is wrong in the platforms, or does not fit the server, where the caller wrote it", () => {
    const { stack, vpc } = start();
    const postgres = new RdsPostgres(stack, "Postgres", { vpc, instance: { size: { vcpus: 2, memoryGib: 1 } } });
    const make = (its: object) => () =>
      new PlatformDatabases(new Construct(stack, `Wrong${stack.node.children.length}`), "Databases", {
        vpc,
        postgres,
        platforms: { mlflow: {} },
        ...its,
      });
    expect(make({ platforms: { mlflow: { workers: 40 } } })).toThrow(
      /- instance: max_connections must be at least .*instance\.parameters\.max_connections to \d+/,
    );
    expect(make({ environment: "My Team", platforms: { mlflow: { workerz: 1 } } })).toThrow(
      /- environment: must be 1 to 30 of .*\n(.*\n)*.*platforms\.mlflow\.workerz: unknown key; did you mean "workers"/,
    );
    const long = new Stack(stack.node.root as App, "A-stack-whose-name-is-too-long-for-it", { env });
    expect(() => new PlatformDatabases(long, "Databases", { vpc, postgres, platforms: { mlflow: {} } })).toThrow(
      "environment: is required",
    );
    // @ts-expect-error: no setting of MLflow.
    const misspelt = () => new PlatformDatabases(stack, "Misspelt", { vpc, postgres, platforms: { mlflow: { redisHost: "r" } } });
    expect(misspelt).toThrow("platforms.mlflow.redisHost: unknown key");
  });

  it("works on a database of the CDK's own construct, whose master it neither owns nor rotates", () => {
    const { stack, vpc } = start();
    const engine = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.of("16", "16") });
    const instance = new rds.DatabaseInstance(stack, "Own", { vpc, engine, port: 5433, instanceType: new InstanceType("m7g.large") });
    const postgres = RdsPostgres.fromDatabaseInstance({ instance, majorVersion: 16, maxConnections: 500 });
    new PlatformDatabases(stack, "Databases", { vpc, postgres, platforms: { mlflow: {} } });
    const template = templateOf(stack);
    expect(only(template, "Custom::PostgresProvisioning")).toMatchObject({
      host: { "Fn::GetAtt": [expect.stringMatching(/^Own/), "Endpoint.Address"] },
      port: 5433,
      masterSecret: { Ref: expect.stringMatching(/^OwnSecretAttachment/) },
    });
    expect(ofType(template, "AWS::SecretsManager::RotationSchedule")).toHaveLength(1);
    // Both functions are let in by the database's group.
    const ingress = ofType(template, "AWS::EC2::SecurityGroupIngress").filter(({ Properties }) =>
      JSON.stringify(Properties?.GroupId).includes("Own"),
    );
    expect(ingress).toHaveLength(2);
    expect(policies(template)).toContain("OwnSecretAttachment");
  });

  it("works on a database that is imported, by its address or as the CDK imports it", () => {
    const { stack, vpc } = start();
    const arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const securityGroup = SecurityGroup.fromSecurityGroupId(stack, "Group", "sg-0a1b2c3d4e5f60713");
    const attributes = { instanceIdentifier: "db", instanceEndpointAddress: "db.example", port: 5444, securityGroups: [securityGroup] };
    const instance = rds.DatabaseInstance.fromDatabaseInstanceAttributes(stack, "Imported", attributes);
    const secret = Secret.fromSecretCompleteArn(stack, "Master", arn);
    const imported = RdsPostgres.fromDatabaseInstance({ instance, secret });
    const named = RdsPostgres.fromAttributes(stack, "Named", { host: "db.example", masterSecretArn: arn });
    expect([imported, named].map(({ connection, secret: { secretArn } }) => [connection.host, connection.port, secretArn])).toEqual([
      ["db.example", 5444, arn],
      ["db.example", 5432, arn],
    ]);
    expect(() => RdsPostgres.fromDatabaseInstance({ instance })).toThrow("secret: is required, because the instance has none");
    const partial = Secret.fromSecretNameV2(stack, "Partial", "master");
    expect(() => RdsPostgres.fromDatabaseInstance({ instance, secret: partial })).toThrow(
      "secret: must have its complete ARN; import it with Secret.fromSecretCompleteArn",
    );
    // 100 connections unless it is said otherwise.
    const make = () => new PlatformDatabases(stack, "Crowded", { vpc, postgres: named, platforms: { mlflow: { workers: 9 } } });
    expect(make).toThrow(/instance: max_connections .*raise max_connections of the server, and instance\.existing\.maxConnections/);
  });
});

describe("PlatformReleases", () => {
  const platformsOn = (stack: Stack, vpc: Vpc) => {
    const postgres = new RdsPostgres(stack, "Postgres", { vpc });
    const { wired, secrets } = new PlatformDatabases(stack, "Databases", { vpc, postgres, platforms: { mlflow: {} } });
    const access = { secretArn: secrets.mlflow.arn, readerRoleArn: "arn:aws:iam::111122223333:role/reader" };
    return { mlflow: { wired: wired.mlflow, access } };
  };
  const clusterIn = (stack: Stack, vpc: Vpc) =>
    new eks.Cluster(stack, "Cluster", {
      vpc,
      version: eks.KubernetesVersion.V1_33,
      kubectlProviderOptions: { kubectlLayer: createKubectlLayer(stack, "Layer") },
    });

  it("installs into a cluster of the CDK's own construct, with its own way to it", () => {
    const { stack, vpc } = start();
    const platforms = platformsOn(stack, vpc);
    new PlatformReleases(stack, "Releases", { cluster: clusterIn(stack, vpc), platforms });
    const template = templateOf(stack);
    expect(only(template, "Custom::AWSCDK-EKS-HelmChart")).toMatchObject({
      Release: "mlflow",
      Chart: "mlflow",
      ClusterName: { Ref: expect.stringMatching(/^Cluster/) },
    });
    const manifests = JSON.stringify(ofType(template, "Custom::AWSCDK-EKS-KubernetesResource"));
    expect(manifests).toContain("BEGIN CERTIFICATE");
    expect(manifests).toMatch(/environment[\\":]+team/);
    expect(Object.keys(template.Resources).filter((id) => id.startsWith("Releases") && id.includes("Access"))).toEqual([]);
  });

  it("asks for the authorities where it knows no region", () => {
    const { stack, vpc } = start({});
    const make = () => new PlatformReleases(stack, "Releases", { cluster: clusterIn(stack, vpc), platforms: platformsOn(stack, vpc) });
    expect(make).toThrow("ca: is required if the database's region is not known; pass the PEM text of its certificate authorities");
  });
});
