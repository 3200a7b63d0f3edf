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

/** What CloudWatch Logs can keep. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653] as const;

/** Days for which logs are kept by default, and after which passwords are rotated. */
export const LOG_RETENTION_DAYS = 90;
export const ROTATION_DAYS = 30;

/** Where an environment stands on AWS. Ids of what exists may be marked as examples: nothing can be deployed with them. */
export const awsFields = {
  /** Region of RDS. */
  region: text({ pattern: /^[a-z]{2}(-[a-z]+)+-\d$/, form: "a region such as eu-central-1" }),
  /**
   * PEM text, or path relative to the environment's file, of the certificate authorities of the region. Required in a region that is newer
   * than what this project knows; null elsewhere. AWS publishes it: `https://truststore.pki.rds.amazonaws.com/REGION/REGION-bundle.pem`.
   *
   * @defaultValue `null`
   */
  certificateAuthorities: nullable(text({ pattern: /\S/, form: "PEM text or the path of a PEM file", longest: LONGEST_CA, lines: true })),
  /** Account that is deployed to; null takes that of the credentials in use. @defaultValue `null` */
  account: nullable(id({ pattern: /^\d{12}$/, form: "an account ID of 12 digits" })),
  /** Existing network; null creates one. Databases cannot move to another network. @defaultValue `null` */
  network: nullable(
    group({
      /** Id of the VPC. */
      vpc: id({ pattern: /^vpc-[0-9a-f]{8,17}$/, form: "a VPC's ID (vpc-...)" }),
      /** At least two, in different zones. @defaultValue `[]` */
      privateSubnets: list(
        group({
          /** Id of the subnet. */
          id: id({ pattern: /^subnet-[0-9a-f]{8,17}$/, form: "a subnet's ID (subnet-...)" }),
          /** Its availability zone. */
          zone: text(ZONE),
        }),
      ),
      /**
       * The VPC's CIDR blocks. Only `secretsManagerEndpoint` needs them: everything in the VPC uses that endpoint from then on.
       *
       * @defaultValue `[]`
       */
      cidrs: list(text({ pattern: new RegExp(`^${IPV4}/(1[6-9]|2[0-8])$`), form: "a VPC's CIDR block of /16 to /28" })),
    }),
  ),
  /** CIDR block of a network that is created. @defaultValue `"10.0.0.0/16"` */
  vpcCidr: text({ pattern: new RegExp(`^${IPV4}/(1[6-9]|2[0-4])$`), form: "a CIDR block of /16 to /24", default: "10.0.0.0/16" }),
  /**
   * Zones of a network that is created, two or more; by default the first two of the region, which may lack the instance class.
   *
   * @defaultValue `[]`
   */
  zones: list(text(ZONE)),
  /**
   * Creates an endpoint of Secrets Manager: provisioning needs one where private subnets have no way to the internet. Its private name
   * then applies to the whole VPC, which AWS allows for one endpoint only.
   *
   * @defaultValue `false`
   */
  secretsManagerEndpoint: flag(false),
  /** Security group of the network's existing endpoint of Secrets Manager: provisioning is let in to it. @defaultValue `null` */
  existingSecretsManagerEndpoint: nullable(id(SECURITY_GROUP)),
  /** EKS cluster that the platforms run in; null deploys no Kubernetes objects; `npm run render` writes them as files. @defaultValue `null` */
  cluster: nullable(
    group({
      /** Name of the cluster. */
      name: id({ pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, form: "an EKS cluster's name" }),
      /** Of the cluster, its nodes or its pods: they may connect to the databases. @defaultValue `[]` */
      securityGroups: list(id(SECURITY_GROUP)),
      /**
       * The group that EKS created for the cluster, whose members reach its endpoint: releases are installed from within it.
       * `aws eks describe-cluster --name NAME --query cluster.resourcesVpcConfig.clusterSecurityGroupId`
       *
       * @defaultValue `null`
       */
      clusterSecurityGroup: nullable(id(SECURITY_GROUP)),
      /** The cluster's OIDC provider, by which pods get their roles. */
      oidcProvider: id(arn("iam", "oidc-provider/[A-Za-z0-9./_-]+", "the ARN of an OIDC provider")),
      /** Installs the platforms' Helm releases; otherwise `npm run render` writes files. @defaultValue `true` */
      installReleases: flag(true),
      /**
       * Installs External Secrets, if the cluster has none. It stays in the cluster when you set this back to false.
       *
       * @defaultValue `false`
       */
      installExternalSecrets: flag(false),
      /** Version of its chart: 0.16.0 or newer. @defaultValue `"2.9.0"` */
      externalSecretsVersion: chartVersion(EXTERNAL_SECRETS),
      /** Installs Reloader, which restarts pods when a rotation has changed their Secret. It stays, too. @defaultValue `false` */
      installReloader: flag(false),
      /** Version of its chart. @defaultValue `"2.2.16"` */
      reloaderVersion: chartVersion(RELOADER),
    }),
  ),
  /**
   * Key that encrypts the databases and secrets, or its alias; null creates one for each instance. Changing it replaces the databases. An
   * alias must stay with its key: databases and secrets keep the key, and functions may use only the one that the alias points to.
   *
   * @defaultValue `null`
   */
  kmsKey: nullable(id(arn("kms", "(key/[A-Za-z0-9-]+|alias/(?!aws/)[A-Za-z0-9/_-]+)", "the ARN of a KMS key or of its alias"))),
  /** SNS topic that receives alarms; null creates one. @defaultValue `null` */
  alarmTopic: nullable(id(arn("sns", "[A-Za-z0-9_-]{1,256}", "the ARN of an SNS topic"))),
  /** Security groups of existing databases, by instance: each gets a rule that admits provisioning. @defaultValue `{}` */
  existingSecurityGroups: map(id(SECURITY_GROUP), NAME),
  /**
   * Changes of an instance take effect at once, with a restart where one is needed, not in the maintenance window.
   *
   * @defaultValue `false`
   */
  applyImmediately: flag(false),
  /** Days for which logs are kept. @defaultValue `90` */
  logRetentionDays: choice(RETENTIONS, LOG_RETENTION_DAYS),
  /** Days after which passwords are rotated. @defaultValue `30` */
  rotationDays: integer({ min: 1, max: 1000, default: ROTATION_DAYS }),
  /**
   * By an instance's name, what differs on AWS: any setting of `instances.<name>`, which wins there (`parameters` and `size` are merged),
   * and `class`, `version`, `subnetGroup`, `parameterGroup`, `identifier`, `monitoringIntervalSeconds` and `finalSnapshot`.
   * Other clouds do not look at it, so `rds.*` parameters and a region for `backupReplication` belong here.
   *
   * @defaultValue `{}`
   */
  instances: awsInstances,
};

/** What other tools call these settings. */
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
