import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { formatViolation, SpecError } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { CLOUDS } from "../../infra/spec";
import { CLUSTER, NETWORK } from "../fixtures/aws";
import { SECTION } from "../fixtures/gcp";

/** Configurations as teams have them, translated word by word. */
interface Case {
  readonly title: string;
  readonly labels?: object;
  readonly owner?: string;
  readonly main?: object;
  readonly own?: object;
  readonly section?: object;
  readonly access?: string;
  /** All violations, or null where it is accepted. */
  readonly says: readonly string[] | null;
}

const ACCEPTED: readonly Case[] = [
  {
    title: "a small instance on x86 that goes with its stack",
    main: { highAvailability: false, majorVersion: 15, storageGib: 20, maxStorageGib: null, deletionProtection: false },
    own: { class: "db.t3.micro", version: "15.12", identifier: "mlflow-rds-dev", finalSnapshot: false },
    says: null,
  },
  {
    title: "groups that the network team made",
    own: { class: "db.m5.xlarge", subnetGroup: "vpc-databases", parameterGroup: "ml-postgres17", monitoringIntervalSeconds: 0 },
    says: null,
  },
  {
    title: "a window in the vendor's spelling, parameters that are set anyway, and tags",
    main: {
      maintenanceWindow: "Mon:00:00-MON:03:00",
      backupWindow: "03:00-06:00",
      parameters: { autovacuum: 1, client_encoding: "utf8", "rds.force_ssl": 1, log_connections: true },
    },
    labels: { Owner: "Data Platform", CostCenter: "4711/ML", "team:email": "ml@example.com" },
    says: null,
  },
  {
    title: "an alias of a key, there and where backups go",
    main: { backupReplication: { region: "eu-west-1", kmsKey: "arn:aws:kms:eu-west-1:111122223333:alias/databases" } },
    section: { kmsKey: "arn:aws:kms:eu-central-1:111122223333:alias/ml/databases" },
    says: null,
  },
  { title: "a sidecar, which Google Cloud has", access: "sidecar", says: null },
];

const REFUSED: readonly Case[] = [
  {
    title: "an end of life",
    main: { majorVersion: 14 },
    says: [
      "instances.main.majorVersion: must be 15, 16, 17 or 18, got 14; PostgreSQL 14 reached its end of life on 2026-11-12 and gets no security fixes; upgrade the server first, or restore a dump into a new one",
    ],
  },
  {
    title: "the internet",
    main: { publiclyAccessible: true, allowedSources: ["0.0.0.0/0"] },
    says: [
      "instances.main.publiclyAccessible: unknown key; remove it: a database gets no public address, because anyone who scans the internet could then try passwords; allow networks with allowedSources, and connect people through a VPN or a tunnel (--via)",
      'instances.main.allowedSources[0]: is the whole internet, got "0.0.0.0/0"; a database gets no public address: name the cluster\'s network here; people connect through a VPN or a tunnel (--via localhost:5433) [never-the-whole-world]',
    ],
  },
  {
    title: "what belongs to other engines and disks",
    main: { storage_type: "gp2", engine: "aurora-postgresql", option_group_name: "default" },
    own: { public: true, storageType: "gp2" },
    says: [
      "aws.instances.main.public: unknown key; remove it: a database gets no public address, because anyone who scans the internet could then try passwords; allow networks with allowedSources, and connect people through a VPN or a tunnel (--via)",
      "aws.instances.main.storageType: unknown key; remove it: on AWS every disk is gp3, which replaces gp2 at a lower price and without downtime; on Google Cloud, use gcp.disk",
      "instances.main.storage_type: unknown key; remove it: on AWS every disk is gp3, which replaces gp2 at a lower price and without downtime; on Google Cloud, use gcp.disk",
      "instances.main.engine: unknown key; remove it: instances are PostgreSQL on RDS, Cloud SQL or this machine; to use your Aurora or AlloyDB cluster, set existing to its writer's address",
      "instances.main.option_group_name: unknown key; remove it: RDS for PostgreSQL offers no options to choose; use extensions and parameters instead",
    ],
  },
  {
    title: "tags that a role cannot have",
    owner: "ml",
    labels: { Environment: "dev", owner: "other", team: "a", Team: "b", "aws:x": "y" },
    says: [
      'labels.aws:x: key must be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with aws: or rds:, got "aws:x"',
      'labels.Environment: is set by this project, from the environment\'s name, got "dev"; remove it, or rename it [labels-of-this-project]',
      'labels.owner: is set by this project, from owner, got "other"; remove it, or change owner [labels-of-this-project]',
      'labels.Team: must differ from the label team by more than case, got "b"; keep one of them [labels-differ-by-more-than-case]',
    ],
  },
  {
    title: "more tags than a resource may have",
    labels: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, "v"])),
    says: [
      "labels: must have at most 49 entries on AWS, in addition to this project's tags, got 50; remove some [aws-labels-fit-a-resource]",
    ],
  },
  {
    title: "a group twice, and a provider of another account",
    section: {
      account: "999999999999",
      cluster: { ...CLUSTER, securityGroups: ["sg-0a1b2c3d4e5f60713", "sg-0a1b2c3d4e5f60713"] },
    },
    says: [
      'aws.cluster.securityGroups[1]: is listed twice, and EC2 rejects duplicate rules, got "sg-0a1b2c3d4e5f60713"; remove it [aws-security-groups-are-named-once]',
      'aws.cluster.oidcProvider: must be in account 999999999999, because the pods assume roles there, and a role trusts only providers of the same account, got "111122223333"; create a provider with the cluster\'s issuer URL there: aws iam create-open-id-connect-provider [aws-oidc-provider-is-in-the-account]',
    ],
  },
  {
    title: "a key of RDS's own, and one that is cut short",
    main: { backupReplication: { region: "eu-west-1", kmsKey: "arn:aws:kms:eu-west-1:oops" } },
    section: { kmsKey: "arn:aws:kms:eu-central-1:111122223333:alias/aws/rds" },
    says: [
      'aws.kmsKey: must be the ARN of a KMS key or of its alias, got "arn:aws:kms:eu-central-1:111122223333:alias/aws/rds"',
      'instances.main.backupReplication.kmsKey: must be the ARN of a key in eu-west-1, because the database is encrypted, got "arn:aws:kms:eu-west-1:oops" [aws-replicated-backups-need-a-key]',
    ],
  },
];

