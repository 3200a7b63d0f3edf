import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { formatViolation } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import { emptyWith, given, refusal, resolveHere } from "../fixtures/specs";

/** Without what Flyte's rights are warned about, and an instance of one machine. */
const warningsOf = (change: object): readonly string[] =>
  resolveHere(emptyWith({ instances: { main: { highAvailability: false } }, ...change }))
    .warnings.filter(({ id }) => id !== "flyte-rights-in-every-namespace")
    .map(formatViolation);

const REDIS = "redis.example.internal";
const NEEDS = "is used only with redisHost";
const SET = "set redisHost, or remove it";
const HIDDEN = "a string that may contain a password or a key";

describe("a setting of a platform without effect", () => {
  it.each([
    [{ prefect: { redisPort: 6380 } }, `prefect.redisPort: ${NEEDS}, got 6380; ${SET} [prefect-redis-settings-need-redis]`],
    [{ skillflaw: { redisPort: 6380 } }, `skillflaw.redisPort: ${NEEDS}, got 6380; ${SET} [skillflaw-redis-settings-need-redis]`],
    [{ prefect: { redisSecret: "redis" } }, `prefect.redisSecret: ${NEEDS}, got ${HIDDEN}; ${SET} [prefect-redis-settings-need-redis]`],
    [
      { flyte: { chart: "flyte-core", images: { flytescheduler: "cr.flyte.org/flyteorg/flytescheduler-release:v1.16.8" } } },
      'flyte.images.flytescheduler: is used only with scheduler, got "cr.flyte.org/flyteorg/flytescheduler-release:v1.16.8"; set scheduler, or remove it [flyte-scheduler-image-needs-the-scheduler]',
    ],
  ])("is refused: %j", (platforms, message) => {
    expect(refusal(emptyWith({ platforms }))).toBe(`invalid spec:\n  - platforms.${message}`);
  });

  const mlflow = { readFromReplica: true };
  const ID = "[reading-from-a-replica-needs-one]";

  it("is warned about if it is a replica that the instance does not have", () => {
    expect(warningsOf({ platforms: { mlflow } })).toEqual([
      `platforms.mlflow.readFromReplica: has no effect, because main has no read replica, got true; set instances.main.readReplicas, or remove it ${ID}`,
    ]);
    expect(
      warningsOf({ platforms: { mlflow }, instances: { main: { existing: { host: "db", masterSecret: "master", ca: "ca.pem" } } } }),
    ).toContain(`platforms.mlflow.readFromReplica: has no effect, because main has no read replica, got true; remove it ${ID}`);
  });

  it("is not a replica that is there", () => {
    const warnings = warningsOf({ platforms: { mlflow }, instances: { main: { highAvailability: false, readReplicas: 1 } } });
    expect(warnings.filter((each) => each.includes(ID))).toEqual([]);
  });

  it.each([
    { prefect: { redisHost: REDIS, redisPort: 6380, redisSecret: "redis" } },
    { prefect: { redisPort: 6379 } },
    { flyte: { chart: "flyte-core", scheduler: true, images: { flytescheduler: "registry.example/flytescheduler:v1.16.8" } } },
    { mlflow: {} },
  ])("is not %j", (platforms) => {
    expect(warningsOf({ platforms, instances: { main: { highAvailability: false, parameters: { max_connections: 400 } } } })).toEqual([]);
  });
});

