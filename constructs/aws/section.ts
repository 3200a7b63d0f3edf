import { chartVersion, EXTERNAL_SECRETS, RELOADER } from "../kubernetes/operators";
import { IPV4 } from "../model/address";
import { choice, type Elsewhere, flag, group, id, integer, list, map, nullable, type Settings, text } from "../model/fields";
import { LONGEST_CA } from "../model/instance";
import { NAME } from "../model/names";
import { awsInstances } from "./instance-fields";

const ZONE = { pattern: /^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, form: "an availability zone such as eu-central-1a" };
const SECURITY_GROUP = { pattern: /^sg-[0-9a-f]{8,17}$/, form: "a security group's ID (sg-...)" };

const arn = (service: string, resource: string, what: string) => ({
  pattern: new RegExp(`^arn:aws:${service}:[a-z0-9-]*:\\d{12}:${resource}$`),
  form: what,
});

/** Retention periods that CloudWatch Logs allows. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653] as const;

/** Default days to keep logs, and between rotations of passwords. */
export const LOG_RETENTION_DAYS = 90;
export const ROTATION_DAYS = 30;

/** Where an environment is on AWS. IDs of existing resources may be placeholder IDs, which cannot be deployed. */
export const awsFields = {
  /** RDS region. */
  region: text({ pattern: /^[a-z]{2}(-[a-z]+)+-\d$/, form: "a region such as eu-central-1" }),
  /**
   * PEM text, or path relative to the environment's file, of the region's certificate authorities. Required in a region that is newer than
   * this project; null elsewhere. AWS publishes it: `https://truststore.pki.rds.amazonaws.com/REGION/REGION-bundle.pem`.
   *
   * @defaultValue `null`
   */
  certificateAuthorities: nullable(text({ pattern: /\S/, form: "PEM text or the path of a PEM file", longest: LONGEST_CA, lines: true })),
  /** Account to deploy to; null uses the account of the current credentials. @defaultValue `null` */
  account: nullable(id({ pattern: /^\d{12}$/, form: "an account ID of 12 digits" })),
  /** Existing network; null creates one. Databases cannot move to another network. @defaultValue `null` */
  network: nullable(
    group({
      /** ID of the VPC. */
      vpc: id({ pattern: /^vpc-[0-9a-f]{8,17}$/, form: "a VPC's ID (vpc-...)" }),
      /** At least two, in different zones. @defaultValue `[]` */
      privateSubnets: list(
        group({
          /** ID of the subnet. */
          id: id({ pattern: /^subnet-[0-9a-f]{8,17}$/, form: "a subnet's ID (subnet-...)" }),
          /** Its availability zone. */
          zone: text(ZONE),
        }),
      ),
      /**
       * The VPC's CIDR blocks. Needed only with `secretsManagerEndpoint`, because everything in the VPC then uses that endpoint.
       *
       * @defaultValue `[]`
       */
      cidrs: list(text({ pattern: new RegExp(`^${IPV4}/(1[6-9]|2[0-8])$`), form: "a VPC's CIDR block of /16 to /28" })),
    }),
  ),
  /** CIDR block of the created network. @defaultValue `"10.0.0.0/16"` */
  vpcCidr: text({ pattern: new RegExp(`^${IPV4}/(1[6-9]|2[0-4])$`), form: "a CIDR block of /16 to /24", default: "10.0.0.0/16" }),
  /**
   * Zones of the created network, two or more; by default the first two of the region, which may lack the instance class.
   *
   * @defaultValue `[]`
   */
  zones: list(text(ZONE)),
  /**
   * Creates an endpoint for Secrets Manager: provisioning needs one if private subnets have no internet access. Its private name then applies
   * to the whole VPC, which AWS allows for only one endpoint.
   *
   * @defaultValue `false`
   */
  secretsManagerEndpoint: flag(false),
  /** Security group of the network's existing endpoint for Secrets Manager; it will admit provisioning. @defaultValue `null` */
  existingSecretsManagerEndpoint: nullable(id(SECURITY_GROUP)),
  /** EKS cluster that the platforms run in; null deploys no Kubernetes objects; `npm run render` writes them as files. @defaultValue `null` */
  cluster: nullable(
    group({
      /** Name of the cluster. */
      name: id({ pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, form: "an EKS cluster's name" }),
      /** Security groups of the cluster, its nodes or its pods, which may connect to the databases. @defaultValue `[]` */
      securityGroups: list(id(SECURITY_GROUP)),
      /**
       * The security group that EKS created for the cluster, whose members reach its endpoint; the function that installs releases joins it.
       * `aws eks describe-cluster --name NAME --query cluster.resourcesVpcConfig.clusterSecurityGroupId`
       *
       * @defaultValue `null`
       */
      clusterSecurityGroup: nullable(id(SECURITY_GROUP)),
      /** The cluster's OIDC provider, which lets pods assume roles. */
      oidcProvider: id(arn("iam", "oidc-provider/[A-Za-z0-9./_-]+", "the ARN of an OIDC provider")),
      /** Installs the platforms' Helm releases; otherwise `npm run render` writes files. @defaultValue `true` */
      installReleases: flag(true),
      /**
       * Installs External Secrets. Set it to true if the cluster has none. It remains in the cluster when you set this back to false.
       *
       * @defaultValue `false`
       */
      installExternalSecrets: flag(false),
      /** Version of its chart: 0.16.0 or newer. @defaultValue `"2.9.0"` */
      externalSecretsVersion: chartVersion(EXTERNAL_SECRETS),
      /** Installs Reloader, which restarts pods when a rotation has changed their Secret. It also remains. @defaultValue `false` */
      installReloader: flag(false),
      /** Version of its chart. @defaultValue `"2.2.16"` */
      reloaderVersion: chartVersion(RELOADER),
    }),
  ),
  /**
   * Key that encrypts the databases and secrets, or its alias; null creates one for each instance. Changing it replaces the databases. Do not
   * move an alias to another key: databases and secrets keep the old key, but functions may use only the key that the alias points to.
   *
   * @defaultValue `null`
   */
  kmsKey: nullable(id(arn("kms", "(key/[A-Za-z0-9-]+|alias/(?!aws/)[A-Za-z0-9/_-]+)", "the ARN of a KMS key or of its alias"))),
  /** SNS topic that receives alarms; null creates one. @defaultValue `null` */
  alarmTopic: nullable(id(arn("sns", "[A-Za-z0-9_-]{1,256}", "the ARN of an SNS topic"))),
  /** Security groups of existing databases, by instance: each gets a rule that admits provisioning. @defaultValue `{}` */
  existingSecurityGroups: map(id(SECURITY_GROUP), NAME),
  /**
   * Applies changes of an instance immediately, with a restart if needed, instead of in the maintenance window.
   *
   * @defaultValue `false`
   */
  applyImmediately: flag(false),
  /** Days to keep logs. @defaultValue `90` */
  logRetentionDays: choice(RETENTIONS, LOG_RETENTION_DAYS),
  /** Days after which passwords are rotated. @defaultValue `30` */
  rotationDays: integer({ min: 1, max: 1000, default: ROTATION_DAYS }),
  /**
   * Settings that differ on AWS, by the instance's name: any setting of `instances.<name>`, which wins here (`parameters` and `size` are merged),
   * and `class`, `version`, `subnetGroup`, `parameterGroup`, `identifier`, `monitoringIntervalSeconds` and `finalSnapshot`.
   * Other clouds ignore it, so `rds.*` parameters and a region for `backupReplication` belong here.
   *
   * @defaultValue `{}`
   */
  instances: awsInstances,
};