const specOf = ({ labels = {}, owner, main = {}, own = {}, section = {}, access = "auto" }: Case): unknown => ({
  name: "test",
  labels,
  owner,
  instances: { main },
  platforms: { mlflow: { workers: 1, access } },
  aws: { region: "eu-central-1", network: NETWORK, ...section, instances: { main: own } },
});

function violationsOf(spec: unknown, target: typeof aws | typeof gcp = aws): readonly string[] | null {
  try {
    return resolveUnknown(spec, { target: target as never, platforms, sections: CLOUDS }) === null ? [] : null;
  } catch (error) {
    if (error instanceof SpecError) return error.violations.map(formatViolation);
    throw error;
  }
}

describe("a configuration that a team has", () => {
  it.each([...ACCEPTED, ...REFUSED])("is accepted, or refused in words that a person agrees with: $title", (each) => {
    expect(violationsOf(specOf(each))).toEqual(each.says);
  });

  it("keeps a window in lower case", () => {
    const environment = resolveUnknown(specOf(ACCEPTED[2] as Case), { target: aws, platforms });
    expect(environment.instances.main?.settings.maintenanceWindow).toBe("mon:00:00-mon:03:00");
  });

  it("has Google's labels on Google Cloud", () => {
    const spec = { name: "test", labels: { Owner: "Data Platform", stage: "test" }, instances: { main: {} }, platforms: {}, gcp: SECTION };
    expect(violationsOf(spec, gcp)).toEqual([
      'labels.Owner: key must be 1 to 63 of a-z, 0-9, _ and hyphens on Google Cloud, starting with a letter, got "Owner" [gcp-labels-have-no-dots]',
      'labels.Owner: must be 1 to 63 of a-z, 0-9, _ and hyphens on Google Cloud, got "Data Platform" [gcp-labels-have-no-dots]',
    ]);
  });

  it("serves both clouds at once", () => {
    const spec = {
      name: "test",
      instances: { main: { parameters: { work_mem: "16MB" } } },
      platforms: { mlflow: { access: "sidecar" } },
      aws: {
        region: "eu-central-1",
        instances: {
          main: {
            class: "db.m7i.large",
            parameters: { "rds.logical_replication": 1, shared_preload_libraries: "pg_stat_statements" },
            backupReplication: { region: "eu-west-1", kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d" },
          },
        },
      },
      gcp: {
        ...SECTION,
        instances: {
          main: { parameters: { "cloudsql.logical_decoding": "on" }, backupReplication: { region: "europe-west1" } },
        },
      },
    };
    expect([violationsOf(spec), violationsOf(spec, gcp)]).toEqual([null, null]);
  });
});
