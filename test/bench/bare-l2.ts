/**
 * The baseline of `benchSynth`: what somebody writes with the plain constructs of the CDK for the same environment, without a model,
 * a rule or a platform. It makes the same things, and log groups until each stack has as many resources.
 *
 * `COUNTS`: resources by stack, as JSON. `BUNDLE`: the folder with the functions' program.
 */

import { KubectlV35Layer } from "@aws-cdk/lambda-layer-kubectl-v35";
import { App, CfnOutput, CustomResource, Duration, RemovalPolicy, SecretValue, Stack, Tags } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as eks from "aws-cdk-lib/aws-eks-v2";
import * as events from "aws-cdk-lib/aws-events";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import * as rds from "aws-cdk-lib/aws-rds";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import * as sns from "aws-cdk-lib/aws-sns";
import { Provider } from "aws-cdk-lib/custom-resources";

const COUNTS = JSON.parse(process.env.COUNTS ?? "{}") as Readonly<Record<string, number>>;
const env = { region: "eu-central-1", account: "111122223333" };
const INSTANCES = { main: 1, flyte: 0 };
const PLATFORMS = { flyte: ["mlflow", "prefect", "skillflaw"], main: ["flyte"] };

const app = new App();

function createStack(name: string): { readonly stack: Stack; readonly vpc: ec2.IVpc } {
  const stack = new Stack(app, name, { env });
  Tags.of(stack).add("environment", "bare");
  const vpc = ec2.Vpc.fromVpcAttributes(stack, "Vpc", {
    vpcId: "vpc-0a1b2c3d4e5f60718",
    availabilityZones: ["eu-central-1a", "eu-central-1b"],
    privateSubnetIds: ["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"],
  });
  return { stack, vpc };
}

/** Until it has as many resources as the stack that it is compared with. */
function fill(stack: Stack, count: number): void {
  const has = () => stack.node.findAll().filter((each) => (each as { cfnResourceType?: string }).cfnResourceType !== undefined).length;
  for (let index = 0; has() < count; index++) new logs.LogGroup(stack, `Log${index}`, { retention: 90 });
}

const database = createStack("database");
const topic = new sns.Topic(database.stack, "Topic", { enforceSSL: true });
const servers = Object.entries(INSTANCES).map(([name, replicas]) => {
  const { stack, vpc } = database;
  const key = new kms.Key(stack, `${name}Key`, { enableKeyRotation: true });
  const group = new ec2.SecurityGroup(stack, `${name}Group`, { vpc, allowAllOutbound: false });
  group.addIngressRule(ec2.Peer.ipv4("10.0.0.0/16"), ec2.Port.tcp(5432));
  const secret = new secretsmanager.Secret(stack, `${name}Secret`, {
    encryptionKey: key,
    generateSecretString: { secretStringTemplate: '{"username":"chief"}', generateStringKey: "password" },
  });
  const engine = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.of("17", "17") });
  const common = {
    vpc,
    subnetGroup: new rds.SubnetGroup(stack, `${name}Subnets`, { vpc, description: name, vpcSubnets: { subnets: vpc.privateSubnets } }),
    securityGroups: [group],
    instanceType: new ec2.InstanceType("m7g.xlarge"),
    storageType: rds.StorageType.GP3,
    parameterGroup: new rds.ParameterGroup(stack, `${name}Parameters`, {
      engine,
      parameters: { "rds.force_ssl": "1", max_connections: "500" },
    }),
    monitoringInterval: Duration.minutes(1),
    enablePerformanceInsights: true,
    cloudwatchLogsExports: ["postgresql", "upgrade"],
    cloudwatchLogsRetention: 90,
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  };
  const instance = new rds.DatabaseInstance(stack, name, {
    ...common,
    engine,
    credentials: rds.Credentials.fromPassword("chief", SecretValue.secretsManager(secret.secretArn, { jsonField: "password" })),
    allocatedStorage: 400,
    multiAz: true,
    storageEncrypted: true,
    storageEncryptionKey: key,
  });
  for (let index = 0; index < replicas; index++)
    new rds.DatabaseInstanceReadReplica(stack, `${name}Replica${index}`, { ...common, sourceDatabaseInstance: instance });
  for (const metric of [
    instance.metricCPUUtilization(),
    instance.metricFreeStorageSpace(),
    instance.metricFreeableMemory(),
    instance.metricDatabaseConnections(),
  ])
    new cloudwatch.Alarm(stack, `${name}${metric.metricName}`, { metric, threshold: 1, evaluationPeriods: 3 }).addAlarmAction(
      new SnsAction(topic),
    );
  new events.Rule(stack, `${name}Rule`, { eventPattern: { source: ["aws.rds"], resources: [instance.instanceArn] } });
  new CfnOutput(stack, `${name}Endpoint`, { value: instance.dbInstanceEndpointAddress });
  return { name, key, secret, instance };
});
fill(database.stack, COUNTS.database ?? 0);

