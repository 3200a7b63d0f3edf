import { type Violation, violation } from "../model/errors";
import { idOf } from "../model/fields";
import type { InstanceSettings } from "../model/instance";
import { checkEach, checkItems } from "../model/rule";
import { refuseHost } from "../model/rules/cloud-rules";
import { refuseAuthorities } from "../model/rules/server-rules";
import type { InstanceRule, WholeRule } from "../model/target";
import { isKnownPair } from "./backup-regions";
import { RDS_REGIONS } from "./rds-regions";
import { CHECKED, EXISTING, GUIDE } from "./rules";
import type { AwsSettings, awsFields } from "./section";
import { CLUSTER, NETWORK, region } from "./section-rules";

/** Returns the region in the name of an RDS server, or undefined. */
const regionOf = (host: string): string | undefined => /\.([a-z]{2}(-[a-z]+)+-\d)\.rds\.amazonaws\.com\.?$/i.exec(host)?.[1]?.toLowerCase();

const PROXY = /\.proxy-[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com\.?$/i;
const READER = /\.cluster-ro-[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com\.?$/i;

/** An RDS endpoint, which RDS certificates contain; in China, the region follows. */
const ENDPOINT = /\.rds\.([a-z0-9-]+\.)?amazonaws\.com(\.cn)?\.?$/i;

const ENDPOINT_EXAMPLE = "ml.c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com";

/** Whether pods verify a server with RDS's CAs, whose certificates contain only endpoints. This machine's addresses have their own rule. */
const isOfRds = ({ existing }: InstanceSettings, { certificateAuthorities }: AwsSettings): boolean =>
  existing !== null && (existing.ca ?? certificateAuthorities) === null && refuseHost(existing.host) === null;
const isAddress = (host: string): boolean => /^[0-9.]+$|:/.test(host);

const notInCertificate = (name: string, host: string, what: string): Violation =>
  violation(
    `instances.${name}.existing.host`,
    `${what}, but an RDS certificate contains only the endpoint's name`,
    host,
    "write the endpoint (*.rds.amazonaws.com), or, for a server outside RDS, write its CA into existing.ca",
  );

/** AWS servers that accept PostgreSQL drivers or look like RDS databases, but are not. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/\.redshift(-serverless)?\.amazonaws\.com\.?$/i, "Amazon Redshift"],
  [/\.dsql\.[a-z0-9-]+\.on\.aws\.?$/i, "Aurora DSQL"],
  [/\.docdb\.amazonaws\.com\.?$/i, "Amazon DocumentDB"],
];

/** Rules about the names of existing servers. */
export const awsEndpointRules: readonly InstanceRule[] = [
  {
    id: "aws-existing-is-postgresql",
    source: "https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-features.html",
    why: "It lacks features that every platform's tables need, such as indexes, enforced keys or several databases, so no platform can migrate.",
    date: CHECKED,
    severity: "error",
    check: ({ existing }, path) =>
      OTHERS.filter(([host]) => existing !== null && host.test(existing.host)).map(([, name]) =>
        violation(
          `${path}.existing.host`,
          `is ${name}, which is not PostgreSQL`,
          existing?.host,
          "name an RDS instance, or the writer endpoint of an Aurora cluster",
        ),
      ),
    passing: { existing: { ...EXISTING, host: "redshift.c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com" } },
    failing: { existing: { ...EXISTING, host: "ml.c1a2b3c4d5e6.eu-central-1.redshift.amazonaws.com" } },
  },
  {
    id: "aws-existing-is-not-a-proxy",
    source: `${GUIDE}/rds-proxy-secrets-arns.html`,
    why: "RDS Proxy accepts only users whose secrets it has, so it rejects every login that provisioning creates; its certificate is not an RDS certificate.",
    date: CHECKED,
    severity: "error",
    check: ({ existing }, path) =>
      existing !== null && PROXY.test(existing.host)
        ? [
            violation(
              `${path}.existing.host`,
              "is an RDS Proxy, which rejects every login that is not in one of its secrets",
              existing.host,
              "write the instance's endpoint, or the cluster's writer endpoint",
            ),
          ]
        : [],
    passing: { existing: { ...EXISTING, host: "ml.c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com" } },
    failing: { existing: { ...EXISTING, host: "ml.proxy-c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com" } },
  },
  {
    id: "aws-existing-is-not-a-reader",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Endpoints.Reader.html",
    why: "Aurora connects this endpoint to the writer only until the cluster has a replica; after that, it rejects every write.",
    date: CHECKED,
    severity: "acknowledge",
    check: ({ existing }, path) =>
      existing !== null && READER.test(existing.host)
        ? [
            violation(
              `${path}.existing.host`,
              "is the reader endpoint of an Aurora cluster, which rejects writes once the cluster has a replica",
              existing.host,
              "write the writer endpoint, with cluster- instead of cluster-ro-",
            ),
          ]
        : [],
    passing: { existing: { ...EXISTING, host: "ml.cluster-c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com" } },
    failing: { existing: { ...EXISTING, host: "ml.cluster-ro-c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com" } },
  },
];

/** Rules about resources that must be in one region, or in two matching regions. */
export const awsPlaceRules: readonly WholeRule<typeof awsFields>[] = [
  {
    id: "aws-existing-has-no-address",
    source: `${GUIDE}/UsingWithRDS.SSL.html`,
    why: "An RDS certificate contains the endpoint's name and no address, so every client rejects the server.",
    date: CHECKED,
    severity: "error",
    check: ({ section, instances }) =>
      checkEach(instances, (instance, name) => {
        const host = instance.existing?.host ?? "";
        return isOfRds(instance, section) && isAddress(host) ? [notInCertificate(name, host, "is an address")] : [];
      }),
    passing: { section: { region }, instances: { main: { existing: { ...EXISTING, host: ENDPOINT_EXAMPLE } } } },
    failing: { section: { region }, instances: { main: { existing: { ...EXISTING, host: "10.20.3.4" } } } },
  },
  {
    id: "aws-existing-has-a-name-of-rds",
    source: `${GUIDE}/UsingWithRDS.SSL.html`,
    why: "An RDS certificate contains only the endpoint's name, so every client rejects the server under a custom name.",
    date: CHECKED,
    severity: "warning",
    check: ({ section, instances }) =>
      checkEach(instances, (instance, name) => {
        const host = instance.existing?.host ?? "";
        return isOfRds(instance, section) && !isAddress(host) && !ENDPOINT.test(host)
          ? [notInCertificate(name, host, "is not an RDS endpoint")]
          : [];
      }),
    passing: { section: { region }, instances: { main: { existing: { ...EXISTING, host: ENDPOINT_EXAMPLE } } } },
    failing: { section: { region }, instances: { main: { existing: { ...EXISTING, host: "db.example.internal" } } } },
  },
  {
    id: "aws-existing-is-in-the-region",
    source: `${GUIDE}/UsingWithRDS.SSL.html`,
    why: "Each region's certificate authorities sign only its servers, so pods reject the certificate of a server elsewhere.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { region: its, certificateAuthorities }, instances }) =>
      checkEach(instances, ({ existing }, name) => {
        const other = existing === null || (existing.ca ?? certificateAuthorities) !== null ? undefined : regionOf(existing.host);
        return other === undefined || other === its || !RDS_REGIONS.includes(its)
          ? []
          : [
              violation(
                `instances.${name}.existing.host`,
                `must be in ${its}, whose certificate authorities pods trust`,
                existing?.host,
                "change aws.region, or write the server's authorities into existing.ca",
              ),
            ];
      }),
    passing: {
      section: { region },
      instances: { main: { existing: { ...EXISTING, host: "ml.c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com" } } },
    },
    failing: {
      section: { region },
      instances: { main: { existing: { ...EXISTING, host: "ml.c1a2b3c4d5e6.eu-west-1.rds.amazonaws.com" } } },
    },
  },
  {
    id: "aws-cluster-is-in-the-region",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    why: "A rule can name only security groups of the same region, so EC2 does not find those of a cluster elsewhere.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { region: its, cluster } }) => {
      const [, other] =
        /:oidc-provider\/oidc\.eks\.([a-z0-9-]+)\.amazonaws\.com\//.exec(cluster === null ? "" : idOf(cluster.oidcProvider)) ?? [];
      return other === undefined || other === its || !RDS_REGIONS.includes(its)
        ? []
        : [
            violation(
              "aws.cluster.oidcProvider",
              `must belong to a cluster in ${its}, because security groups admit each other only within a region`,
              other,
              "name a cluster in that region, or change aws.region",
            ),
          ];
    },
    passing: { section: { region, network: NETWORK, cluster: CLUSTER } },
    failing: {
      section: {
        region,
        network: NETWORK,
        cluster: { ...CLUSTER, oidcProvider: CLUSTER.oidcProvider.replace("eu-central-1", "us-east-1") },
      },
    },
  },
  {
    id: "aws-things-are-in-the-account",
    source: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html",
    why: "A key, topic or secret of another account works only if its policy names this account, which is never so for a mistyped number.",
    date: CHECKED,
    severity: "warning",
    check: ({ section, instances }) => {
      const its = section.account === null ? null : idOf(section.account);
      const checkArn = (path: string, arn: string | null | undefined) => {
        const [, , , , other = ""] = arn?.startsWith("arn:") ? arn.split(":") : [];
        const rule = `belongs to account ${other}, and its policy must allow account ${its} to use it`;
        return its === null || other === "" || other === its
          ? []
          : [{ path, rule, got: null, remedy: "correct the mistyped account, or add such a policy there" }];
      };
      return [
        ...checkItems(["kmsKey", "alarmTopic"] as const, (field) => checkArn(`aws.${field}`, section[field] && idOf(section[field]))),
        ...checkEach(instances, ({ existing, backupReplication }, name) => [
          ...checkArn(`instances.${name}.existing.masterSecret`, existing?.masterSecret),
          ...checkArn(`instances.${name}.backupReplication.kmsKey`, existing === null ? backupReplication?.kmsKey : null),
        ]),
      ];
    },
    passing: { section: { region, account: "111122223333", kmsKey: "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d" } },
    failing: { section: { region, account: "111122223333", kmsKey: "arn:aws:kms:eu-central-1:999988887777:key/0a1b2c3d" } },
  },
  {
    id: "aws-backups-go-to-a-known-region",
    source:
      "https://github.com/awsdocs/amazon-rds-user-guide/blob/0598514cf7ab4d1a41619be1a4421b2314357ecf/doc_source/USER_ReplicateBackups.md",
    why: "RDS copies backups only between some pairs of regions, and rejects the others after it has created the instance.",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { region: its }, instances }) =>
      checkEach(instances, ({ backupReplication, existing }, name) => {
        const to = backupReplication?.region ?? its;
        const isChecked = existing === null && to !== its && [its, to].every((each) => RDS_REGIONS.includes(each));
        return !isChecked || isKnownPair(its, to)
          ? []
          : [
              violation(
                `instances.${name}.backupReplication.region`,
                `is not known to receive backups from ${its}`,
                to,
                `aws rds describe-source-regions --region ${to} lists the regions that it receives them from`,
              ),
            ];
      }),
    passing: { section: { region }, instances: { main: { backupReplication: { region: "eu-west-1" } } } },
    failing: { section: { region }, instances: { main: { backupReplication: { region: "af-south-1" } } } },
  },
  {
    id: "aws-authorities-have-certificates-only",
    source: "https://www.postgresql.org/docs/17/libpq-ssl.html",
    why: "The text is stored in a ConfigMap next to every platform, where others could read a private key.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { certificateAuthorities } }) => {
      const rule = refuseAuthorities(certificateAuthorities ?? "");
      const remedy = "save the region's bundle next to the environment's file, and write its file name";
      return rule === null ? [] : [violation("aws.certificateAuthorities", rule, certificateAuthorities, remedy)];
    },
    passing: { section: { region, certificateAuthorities: "eu-central-1-bundle.pem" } },
    failing: { section: { region, certificateAuthorities: "-----BEGIN RSA PRIVATE KEY-----" } },
  },
];
