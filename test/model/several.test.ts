import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { mapValues } from "../../constructs/model/json";
import { NAME } from "../../constructs/model/names";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { minimal, refusal } from "../fixtures/specs";

const withPlatforms = (its: object, instances: object = { main: {} }): unknown => ({ ...minimal, instances, platforms: its });
const resolved = (its: object, instances?: object) => resolveUnknown(withPlatforms(its, instances), { target: local, platforms });
const databasesOf = (its: object) => mapValues(resolved(its).platforms, (platform) => platform?.databases);

const RESEARCH = { mlflow: {}, "mlflow-research": { platform: "mlflow", workers: 1, replicas: 2 } };

const kinds = Object.keys(platforms).sort();

describe("a platform by a name of the user's", () => {
  it("has the settings of its kind, and different names", () => {
    const environment = resolved(RESEARCH);
    expect(mapValues(environment.platforms, (platform) => platform?.kind)).toEqual({ mlflow: "mlflow", "mlflow-research": "mlflow" });
    expect(environment.platforms["mlflow-research"]?.settings).toMatchObject({
      platform: "mlflow",
      workers: 1,
      namespace: "mlflow-research",
      release: "mlflow-research",
    });
    expect(environment.instances.main?.tenants["mlflow-research"]).toMatchObject({
      owner: "mlflow_research_owner",
      logins: [{ name: "mlflow_research_a" }, { name: "mlflow_research_b" }],
      databases: [{ name: "mlflow_research", extensions: [] }],
      secret: "test--mlflow-research",
    });
  });

  it("resolves to what resolves to the same", () => {
    const environment = resolved(RESEARCH);
    expect(resolveUnknown(environment.spec, { target: local, platforms })).toEqual(environment);
  });

  it("may be the name of another kind, if platform is written", () => {
    expect(resolved({ prefect: { platform: "mlflow", workers: 3 } }).platforms.prefect).toMatchObject({
      kind: "mlflow",
      databases: { main: "prefect" },
    });
    expect(refusal(withPlatforms({ prefect: { workers: 3 } }))).toContain("platforms.prefect.workers: unknown key");
  });

  it.each([
    [
      { research: {} },
      `platforms.research: unknown platform; add platform: "application" for any other program, or one of ${kinds
        .filter((kind) => kind !== "application")
        .map((kind) => `"${kind}"`)
        .join(", ")}`,
    ],
    [{ research: { platfrom: "mlflow" } }, 'platforms.research: unknown platform; write platform: "mlflow" in place of platfrom'],
    [{ mlflow: { namespace: "kube-system" } }, "platforms.mlflow.namespace: must not begin with kube-, which Kubernetes reserves"],
    [{ postgres: { platform: "application" } }, "write another name in platforms.postgres.databases"],
    [{ "mlflow-research": {} }, 'platforms.mlflow-research: unknown platform; add platform: "mlflow"'],
    [{ mlflw: {} }, 'platforms.mlflw: unknown platform; did you mean "mlflow"?'],
    [{ research: { platform: "mlflw" } }, 'platforms.research.platform: must name a platform, got "mlflw"; did you mean "mlflow"?'],
    [{ research: { platform: 7 } }, "platforms.research.platform: must name a platform, got 7"],
    [
      { mlflow: { platform: null } },
      `platforms.mlflow.platform: must name a platform, got null; known are ${kinds.slice(0, 2).join(", ")}`,
    ],
    [{ research: { kind: "mlflow" } }, "platforms.research: unknown platform"],
    [{ mlflow: { kind: "mlflow" } }, "platforms.mlflow.kind: unknown key; use platform"],
    [{ Research: { platform: "mlflow" } }, "platforms.Research: name must be 1 to 30 of a-z"],
    [{ "a--b": { platform: "mlflow" } }, "platforms.a--b: name must be 1 to 30 of a-z"],
    [
      { "pg-tools": { platform: "application" } },
      "platforms.pg-tools: name must not be pg or begin with pg-, because PostgreSQL reserves roles that begin with pg_",
    ],
    [
      { "kube-system": { platform: "application" } },
      "platforms.kube-system.namespace: must not begin with kube-, which Kubernetes reserves",
    ],
    [{ postgres: { platform: "application" } }, "platforms.postgres: must not use a database that belongs to PostgreSQL or a cloud"],
  ])("is refused in %j", (its, message) => {
    expect(refusal(withPlatforms(its))).toContain(message);
  });

  it("has its settings checked by the rules of its kind, at its own path", () => {
    expect(refusal(withPlatforms({ team: { platform: "prefect", replicas: 2 } }))).toContain(
      "platforms.team.replicas: must be 1 without redisHost",
    );
    expect(refusal(withPlatforms({ team: { platform: "prefect", values: { sqlite: { enabled: true } } } }))).toContain(
      "platforms.team.values.sqlite.enabled: is set by the wiring",
    );
  });

  it("is refused beside another of its kind where a cluster cannot have two, until that is acknowledged", () => {
    const its = { flyte: {}, "flyte-eu": { platform: "flyte" } };
    expect(refusal(withPlatforms(its))).toContain(
      "platforms.flyte-eu: cannot share a cluster with flyte, because each handles the runs of all namespaces",
    );
    const acknowledge = { "flyte-once-in-a-cluster": "one cluster for each region" };
    expect(refusal({ ...(withPlatforms(its) as object), acknowledge })).toBe("accepted");
  });

  it("counts in the budget for itself", () => {
    expect(refusal(withPlatforms(RESEARCH, { main: { parameters: { max_connections: 30 } } }))).toContain("mlflow-research");
  });

  it("keeps its names apart from the objects of another release in its namespace", () => {
    const together = (release: string) => ({
      mlflow: { namespace: "ml" },
      other: { platform: "application", namespace: "ml", release },
    });
    expect(refusal(withPlatforms(together("mlflow-db")))).toContain(
      "platforms.other.release: must not begin with mlflow-db, because the objects of mlflow in namespace ml do",
    );
    expect(refusal(withPlatforms(together("mlflow-db-x")))).toContain("must not begin with mlflow-db");
    expect(refusal(withPlatforms(together("mlflow-dbx")))).toBe("accepted");
  });
});

