import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { isObject, type JsonObject } from "../../constructs/model/json";
import { resolveUnknown } from "../../constructs/model/resolve";
import { toPlatformFiles, toProcessFiles } from "../../infra/output";
import { type ContractCase, DIRECT, platformOf, refusal, settingsOf, wire } from "../contract/case";
import { cases } from "../fixtures/cases";

const flyte = cases.find((each) => each.title === "Flyte 2") as ContractCase;
const withSettings = (settings: JsonObject): ContractCase => ({ ...flyte, settings });
const at = (values: JsonObject, path: string): unknown =>
  path.split(".").reduce<unknown>((inner, key) => (isObject(inner) ? (inner as JsonObject)[key] : undefined), values);
const valuesOf = (settings: JsonObject): JsonObject => {
  const { release } = wire(withSettings(settings), DIRECT).wiring;
  return release.kind === "helm" ? release.values : {};
};

describe("Flyte", () => {
  it("is warned of by the service account of its release, whose roles reach every namespace", () => {
    const { warnings } = resolveUnknown(
      { name: "it", instances: { main: {} }, platforms: { flyte: { release: "workflows" } } },
      { target: local, platforms: flyte.platforms },
    );
    expect(warnings.map(({ rule }) => rule).join("\n")).toContain(
      "lets service account workflows read Secrets and start pods in every namespace, including those of other platforms",
    );
  });

  it.each([
    [{}, "binary of Flyte 2", { main: "flyte" }, 11],
    [{ chartVersion: "v1.16.8" }, "binary of Flyte 1", { main: "flyteadmin" }, 51],
    [{ chart: "flyte-core" }, "services of Flyte 1", { admin: "flyteadmin", catalog: "datacatalog" }, 80],
    [
      { chart: "flyte-core", scheduler: true, replicas: 2 },
      "services of Flyte 1 with scheduler and replicas",
      { admin: "flyteadmin", catalog: "datacatalog" },
      160,
    ],
  ])("chosen by %o is the %s, with its databases and connections", (settings, _edition, databases, peak) => {
    const { connection } = wire(withSettings(settings), DIRECT);
    expect(connection.databases).toEqual(databases);
    const demands = platformOf(flyte).connections(settingsOf(withSettings(settings)));
    const sum = demands.reduce(
      (total, { pool, processes, replicas, overlaps, migration }) => total + pool * processes * replicas * (overlaps ? 2 : 1) + migration,
      0,
    );
    expect(sum).toBe(peak);
  });

  it("reports a template in a variable's name once", () => {
    const values = { flyteadmin: { env: [{ name: "{{ .Release.Name }}", value: "x" }] } };
    expect(refusal(flyte, { chart: "flyte-core", values }).match(/platforms\.flyte\.values/g)).toHaveLength(1);
  });

  it("without a choice is the newest verified binary", () => {
    expect(settingsOf(flyte)).toMatchObject({ chart: "flyte-binary", chartVersion: "v2.0.42" });
  });

  it("behind a pooler in transaction mode stops preparing statements, and Flyte 2 is refused there", () => {
    const options = at(valuesOf({ chartVersion: "v1.16.8", transactionPooling: true }), "configuration.database.options");
    expect(options).toBe(
      "sslmode=verify-full sslrootcert=/etc/platform-postgres/ca.pem connect_timeout=10 default_query_exec_mode=simple_protocol",
    );
    expect(refusal(flyte, { transactionPooling: true })).toBe(
      "invalid spec:\n  - platforms.flyte.transactionPooling: must be false with Flyte 2, which loses its notifications behind such a pooler, got true; connect directly, or use a pooler in session mode [flyte-2-needs-sessions]",
    );
  });

  it.each([
    ["v2.0.22", "v2.0.42"],
    ["v2.0.023", "v2.0.42"],
    ["2.0.42", "v2.0.42"],
    ["v1.15.9", "v1.16.8"],
  ])("refuses %s, whose keys are others, or which is no version of the chart", (chartVersion, newest) => {
    expect(refusal(flyte, { chartVersion })).toBe(
      `invalid spec:\n  - platforms.flyte.chartVersion: must be v2.0.24 or newer, or v1.16.0 or newer 1.x, with its leading v, got "${chartVersion}"; use ${newest}, the newest verified [flyte-chart-supported]`,
    );
  });

  it("takes images apart where the charts join them", () => {
    const images = {
      flyte: "registry.example:5000/flyte:2.1",
      "wait-for-db": `registry.example:5000/postgres@sha256:${"a".repeat(64)}`,
    };
    const values = valuesOf({ images });
    expect(at(values, "deployment.image")).toEqual({ repository: "registry.example:5000/flyte", tag: "2.1" });
    expect(at(values, "deployment.waitForDB.image")).toEqual({ repository: "registry.example:5000/postgres@sha256", tag: "a".repeat(64) });
    // The chart's own is `latest`.
    expect(at(values, "console.image.repository")).toBe("ghcr.io/unionai-oss/flyteconsole-v2@sha256");
    expect(at(values, "console.image.tag")).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    [{}, "aws", "s3, azure, gcs"],
    [{ chartVersion: "v1.16.8" }, "azure", "s3, gcs"],
  ])("knows the stores of its chart: %j", (settings, provider, known) => {
    const values = { configuration: { storage: { provider } } };
    expect(refusal(flyte, { ...settings, values })).toBe(
      `invalid spec:\n  - platforms.flyte.values.configuration.storage.provider: must be one of ${known}; case matters [flyte-storage-has-a-provider]`,
    );
  });

  it("says in its README where the CA is, which flyte-core takes from the Secret", () => {
    const tls = (settings: JsonObject): string | undefined => {
      const from = { objects: [], secretFile: "secret.yaml", caution: null };
      const files = toPlatformFiles("flyte", wire(withSettings(settings), DIRECT), from);
      return files
        .find(({ path }) => path === "flyte/README.txt")
        ?.content.split("\n")
        .find((line) => line.startsWith("TLS "));
    };
    expect(tls({})).toBe("TLS        verify-full, CA in ConfigMap flyte-db-ca, mounted at /etc/platform-postgres");
    expect(tls({ chart: "flyte-core" })).toBe("TLS        verify-full, CA in Secret flyte-db (ca.pem)");
  });

  it("keeps its password file to its owner", () => {
    const values = { credential: { username: "u", password: "p" }, secret: {}, caFile: "/out/ca.pem", directory: "/out/flyte" };
    const written = toProcessFiles("flyte", wire(flyte, DIRECT).wiring, values);
    expect(written.map(({ path, secret }) => [path, secret])).toEqual([
      ["flyte/config.yaml", false],
      ["flyte/pass.txt", true],
    ]);
  });

  it("knows what its image expects of the schema, but not what another image does", () => {
    const expected = (settings: JsonObject) => platformOf(flyte).revisions(settingsOf(withSettings(settings)))[0]?.expected;
    expect(expected({})).toBe("runs/20260722100000_add_actions_paused_idx");
    expect(expected({ images: { flyte: "registry.example/flyte:2.1" } })).toBeNull();
  });
});