describe("the host of a Redis", () => {
  const FORM = "must be a DNS name or an IPv4 address, without a scheme or port (use redisPort)";

  it.each([
    "-",
    ".",
    "redis..example",
    "-redis",
    "redis:6380",
    "redis_1.example",
    "6379",
    "10.0.0.256",
    "redis.10",
    "",
    `${"a".repeat(64)}.example`,
  ])("may not be %j", (redisHost) => {
    const got = JSON.stringify(redisHost).length > 60 ? `${JSON.stringify(redisHost).slice(0, 57)}...` : JSON.stringify(redisHost);
    expect(refusal(emptyWith({ platforms: { prefect: { redisHost } } }))).toBe(
      `invalid spec:\n  - platforms.prefect.redisHost: ${FORM}, got ${got}`,
    );
  });

  it("shows no login of a URL", () => {
    expect(refusal(emptyWith({ platforms: { prefect: { redisHost: "redis://:hunter2@redis.example:6379/0" } } }))).toBe(
      `invalid spec:\n  - platforms.prefect.redisHost: ${FORM}, got ${HIDDEN}`,
    );
  });

  it.each([
    ["prefect", "localhost"],
    ["prefect", "LOCALHOST."],
    ["prefect", "127.0.0.1"],
    ["skillflaw", "redis.localhost"],
    ["skillflaw", "0.0.0.0"],
  ])("of %s may not be the pod itself: %s", (kind, redisHost) => {
    expect(refusal(emptyWith({ platforms: { [kind]: { redisHost } } }))).toBe(
      `invalid spec:\n  - platforms.${kind}.redisHost: means the pod itself, where no Redis listens, got "${redisHost}"; name the Service of the Redis, or its DNS name [${kind}-redis-is-elsewhere]`,
    );
  });

  it.each([
    "redis",
    "redis.redis.svc.cluster.local.",
    "10.0.0.5",
    "master.ml-redis.abc123.euc1.cache.amazonaws.com",
    "localhost.example.com",
  ])("may be %s", (redisHost) => {
    expect(warningsOf({ platforms: { prefect: { redisHost } } })).toEqual([]);
  });
});

describe("the lifetime of Flyte's connections", () => {
  const LIFE = "use 30m, or Flyte's own default of 1h [flyte-connections-last-minutes]";

  it.each([
    ["1s", `reopens every connection within a minute, got "1s"; ${LIFE}`],
    ["59s", `reopens every connection within a minute, got "59s"; ${LIFE}`],
    ["25h", `keeps connections for longer than a day, got "25h"; ${LIFE}`],
    ["999999h", `keeps connections for longer than a day, got "999999h"; ${LIFE}`],
  ])("is warned about: %s", (connMaxLifeTime, message) => {
    expect(warningsOf({ platforms: { flyte: { connMaxLifeTime } } })).toEqual([`platforms.flyte.connMaxLifeTime: ${message}`]);
  });

  it.each(["60s", "1m", "30m", "1h", "1440m", "24h"])("may be %s", (connMaxLifeTime) => {
    expect(warningsOf({ platforms: { flyte: { connMaxLifeTime } } })).toEqual([]);
  });

  it.each(["0", "0s", "-1m", "30", "1d", "1.5h", "9999999h"])("may not be %s", (connMaxLifeTime) => {
    expect(refusal(emptyWith({ platforms: { flyte: { connMaxLifeTime } } }))).toBe(
      `invalid spec:\n  - platforms.flyte.connMaxLifeTime: must be a duration such as 30m, got "${connMaxLifeTime}"`,
    );
  });
});

describe("MLflow", () => {
  const OFF = "disables a check that prevents other sites' pages from using MLflow through a visitor's browser";
  const ID = "list them one by one [mlflow-knows-its-hosts-and-origins]";

  it.each([
    [{ hosts: ["*"] }, `hosts[0]: ${OFF}, got "*"; ${ID}`],
    [{ hosts: ["mlflow.example.com", "*:8080"] }, `hosts[1]: ${OFF}, got "*:8080"; ${ID}`],
    [{ hosts: ["*.com"] }, `hosts[0]: ${OFF}, got "*.com"; ${ID}`],
    [{ hosts: ["mlflow.*"] }, `hosts[0]: ${OFF}, got "mlflow.*"; ${ID}`],
    [{ origins: ["*"] }, `origins[0]: ${OFF}, got "*"; ${ID}`],
  ])("is warned about: %j", (mlflow, message) => {
    expect(warningsOf({ platforms: { mlflow } })).toEqual([`platforms.mlflow.${message}`]);
  });

  it.each([
    { hosts: ["*.example.com", "*.internal", "*.ml.svc.cluster.local:*", "10.*", "192.168.1.*", "100.64.*"] },
    { origins: ["https://portal.example.com:8443"] },
    { values: { extraFlags: ["enableWorkspaces"] } },
    { values: { extraFlags: ["dev"], log: { enabled: false } } },
  ])("takes %j", (mlflow) => {
    expect(warningsOf({ platforms: { mlflow } })).toEqual([]);
  });

  const DEV =
    "is for development, and MLflow does not start with both it and --uvicorn-opts, which the chart sets; remove it; set values.log.level to change how much is logged [mlflow-is-not-in-development-mode]";

  it.each([
    [
      { hosts: ["mlflow.example.com:65536"] },
      'hosts[0]: must be a host in lower case, such as mlflow.example.com or *.example.com:8443, without scheme and path, got "mlflow.example.com:65536"',
    ],
    [
      { origins: ["https://mlflow.example.com:70000"] },
      'origins[0]: must be an origin in lower case without wildcards, such as https://portal.example.com, or * for every site, got "https://mlflow.example.com:70000"',
    ],
    [{ values: { extraFlags: ["dev"] } }, `values.extraFlags[0]: ${DEV}`],
    [{ values: { extraArgs: { dev: "true" } } }, `values.extraArgs.dev: ${DEV}`],
  ])("does not take %j", (mlflow, message) => {
    expect(refusal(emptyWith({ platforms: { mlflow } }))).toBe(`invalid spec:\n  - platforms.mlflow.${message}`);
  });
});