const access = createStack("access");
for (const { name, key, secret, instance } of servers) {
  const { stack, vpc } = access;
  const secrets = (PLATFORMS[name as keyof typeof PLATFORMS] ?? []).map(
    (platform) => new secretsmanager.CfnSecret(stack, `${platform}Secret`, { kmsKeyId: key.keyArn }),
  );
  const functions = ["provision", "rotate"].map((handler) => {
    const created = new lambda.Function(stack, `${name}${handler}`, {
      runtime: lambda.Runtime.NODEJS_22_X,
      code: lambda.Code.fromAsset(process.env.BUNDLE ?? ""),
      handler: `program.${handler}`,
      timeout: Duration.minutes(10),
      vpc,
      logGroup: new logs.LogGroup(stack, `${name}${handler}Log`, { retention: 90 }),
      environment: { HOST: instance.dbInstanceEndpointAddress },
    });
    const resources = [secret.secretArn, ...secrets.map((each) => each.ref)];
    created.addToRolePolicy(
      new iam.PolicyStatement({ actions: ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], resources }),
    );
    return created;
  });
  const [onEventHandler] = functions;
  if (onEventHandler === undefined) throw new TypeError("no function");
  const provider = new Provider(stack, `${name}Provider`, { onEventHandler });
  new CustomResource(stack, `${name}Provisioning`, {
    serviceToken: provider.serviceToken,
    properties: { host: instance.dbInstanceEndpointAddress },
  });
  for (const each of secrets) {
    const rotationLambdaArn = functions[1]?.functionArn;
    new secretsmanager.CfnRotationSchedule(stack, `${each.node.id}Rotation`, { secretId: each.ref, rotationLambdaArn });
    new iam.Role(stack, `${each.node.id}Reader`, {
      assumedBy: new iam.FederatedPrincipal("arn:aws:iam::111122223333:oidc-provider/x"),
    }).addToPolicy(new iam.PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [each.ref] }));
  }
}
fill(access.stack, COUNTS.access ?? 0);

const { stack, vpc } = createStack("platforms");
const named = eks.Cluster.fromClusterAttributes(stack, "Named", { clusterName: "ml", vpc });
const kubectlProvider = new eks.KubectlProvider(stack, "Kubectl", { cluster: named, kubectlLayer: new KubectlV35Layer(stack, "Layer") });
const cluster = eks.Cluster.fromClusterAttributes(stack, "Cluster", { clusterName: "ml", vpc, kubectlProvider });
for (const platform of ["external-secrets", "reloader", ...Object.values(PLATFORMS).flat()]) {
  const [server] = servers;
  const values = { database: { host: server?.instance.dbInstanceEndpointAddress, port: 5432, existingSecret: `${platform}-db` } };
  const metadata = { name: platform, namespace: platform };
  const namespace = new eks.KubernetesManifest(stack, `${platform}Namespace`, {
    cluster,
    manifest: [{ apiVersion: "v1", kind: "Namespace", metadata }],
  });
  const chart = new eks.HelmChart(stack, `${platform}Chart`, {
    cluster,
    chart: platform,
    repository: "https://charts.example",
    version: "1.0.0",
    values,
  });
  chart.node.addDependency(namespace);
}
fill(stack, COUNTS.platforms ?? 0);
app.synth();