describe("databases", () => {
  it("are the kind's where the platform is called like it, and follow from its name elsewhere", () => {
    expect(databasesOf({ flyte: { chart: "flyte-core" } })).toEqual({ flyte: { admin: "flyteadmin", catalog: "datacatalog" } });
    expect(databasesOf({ "flyte-eu": { platform: "flyte", chart: "flyte-core" } })).toEqual({
      "flyte-eu": { admin: "flyte_eu_admin", catalog: "flyte_eu_catalog" },
    });
    expect(databasesOf({ "flyte-eu": { platform: "flyte" } })).toEqual({ "flyte-eu": { main: "flyte_eu" } });
  });

  it("keep the name of the first when a second comes", () => {
    const app = (databases: object) => databasesOf({ "feature-store": { platform: "application", databases } })["feature-store"];
    expect(app({})).toEqual({ main: "feature_store" });
    expect(app({ main: {}, "vector-index": {} })).toEqual({ main: "feature_store", "vector-index": "feature_store_vector_index" });
    expect(databasesOf({ application: { databases: { main: {}, x: {} } } })).toEqual({
      application: { main: "application", x: "application_x" },
    });
  });

  it("have the names and the further extensions of the spec", () => {
    const { instances } = resolved({
      mlflow: { databases: { main: "mlflow_prod" } },
      prefect: { databases: { main: { name: "flows", extensions: ["pg_stat_statements"] } } },
    });
    expect(instances.main?.tenants.mlflow?.databases).toEqual([{ name: "mlflow_prod", extensions: [] }]);
    expect(instances.main?.tenants.prefect?.databases).toEqual([{ name: "flows", extensions: ["pg_trgm", "pg_stat_statements"] }]);
  });

  it.each([
    [{ mlflow: { databases: "ml" } }, 'platforms.mlflow.databases: must be an object, got "ml"; write { main: "ml" }'],
    [
      { application: { databases: { main: { extensions: ["pgvector"] } } } },
      'platforms.application.databases.main.extensions[0]: is not the name that CREATE EXTENSION accepts, got "pgvector"; write "vector" [application-extension-names]',
    ],
    [
      { application: { migration: { image: "http://user:hunter2@x/y", command: ["a"] } } },
      "platforms.application.migration.image: must be an image in lower case with a tag of at most 128 characters, a sha256 digest or both, such as registry.example/name:1.2.3",
    ],
    [{ mlflow: { databases: { mian: "x" } } }, 'platforms.mlflow.databases.mian: unknown key; did you mean "main"?'],
    [
      { mlflow: { databases: { main: "My-DB" } } },
      'platforms.mlflow.databases.main: must be 1 to 63 of a-z, 0-9 and _, not starting with a digit, got "My-DB"',
    ],
    [{ mlflow: { databases: { main: { extensions: "vector" } } } }, "platforms.mlflow.databases.main.extensions: must be a list"],
    [{ mlflow: { databases: { main: { owner: "x" } } } }, "platforms.mlflow.databases.main.owner: unknown key"],
    [{ mlflow: { databases: { main: "postgres" } } }, "must not use a database that belongs to PostgreSQL or a cloud"],
    [
      { flyte: { chart: "flyte-core", databases: { admin: "datacatalog" } } },
      'platforms.flyte.databases.catalog: must differ from the database of admin, got "datacatalog"',
    ],
    [
      { flyte: { chart: "flyte-core", databases: { admin: "x", catalog: "x" } } },
      'platforms.flyte.databases.catalog: must differ from the database of admin, got "x"',
    ],
    [
      { mlflow: {}, x: { platform: "mlflow", databases: { main: "mlflow" } } },
      'platforms.x: uses a database that already belongs to mlflow on the same instance, got "mlflow"; write another name in platforms.x.databases',
    ],
    [
      { application: { databases: { other: {} } } },
      "platforms.application.databases: must have a key main, whose keys in the Secret have no prefix",
    ],
    [
      { application: { databases: { main: {}, jdbc: {} } } },
      "platforms.application.databases.jdbc: would write the Secret's key jdbc-uri twice",
    ],
    [
      { application: { databases: { main: {}, a: {}, "a-jdbc": {} } } },
      "platforms.application.databases.a-jdbc: would write the Secret's key a-jdbc-uri twice",
    ],
    [{ application: { chartVersion: "1.0.0" } }, "platforms.application.chartVersion: has no effect, because Application has no chart"],
    [{ application: { values: { a: 1 } } }, "platforms.application.values: must be empty, because Application has no Helm chart"],
  ])("are refused in %j", (its, message) => {
    expect(refusal(withPlatforms(its))).toContain(message);
  });

  it("fall together for no two platforms of one environment", () => {
    const name = fc
      .stringMatching(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
      .filter((text) => NAME.pattern.test(text) && !/^(pg(-|$)|kube-)/.test(text));
    const kind = fc.constantFrom("mlflow", "prefect", "skillflaw", "application");
    void fc.assert(
      fc.property(fc.dictionary(name, kind, { maxKeys: 6, minKeys: 1 }), (its) => {
        const spec = withPlatforms(
          mapValues(its, (platform) => ({ platform, ...(platform === "application" ? { databases: { main: {}, a: {} } } : {}) })),
        );
        if (refusal(spec) !== "accepted") return;
        const { tenants = {} } = resolveUnknown(spec, { target: local, platforms }).instances.main ?? {};
        const all = Object.values(tenants).flatMap((tenant) => [
          `role ${tenant.owner}`,
          ...tenant.logins.map((login) => `role ${login.name}`),
          ...tenant.databases.map((database) => `database ${database.name}`),
          `secret ${tenant.secret}`,
        ]);
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 50 },
    );
  });
});