describe("a service account or namespace of a platform", () => {
  const SHARED =
    'platforms.prefect.serviceAccount: is also the service account of mlflow, so each of the two gets the other\'s permissions, got "x"; name another one [service-account-of-one-platform]';
  const two = (namespaces: readonly [string, string]) => ({
    mlflow: { namespace: namespaces[0], serviceAccount: "x" },
    prefect: { namespace: namespaces[1], serviceAccount: "x" },
  });
  const GCP = { project: "my-project", projectNumber: "123456789012", region: "europe-west4", network: "default" };
  const ZONES = ["eu-central-1a", "eu-central-1b"];
  const privateSubnets = ZONES.map((zone, index) => ({ id: `subnet-0123456789abcdef${index}`, zone }));
  const AWS = { region: "eu-central-1", network: { vpc: "vpc-0123456789abcdef0", privateSubnets } };

  it.each([
    ["local", local, {}],
    ["aws", aws, { aws: AWS }],
    ["gcp", gcp, { gcp: GCP }],
  ] as const)("is not shared on %s", (_name, target, section) => {
    const warnings = (namespaces: readonly [string, string]) =>
      resolveUnknown(emptyWith({ platforms: two(namespaces), ...section }), { ...given, target: target as never })
        .warnings.filter(({ path }) => path.endsWith(".serviceAccount"))
        .map(formatViolation);
    expect(warnings(["ml", "ml"])).toEqual([SHARED]);
    expect(warnings(["ml", "flows"])).toEqual([]);
  });

  it("is not one that another platform's chart names", () => {
    const flyte = { chart: "flyte-core", namespace: "ml" };
    expect(warningsOf({ platforms: { mlflow: { namespace: "ml", serviceAccount: "flyteadmin" }, flyte } })).toEqual([
      'platforms.mlflow.serviceAccount: is also the service account of flyte, so each of the two gets the other\'s permissions, got "flyteadmin"; name another one [service-account-of-one-platform]',
    ]);
  });

  it.each([
    [
      { serviceAccount: "default" },
      'serviceAccount: is the service account of every pod in the namespace that names no other, got "default"; name another one, or leave it out [service-account-is-not-default]',
    ],
    [
      { namespace: "default" },
      'namespace: is where objects without a namespace are created, next to the platform\'s Secret, got "default"; name another one, or leave it out [namespace-is-not-default]',
    ],
  ])("is warned about: %j", (prefect, message) => {
    expect(warningsOf({ platforms: { prefect } })).toEqual([`platforms.prefect.${message}`]);
  });

  it.each(["kube-system", "kube-public", "kube-node-lease", "kube-flows"])("is not of Kubernetes: %s", (namespace) => {
    expect(refusal(emptyWith({ platforms: { prefect: { namespace } } }))).toBe(
      `invalid spec:\n  - platforms.prefect.namespace: must not begin with kube-, which Kubernetes reserves, got "${namespace}"; choose another namespace`,
    );
  });
});