/** Names of these settings in other tools. */
export const AWS_ELSEWHERE: Elsewhere = new Map([
  ...["vpcid", "vpc"].map((key) => [key, "use network.vpc"] as const),
  ...["subnets", "subnetids", "privatesubnets"].map((key) => [key, "use network.privateSubnets"] as const),
  ...["dbsubnetgroup", "dbsubnetgroupname", "subnetgroup"].map(
    (key) => [key, "use network.privateSubnets, or aws.instances.<name>.subnetGroup for an existing group"] as const,
  ),
  ...["class", "instanceclass", "version", "engineversion", "identifier", "parametergroup", "finalsnapshot", "monitoringinterval"].map(
    (key) => [key, "write it into aws.instances.<name>"] as const,
  ),
  ...["tags", "defaulttags"].map((key) => [key, "use labels, next to aws"] as const),
  ...["publiclyaccessible", "public"].map((key) => [key, "remove it; databases get no public address"] as const),
  ...["availabilityzones", "azs"].map((key) => [key, "use zones"] as const),
  ...["clustername", "eks", "ekscluster"].map((key) => [key, "use cluster.name"] as const),
  ...["kmskeyid", "kmskeyarn"].map((key) => [key, "use kmsKey"] as const),
  ...["storageencrypted", "encrypted"].map((key) => [key, "remove it; databases are always encrypted, kmsKey names the key"] as const),
  ...["vpcsecuritygroupids", "securitygroups", "securitygroupids"].map((key) => [key, "use cluster.securityGroups"] as const),
]);

export type AwsSettings = Settings<typeof awsFields>;
