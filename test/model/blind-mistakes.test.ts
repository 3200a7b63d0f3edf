import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { formatViolation, SpecError } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { CLUSTER as EKS, minimalAws } from "../fixtures/aws";
import { CLUSTER as GKE, minimalGcp } from "../fixtures/gcp";

const TARGETS = { aws, gcp, local } as const;
const SECTIONS = { aws: minimalAws.aws, gcp: minimalGcp.gcp, local: undefined } as const;

/** What is said of a spec with one change; `section` is merged into the target's own. */
function said(name: keyof typeof TARGETS, { section, ...change }: Readonly<Record<string, unknown>>): readonly string[] {
  const own = name === "local" ? {} : { [name]: { ...SECTIONS[name], ...(section as object) } };
  const spec = { name: "test", instances: { main: { highAvailability: false } }, platforms: { mlflow: {} }, ...own, ...change };
  try {
    const given = { target: TARGETS[name] as never, platforms, sections: ["aws", "gcp"] } as never;
    return (resolveUnknown(spec, given).warnings as readonly Parameters<typeof formatViolation>[0][]).map(formatViolation);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.violations.map(formatViolation);
  }
}

const MASTER = { aws: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf", gcp: "master", local: "m.json" };
const existing = (name: keyof typeof MASTER, more: object) => ({
  instances: { main: { existing: { host: "db.example", ca: "ca.pem", masterSecret: MASTER[name], maxConnections: 200, ...more } } },
});
const main = (change: object) => ({ instances: { main: { highAvailability: false, ...change } } });
const cluster = (name: "aws" | "gcp", change: object) => ({ section: { cluster: { ...(name === "aws" ? EKS : GKE), ...change } } });
const app = (extensions: readonly string[]) => ({ platforms: { app: { platform: "application", databases: { main: { extensions } } } } });
const mlflow = (change: object) => ({ platforms: { mlflow: change } });

describe("a mistake that was written blind", () => {
  it.each<[keyof typeof TARGETS, Readonly<Record<string, unknown>>, string]>([
    [
      "aws",
      { labels: { "Platform-Postgres/tenant": "mine" } },
      'labels.Platform-Postgres/tenant: is how this project finds the objects of a platform, got "mine"; rename it [labels-of-this-project]',
    ],
    [
      "aws",
      { labels: { "db-password": "S3cr3t" } },
      "labels.db-password: is named like a password, and anyone who lists resources can read it; remove it [labels-hold-no-secrets]",
    ],
    [
      "aws",
      app(["timescaledb"]),
      'platforms.app.databases: has an extension that RDS is not known to offer, got "timescaledb"; SHOW rds.extensions lists the extensions of an instance [aws-extensions-are-offered]',
    ],
    [
      "gcp",
      app(["pg_trmg"]),
      'platforms.app.databases: has an extension that Cloud SQL is not known to offer, got "pg_trmg"; did you mean "pg_trgm"? SELECT name FROM pg_available_extensions lists the extensions of an instance [gcp-extensions-are-offered]',
    ],
    [
      "gcp",
      app(["uuid_ossp"]),
      'platforms.app.databases.main.extensions[0]: is not the name that CREATE EXTENSION accepts, got "uuid_ossp"; write "uuid-ossp" [application-extension-names]',
    ],
    [
      "local",
      app(["pgcron"]),
      'platforms.app.databases.main.extensions[0]: is not the name that CREATE EXTENSION accepts, got "pgcron"; write "pg_cron" [application-extension-names]',
    ],
    [
      "aws",
      { acknowledge: { "kubeflow-pipeline-is-for-dev": "we know about that one" } },
      "acknowledge.kubeflow-pipeline-is-for-dev: is not a rule ID; docs/reference/rules.md lists them; remove it, or correct it",
    ],
    [
      "local",
      existing("local", { masterSecret: "$" + "{MASTER}" }),
      "instances.main.existing.masterSecret: contains a variable, which nothing expands, got a string that may contain a password or a key; write it out, or read process.env in the file [existing-secret-is-written-out]",
    ],
    [
      "local",
      existing("local", { ca: "$CA_FILE" }),
      'instances.main.existing.ca: contains a variable, which nothing expands, got "$CA_FILE"; write the CA certificate [existing-ca-has-certificates-only]',
    ],
    [
      "aws",
      { section: { certificateAuthorities: "{{ bundle }}" } },
      "aws.certificateAuthorities: contains a variable, which nothing expands, got \"{{ bundle }}\"; save the region's bundle next to the environment's file, and write its file name [aws-authorities-have-certificates-only]",
    ],
    [
      "aws",
      { section: { account: "111122223333", kmsKey: "arn:aws:kms:eu-central-1:999988887777:key/0a1b2c3d" } },
      "aws.kmsKey: belongs to account 999988887777, and its policy must allow account 111122223333 to use it; correct the mistyped account, or add such a policy there [aws-things-are-in-the-account]",
    ],
    [
      "aws",
      { name: "ml-prod", ...main({ deletionProtection: false }) },
      "instances.main.deletionProtection: lets a deployment delete a database of an environment named ml-prod, got false; leave it out, unless you are about to remove it [production-is-protected]",
    ],
    [
      "local",
      mlflow({ images: { mlflow: "ghcr.io/mlflow/mlflow:v3.15.1" } }),
      'platforms.mlflow.images.mlflow: has no PostgreSQL driver, got "ghcr.io/mlflow/mlflow:v3.15.1"; write ghcr.io/mlflow/mlflow:v3.15.1-full, which exists since 3.9.0 [mlflow-image-has-a-driver]',
    ],
    ...[
      [
        { resources: { limits: { memory: "512m" } } },
        "resources.limits.memory: is counted in bytes, and m means a thousandth of a byte; write the unit, such as 512Mi [mlflow-resources-have-their-unit]",
      ],
      [
        { resources: { requests: { cpu: "500" } } },
        "resources.requests.cpu: requests 500 cores; write millicores, such as 500m [mlflow-resources-have-their-unit]",
      ],
      [
        { tolerations: [{ key: "gpu", operator: "Equals" }] },
        "tolerations[0].operator: must be one of Exists, Equal, Lt, Gt; case matters [mlflow-values-fit-kubernetes]",
      ],
      [
        { tolerations: [{ key: "gpu", effect: "NoScheduling" }] },
        "tolerations[0].effect: must be one of NoSchedule, PreferNoSchedule, NoExecute; case matters [mlflow-values-fit-kubernetes]",
      ],
      [
        { tolerations: [{ key: "gpu", value: true }] },
        'tolerations[0].value: must be a string; write it in quotes: "true" [mlflow-labels-are-texts]',
      ],
      [
        {
          extraVolumes: [
            { name: "a", emptyDir: {} },
            { name: "a", emptyDir: {} },
          ],
        },
        "extraVolumes[1].name: appears twice in the list; remove one of the two [mlflow-values-fit-kubernetes]",
      ],
      ...["https://mlflow.acme.example", "mlflow.acme.example:443", "MLflow.acme.example", "10.1.2.3", "mlflow.$" + "{DOMAIN}"].map(
        (host): [object, string] => [
          { ingress: { enabled: true, hosts: [{ host, paths: [] }], tls: [{ hosts: [], secretName: "tls" }] } },
          "ingress.hosts[0].host: must be a DNS name in lower case, without a scheme, port or path; write a name such as ml.example.com or *.example.com [mlflow-values-fit-kubernetes]",
        ],
      ),
    ].map(([values, message]): ["local", Readonly<Record<string, unknown>>, string] => [
      "local",
      mlflow({ values }),
      `platforms.mlflow.values.${message}`,
    ]),
    [
      "gcp",
      { labels: { "goog-managed": "yes" } },
      'labels.goog-managed: begins with goog, which Google\'s own labels use, got "yes"; rename it [gcp-labels-are-not-googles]',
    ],
    [
      "aws",
      existing("aws", { host: "10.20.3.4", ca: null }),
      'instances.main.existing.host: is an address, but an RDS certificate contains only the endpoint\'s name, got "10.20.3.4"; write the endpoint (*.rds.amazonaws.com), or, for a server outside RDS, write its CA into existing.ca [aws-existing-has-no-address]',
    ],
    [
      "aws",
      existing("aws", { ca: null }),
      'instances.main.existing.host: is not an RDS endpoint, but an RDS certificate contains only the endpoint\'s name, got "db.example"; write the endpoint (*.rds.amazonaws.com), or, for a server outside RDS, write its CA into existing.ca [aws-existing-has-a-name-of-rds]',
    ],
    [
      "gcp",
      existing("gcp", { host: "10.87.0.3" }),
      'instances.main.existing.host: is an address, which the server\'s certificate must contain; no Cloud SQL certificate does, got "10.87.0.3"; if it is a Cloud SQL instance, write its connection name into gcp.existingConnections.main [gcp-existing-address-is-in-a-certificate]',
    ],
    ...(["aws", "gcp", "local"] as const).map((name): [keyof typeof TARGETS, Readonly<Record<string, unknown>>, string] => [
      name,
      existing(name, { port: 6432 }),
      "instances.main.existing.port: is PgBouncer's port, but provisioning and migrations need whole sessions, got 6432; name the server [existing-is-not-a-pooler]",
    ]),
    [
      "aws",
      main({ allowedSources: ["10.1.0.0/16", "10.2.0.0/16", "10.1.0.0/16"] }),
      'instances.main.allowedSources[2]: appears twice, got "10.1.0.0/16"; remove it, or name the network that you meant [sources-are-named-once]',
    ],
    [
      "gcp",
      main({ storageGib: 10, maxStorageGib: null }),
      "instances.main.maxStorageGib: prevents a disk of 10 GiB from growing, and the server stops when the disk is full, got null; leave it out, or set a ceiling above storageGib [gcp-small-disks-may-grow]",
    ],
    [
      "aws",
      cluster("aws", { installReloader: true, reloaderVersion: "0.0.50" }),
      'aws.cluster.reloaderVersion: must be 0.0.72 or newer, the first with rbac.authorization.k8s.io/v1, got "0.0.50" [aws-reloader-fits-kubernetes]',
    ],
    [
      "gcp",
      cluster("gcp", { installReloader: true, reloaderVersion: "0.0.50" }),
      'gcp.cluster.reloaderVersion: must be 0.0.72 or newer, the first with rbac.authorization.k8s.io/v1, got "0.0.50" [gcp-reloader-fits-kubernetes]',
    ],
    [
      "gcp",
      { section: { privateServicesAccess: { create: false, prefixLength: 16 } } },
      "gcp.privateServicesAccess.prefixLength: has no effect with create: false, got 16 [gcp-settings-have-an-effect]",
    ],
    [
      "local",
      { platforms: { prefect: { values: { ingress: { enabled: true, host: { hostname: "prefect.acme.example" } } } } } },
      "platforms.prefect.values.ingress.enabled: needs server.uiConfig.prefectUiApiUrl, because the pages call http://localhost:4200/api; write the ingress's URL there, such as https://prefect.example.com/api [prefect-ui-knows-its-address]",
    ],
    [
      "local",
      mlflow({ values: { ingress: { enabled: true, hosts: [{ host: "mlflow.acme.example", paths: [] }] } } }),
      'platforms.mlflow.values.ingress.hosts[0].host: is assumed to use http without ingress.tls, so pages on https get 403, got "mlflow.acme.example"; write it into platforms.mlflow.hosts [mlflow-knows-its-ingress]',
    ],
    [
      "gcp",
      { ...cluster("gcp", { serviceAccounts: "google" }), ...mlflow({ values: { serviceAccount: { annotations: { a: "b" } } } }) },
      "platforms.mlflow.values.serviceAccount.annotations: has no effect, because the pods run as mlflow-db-client, which the chart does not create; grant mlflow-db-client the permissions that the pods need, or set platforms.mlflow.serviceAccount to your annotated service account [service-account-annotations-have-an-effect]",
    ],
    [
      "aws",
      mlflow({ serviceAccount: "mine", values: { serviceAccount: { annotations: { a: "b" } } } }),
      "platforms.mlflow.values.serviceAccount.annotations: has no effect, because the pods run as mine, which the chart does not create; annotate it yourself [service-account-annotations-have-an-effect]",
    ],
  ])("on %s: %j", (name, change, message) => {
    expect(said(name, change)).toEqual([message]);
  });

  it.each<[keyof typeof TARGETS, Readonly<Record<string, unknown>>]>([
    ["aws", app(["uuid-ossp", "aws_s3", "pg_partman", "postgis"])],
    ["gcp", app(["google_ml_integration", "vector"])],
    ["local", app(["timescaledb"])],
    ["aws", { name: "staging", ...main({ deletionProtection: false }) }],
    ["local", mlflow({ images: { mlflow: "ghcr.io/mlflow/mlflow:v3.15.1-full" } })],
    ["local", mlflow({ values: { resources: { requests: { cpu: "0.5", memory: "512Mi" }, limits: { cpu: "96", memory: "2G" } } } })],
    ["local", mlflow({ values: { tolerations: [{ key: "gpu", operator: "Exists", effect: "NoSchedule" }] } })],
    [
      "local",
      mlflow({
        values: {
          extraVolumes: [
            { name: "a", emptyDir: {} },
            { name: "b", emptyDir: {} },
          ],
        },
      }),
    ],
    [
      "local",
      mlflow({
        values: { ingress: { enabled: true, hosts: [{ host: "*.acme.example", paths: [] }], tls: [{ hosts: [], secretName: "tls" }] } },
      }),
    ],
    [
      "aws",
      {
        acknowledge: {
          "gcp-network-lets-in": "for the other cloud",
          "local-shows-one-server": "one server is enough",
          "acme-owners": "a rule of our team",
        },
      },
    ],
    ["aws", { labels: { "secret-rotation": "monthly", "has-secret": "true" } }],
    ["aws", existing("aws", { ca: null, host: "ml.a1b2.eu-central-1.rds.amazonaws.com", port: 5433 })],
    ["gcp", { ...existing("gcp", { host: "10.87.0.3" }), section: { existingConnections: { main: "my-project:europe-west4:db" } } }],
    ["gcp", existing("gcp", { host: "db.example.internal" })],
    ["gcp", main({ storageGib: 100, maxStorageGib: null })],
    ["gcp", main({ storageGib: 10 })],
    ["gcp", cluster("gcp", { installReloader: true, reloaderVersion: "1.0.72" })],
    ["aws", mlflow({ values: { serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/a" } } } })],
    [
      "local",
      mlflow({
        hosts: ["mlflow.acme.example"],
        values: { ingress: { enabled: true, hosts: [{ host: "mlflow.acme.example", paths: [] }] } },
      }),
    ],
  ])("but is not on %s: %j", (name, change) => {
    expect(said(name, change)).toEqual([]);
  });
});
