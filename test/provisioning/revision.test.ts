import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { platforms } from "../../constructs/platforms/registry";
import type { Check } from "../../constructs/provisioning/check";
import { diagnose } from "../../constructs/provisioning/doctor";
import { provision } from "../../constructs/provisioning/provision";
import local from "../fixtures/environments/local";
import { scopeOf, startServer, type TestServer } from "../fixtures/server";

const scope = scopeOf({ ...local, platforms: { ...local.platforms, flyte: { chartVersion: "v1.16.8" } } }, platforms);
let server: TestServer;

/** What doctor says of schemas, by platform. */
async function schemas(): Promise<Readonly<Record<string, Pick<Check, "promise" | "problem">>>> {
  const checks = await diagnose("main", scope, server.access, server.stranger.certificate);
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
        { promise: `the schema of ${database} is empty: the platform makes it when it starts`, problem: null },
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
          "alembic_version says 0123456789ab, the chart expects 6f8d9c3b2a1e; if it is behind, start the platform in the chart's version, or migrate by hand (migrate-job.yaml); if it is ahead, go on with the version that made it",
      },
      skillflaw: { promise: "the schema of skillflaw is at revision fedcba987654", problem: null },
      flyte: {
        promise: "the schema of flyteadmin is at revision 2025-05-29-add-index-executions-phase",
        problem:
          "migrations says 2024-06-06-execution-tags, the chart expects 2025-05-29-add-index-executions-phase; if it is behind, start the platform in the chart's version, or migrate by hand (migrate-job.yaml); if it is ahead, go on with the version that made it",
      },
      "kubeflow-pipelines": { promise: "the schema of mlmdpostgres is at revision 10", problem: null },
    });
  });

  it("says that a table of that name is another, and goes on", async () => {
    await write("skillflaw", "skillflaw_owner", "alter table public.alembic_version rename column version_num to other");
    const seen = await schemas();
    expect(seen.skillflaw).toEqual({
      promise: "the schema of skillflaw is as the chart expects",
      problem: 'could not be seen: column "version_num" does not exist',
    });
    expect(Object.keys(seen)).toHaveLength(5);
  });

  it("says that a table is there and empty", async () => {
    await write("prefect", "prefect_owner", "delete from public.alembic_version");
    expect((await schemas()).prefect?.problem).toMatch(/^alembic_version says nothing, the chart expects 50737cdaee36;/);
  });
});
