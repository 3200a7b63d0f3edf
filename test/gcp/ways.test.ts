import { describe, expect, it } from "vitest";
import { gcp } from "../../constructs/gcp/target";
import { formatViolation } from "../../constructs/model/errors";
import { existingGcp, minimalGcp, resolveGcp, withGcp } from "../fixtures/gcp";
import { refusal } from "../fixtures/specs";

const refused = (spec: unknown): string => refusal(spec, gcp as never).replace("invalid spec:\n", "");
const accessOf = (spec: unknown) => {
  const { platforms } = resolveGcp(spec as never);
  return Object.fromEntries(Object.entries(platforms).map(([name, platform]) => [name, `${platform?.access} ${platform?.tls}`]));
};

describe("ways of access on Google Cloud", () => {
  const all = {
    ...minimalGcp,
    acknowledge: { "kubeflow-pipelines-is-for-development": "it is a test" },
    platforms: {
      flyte: { chart: "flyte-core" as const },
      mlflow: {},
      prefect: { redisHost: "redis.example", replicas: 2 },
      skillflaw: {},
      "kubeflow-pipelines": { images: { "api-server": "example.com/api:1", "cache-server": "example.com/cache:1" } },
    },
  };

  it("are the Auth Proxy beside pods where it starts before migrations, and else TLS that verifies the authority", () => {
    expect(accessOf(all)).toEqual({
      flyte: "direct verify-ca",
      mlflow: "sidecar proxy",
      prefect: "direct verify-ca",
      skillflaw: "sidecar proxy",
      "kubeflow-pipelines": "sidecar proxy",
    });
  });

  it("verify the name, too, where the certificate carries it", () => {
    const pool = { serverCaPool: "projects/my-project/locations/europe-west4/caPools/db" };
    expect(accessOf(withGcp(all, pool))).toMatchObject({ flyte: "direct verify-full", prefect: "direct verify-full" });
    expect(accessOf(existingGcp)).toEqual({ mlflow: "direct verify-full" });
  });

  it("are direct to any database that is not on Cloud SQL, and a proxy is refused there", () => {
    expect(refused({ ...existingGcp, platforms: { mlflow: { access: "sidecar" } } })).toBe(
      '  - platforms.mlflow.access: needs a Cloud SQL instance, which the Auth Proxy connects to, got "sidecar"; use "direct", or write its connection name into gcp.existingConnections',
    );
    const connected = withGcp(existingGcp, { existingConnections: { main: "my-project:europe-west4:db" } });
    expect(accessOf(connected)).toEqual({ mlflow: "sidecar proxy" });
    const direct = { ...connected, platforms: { mlflow: { access: "direct" as const } } };
    expect(accessOf(direct)).toEqual({ mlflow: "direct verify-ca" });
    const pool = { serverCaPool: "projects/my-project/locations/europe-west4/caPools/db" };
    expect(accessOf(withGcp(direct, pool))).toEqual({ mlflow: "direct verify-ca" });
  });

  it("with one proxy for all pods come with a warning about the plain-text hop", () => {
    const { warnings } = resolveGcp({ ...minimalGcp, platforms: { mlflow: { access: "proxy" } } });
    expect(warnings.map(formatViolation)).toEqual([
      'platforms.mlflow.access: sends passwords and data in plain text from each pod to the proxy\'s pods within the cluster, got "proxy"; use "auto" or "sidecar", which stay on loopback, or "direct", which uses TLS to the server',
    ]);
  });
});
