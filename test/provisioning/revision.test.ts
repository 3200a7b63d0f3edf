import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServerVersion } from "../../constructs/model/platform";
import { platforms } from "../../constructs/platforms/registry";
import type { Check } from "../../constructs/provisioning/check";
import { diagnose } from "../../constructs/provisioning/doctor";
import { provision } from "../../constructs/provisioning/provision";
import local from "../fixtures/environments/local";
import { scopeOf, startServer, type TestServer } from "../fixtures/server";

const spec = { ...local, platforms: { ...local.platforms, flyte: { chartVersion: "v1.16.8" } } };
const scope = scopeOf(spec, platforms);
const VERSIONS: Readonly<Record<string, readonly ServerVersion[]>> = {
  prefect: platforms.prefect.servers({} as never)?.versions ?? [],
  mlflow: platforms.mlflow.servers({} as never)?.versions ?? [],
};
let server: TestServer;

/** What doctor says of schemas, by platform. */
async function schemas(its = scope): Promise<Readonly<Record<string, Omit<Check, "subject">>>> {
  const checks = await diagnose("main", its, { ...server.access, versions: (name) => VERSIONS[name] ?? [] }, server.stranger.certificate);
  return Object.fromEntries(
    checks.filter((check) => check.promise.startsWith("the schema of")).map(({ subject, ...said }) => [subject, said]),
  );
}

const write = (database: string, owner: string, statements: string) => server.sql(`set role ${owner}; ${statements}; reset role`, database);

describe("doctor, of migrations", () => {
  beforeAll(async () => {
    server = await startServer();
    await provision(scope, server.access);
  });
  afterAll(() => server.stop());

  it("says that a new database waits for its platform, which is no problem", async () => {
    expect(Object.entries(await schemas())).toEqual(
      [
        ["flyte", "flyteadmin"],
        ["mlflow", "mlflow"],
        ["prefect", "prefect"],
        ["skillflaw", "skillflaw"],
        ["kubeflow-pipelines", "mlmdpostgres"],
      ].map(([platform, database]) => [
        platform,
        { promise: `the schema of ${database} is empty: the platform creates it when it starts`, problem: null },
      ]),
    );
  });

  it("holds the revision against the chart's, each in its platform's own table", async () => {
    // As the real platforms leave them.
    await write(
      "prefect",
      "prefect_owner",
      "create table public.alembic_version (version_num varchar(32)); insert into public.alembic_version values ('50737cdaee36')",
    );
    await write(
      "mlflow",
      "mlflow_owner",
      "create table public.alembic_version (version_num varchar(32)); insert into public.alembic_version values ('0123456789ab')",
    );
    await write(
      "skillflaw",
      "skillflaw_owner",
      "create table public.alembic_version (version_num varchar(32)); insert into public.alembic_version values ('fedcba987654')",
    );
    await write(
      "flyteadmin",
      "flyte_owner",
      "create table public.migrations (id varchar(255) primary key); insert into public.migrations values ('pg-noop-2023-03-31-noop-workflow'), ('2024-06-06-execution-tags')",
    );
    await write(
      "mlmdpostgres",
      "kubeflow_pipelines_owner",
      "create table public.mlmdenv (schema_version int); insert into public.mlmdenv values (10)",
    );
    expect(await schemas()).toEqual({
      prefect: { promise: "the schema of prefect is at revision 50737cdaee36", problem: null },
      mlflow: {
        promise: "the schema of mlflow is at revision 6f8d9c3b2a1e",
        problem:
          "alembic_version shows 0123456789ab, but the version of the spec expects 6f8d9c3b2a1e (3.15.1); if it is behind, start the platform in the version of the spec, or migrate by hand (migrate-job.yaml); if you run a newer version on purpose, name its image in platforms.mlflow.images",
      },
      skillflaw: { promise: "the schema of skillflaw is at revision fedcba987654", problem: null },
      flyte: {
        promise: "the schema of flyteadmin is at revision 2025-05-29-add-index-executions-phase",
        problem:
          "migrations shows 2024-06-06-execution-tags, but the version of the spec expects 2025-05-29-add-index-executions-phase; it is behind: start the platform in the version of the spec, or migrate by hand (migrate-job.yaml)",
      },
      "kubeflow-pipelines": { promise: "the schema of mlmdpostgres is at revision 10", problem: null },
    });
  });

  it("notes a revision that is newer, and says which version made it if that is known", async () => {
    await write("prefect", "prefect_owner", "update public.alembic_version set version_num = '91e2b8f3d6a4'");
    await write("flyteadmin", "flyte_owner", "insert into public.migrations values ('2026-01-01-something-new')");
    const seen = await schemas();
    expect(seen.prefect).toEqual({
      promise: "the schema of prefect is at revision 91e2b8f3d6a4",
      problem: null,
      note: "it is newer than 50737cdaee36 (3.8.3), which the version of the spec expects; if you run a newer version on purpose, name its image in platforms.prefect.images",
    });
    expect(seen.flyte).toEqual({
      promise: "the schema of flyteadmin is at revision 2026-01-01-something-new",
      problem: null,
      note: "it is newer than 2025-05-29-add-index-executions-phase, which the version of the spec expects; if you run a newer version on purpose, name its image in platforms.flyte.images",
    });
  });

  it("expects what the version of an image has, and finds one that is behind", async () => {
    const named = (tag: string) =>
      schemas(
        scopeOf(
          { ...spec, platforms: { ...spec.platforms, prefect: { images: { prefect: `registry.example/prefect:${tag}` } } } },
          platforms,
        ),
      );
    expect((await named("3.9.1-python3.12")).prefect).toEqual({
      promise: "the schema of prefect is at revision 91e2b8f3d6a4",
      problem: null,
    });
    // Of a version that was not run, nothing is expected.
    expect((await named("3.9.10")).prefect?.problem).toBeNull();
    await write("prefect", "prefect_owner", "update public.alembic_version set version_num = '50737cdaee36'");
    expect((await named("3.9.1")).prefect?.problem).toBe(
      "alembic_version shows 50737cdaee36 (3.8.3), but the version of the spec expects 91e2b8f3d6a4 (3.9.1); it is behind: start the platform in the version of the spec, or migrate by hand (migrate-job.yaml)",
    );
  });

  it("says that a table of that name is another, and goes on", async () => {
    await write("skillflaw", "skillflaw_owner", "alter table public.alembic_version rename column version_num to other");
    const seen = await schemas();
    expect(seen.skillflaw).toEqual({
      promise: "the schema of skillflaw is as the chart expects",
      problem: 'could not be checked: column "version_num" does not exist',
    });
    expect(Object.keys(seen)).toHaveLength(5);
  });

  it("says that a table is there and empty", async () => {
    await write("prefect", "prefect_owner", "delete from public.alembic_version");
    expect((await schemas()).prefect?.problem).toMatch(
      /^alembic_version shows nothing, but the version of the spec expects 50737cdaee36 \(3\.8\.3\);/,
    );
  });
});
