import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { close } from "../../../constructs/provisioning/connect";
import type { Cloud } from "../../../infra/cloud";
import { rotateDocument } from "../../../infra/documents/documents";
import { statusDocument } from "../../../infra/documents/status-document";
import { gcpCloud } from "../../../infra/gcp/cloud";
import { PERMISSIONS } from "../../../infra/gcp/rotation";
import type { NamedSpec } from "../../../infra/spec";
import { CloudSqlDouble } from "../../fixtures/cloud-sql";
import { readDocument } from "../../fixtures/documents";
import { CLUSTER, resolveGcp, SECTION, withGcp } from "../../fixtures/gcp";
import { ClusterDouble } from "../../fixtures/kubernetes";
import { mountedFiles, one, registrationsOf } from "../../fixtures/registrations";
import { SecretManagerDouble } from "../../fixtures/secret-manager";
import { refusal } from "../../fixtures/tenants";
import { BY_HAND, login, project, provisionThrough, run, server, via, writeOutputs } from "./world";

describe("rotate and sql on Google Cloud", () => {
  const CRON_JOB = "/apis/batch/v1/namespaces/postgres-hosted/cronjobs/main-rotate";
  const secretName = (id: string) => `projects/my-project/secrets/${id}`;
  let secrets: SecretManagerDouble;
  let cluster: ClusterDouble;
  let spec: NamedSpec;
  let file: string;
  const outputs = (name: string, change: object) => {
    const main = {
      host: "localhost",
      port: 1,
      ca: server.ca.certificate,
      connectionName: null,
      masterSecret: secretName("postgres-master"),
    };
    const named = Object.fromEntries(["mlflow", "mlflow-research"].map((each) => [each, { secret: secretName(`hosted--${each}`) }]));
    return writeOutputs(name, { environment: "hosted", instances: { main: { ...main, ...change } }, platforms: named });
  };
  const args = (...more: readonly string[]) => ["--environment", "hosted", "--cloud", "gcp", "--outputs", file, ...more];
  const renew = (renewal = BY_HAND, platform = "mlflow", its = resolveGcp(spec), from = file) =>
    gcpCloud.readDeployment(its, from).renew(platform, renewal, () => undefined);
  const names = (platform: string) => secrets.contents(secretName(`hosted--${platform}`)).map(({ username }) => username);

  beforeAll(async () => {
    secrets = await new SecretManagerDouble().start();
    secrets.make(secretName("postgres-master"), server.access.master);
    for (const name of ["mlflow", "mlflow-research"]) secrets.make(secretName(`hosted--${name}`));
    const existing = {
      host: "localhost",
      port: server.server.port,
      ca: server.ca.certificate,
      masterSecret: "postgres-master",
      maxConnections: 200,
    };
    spec = {
      name: "hosted",
      gcp: { ...SECTION, cluster: { ...CLUSTER, installReleases: false } },
      instances: { main: { existing } },
      acknowledge: { "gcp-existing-is-not-this-machine": "it stands for a server in the network" },
      platforms: { mlflow: { workers: 1 }, "mlflow-research": { platform: "mlflow", workers: 1 } },
    };
    project.write(spec);
    const registrations = await registrationsOf(spec);
    cluster = await ClusterDouble.start(
      "projects/my-project/locations/europe-west4/clusters/ml",
      mountedFiles(registrations),
      secrets.variables,
    );
    const cronJob = one(registrations, "CronJob").inputs as { readonly metadata: object };
    cluster.objects.set(CRON_JOB, { ...cronJob, metadata: { ...cronJob.metadata, uid: "uid-of-the-cron-job" } });
    file = outputs("hosted", { rotation: { namespace: "postgres-hosted", cronJob: "main-rotate" } });
    for (const [name, value] of Object.entries({ ...secrets.variables, ...cluster.environment })) vi.stubEnv(name, value);
    await provisionThrough(resolveGcp(spec), gcpCloud as unknown as Cloud, file);
  });
  afterAll(() => {
    cluster?.stop();
    secrets?.stop();
  });

  it("makes a Job from the CronJob, whose sentences come back", async () => {
    const { code, output, errors } = await run("rotate", args("--platform", "mlflow-research"));
    expect(errors).toMatch(/^✔ mlflow-research has a new password, on login mlflow_research_b [\d.]+ s\n$/);
    expect(output).toBe(
      "mlflow_research_a works until the next rotation. External Secrets delivers it within a minute. Reloader restarts the pods; without it, run kubectl rollout restart deployment --selector app.kubernetes.io/instance=mlflow-research --namespace mlflow-research\n",
    );
    expect(code).toBe(0);
    expect(names("mlflow-research")).toEqual(["mlflow_research_b", "mlflow_research_a"]);
  });

  it("changes only the arguments of the CronJob's pod, and runs it once", () => {
    const [job] = cluster.jobs;
    const { spec: from } = (cluster.objects.get(CRON_JOB) as { spec: { jobTemplate: { spec: Record<string, unknown> } } }).spec.jobTemplate;
    expect(job).toMatchObject({
      metadata: {
        name: expect.stringMatching(/^main-rotate-h[0-9a-f]{8}$/),
        namespace: "postgres-hosted",
        ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name: "main-rotate", uid: "uid-of-the-cron-job" }],
      },
      spec: { backoffLimit: 0, ttlSecondsAfterFinished: 86_400, activeDeadlineSeconds: from.activeDeadlineSeconds },
    });
    const text = JSON.stringify(job?.spec.template);
    expect(text).toContain('["/program/program.js","renew","mlflow-research"]');
    expect(text.replace('"renew","mlflow-research"', '"rotate"')).toBe(JSON.stringify(from.template));
  });

  it("closes a leak in the Job, and says how many sessions it ended", async () => {
    const [current] = secrets.contents(secretName("hosted--mlflow"));
    const session = await login(current, "mlflow");
    const report = await renew({ revoke: true, force: false });
    await close(session);
    expect(report).toEqual({
      sentences: ["mlflow has a new password, on login mlflow_b", "mlflow_a can no longer log in; 1 of its sessions ended"],
      isDone: true,
    });
    expect(names("mlflow")).toEqual(["mlflow_b"]);
  });

  it("ends with the Job's sentence where it fails", async () => {
    expect(await renew(BY_HAND, "mlflow")).toMatchObject({ isDone: true });
    const session = await login(secrets.contents(secretName("hosted--mlflow"))[1], "mlflow");
    for (const format of ["text", "json"]) {
      const { code, output, errors } = await run("rotate", args("--platform", "mlflow", "--format", format));
      expect([code, output, errors]).toEqual([
        1,
        "",
        expect.stringMatching(/^✖ login mlflow_b would get the new password, but still has 1 /),
      ]);
    }
    expect(await renew({ revoke: false, force: true })).toMatchObject({ isDone: true });
    await close(session);
  });

  it("creates one Job where the answer to the first try was lost", async () => {
    const before = cluster.jobs.length;
    cluster.lostAnswers = 1;
    expect(await renew()).toMatchObject({ isDone: true });
    expect(cluster.jobs).toHaveLength(before + 1);
  });

  it("prints for programs what the Job reports", async () => {
    const [current] = names("mlflow");
    const { code, output } = await run("rotate", args("--platform", "mlflow", "--format", "json", "--revoke"));
    expect(code).toBe(0);
    expect(readDocument(rotateDocument, output)).toMatchObject({
      environment: "hosted",
      target: "gcp",
      works: true,
      previousLogin: current,
      revoked: true,
      endedSessions: 0,
    });
  });

  it("connects itself with --via, and creates nothing", async () => {
    const before = cluster.jobs.length;
    const { code, errors } = await run("rotate", args("--platform", "mlflow", "--via", via(), "--revoke"));
    expect([code, errors]).toEqual([0, expect.stringContaining("✔ mlflow has a new password, on login mlflow_")]);
    expect(cluster.jobs).toHaveLength(before);
  });

  it.each([
    [
      /^GET \/v1\/projects/,
      403,
      "you have no permission to read cluster ml (/v1/projects/my-project/locations/europe-west4/clusters/ml is refused by the double); grant container.clusters.get, or add --via HOST:PORT",
    ],
    [/^GET \/v1\/projects/, 404, "project my-project has no cluster ml in europe-west4; correct gcp.cluster"],
    [/cronjobs/, 404, `cluster ml does not have it (${CRON_JOB} is refused by the double); deploy the environment again`],
    [
      /^POST/,
      403,
      "cluster ml rejected this (/apis/batch/v1/namespaces/postgres-hosted/jobs is refused by the double); grant that permission, or add --via HOST:PORT",
    ],
    [/cronjobs/, 401, "there are no valid credentials for Google Cloud ("],
  ])("reports a refusal in a sentence, and creates nothing: %s %s", async (path, status, sentence) => {
    const before = cluster.jobs.length;
    cluster.refused.set(path, status);
    const message = await refusal(renew() ?? Promise.resolve());
    cluster.refused.clear();
    expect(message).toContain(`UserError: ${sentence}`);
    expect(cluster.jobs).toHaveLength(before);
  });

  it("says where to look when the Job was created and its log may not be read", async () => {
    cluster.refused.set(/\/log$/, 403);
    const message = await refusal(renew({ revoke: true, force: false }) ?? Promise.resolve());
    cluster.refused.clear();
    await cluster.idle();
    const { name } = cluster.jobs.at(-1)?.metadata ?? {};
    expect(message).toContain(`UserError: Job ${name} was created, but its result is unknown: cluster ml rejected this (`);
    expect(message).toContain(`To see it, run kubectl logs --namespace postgres-hosted job/${name} --container program`);
  });

  it("says where to look when the Job has completed and its pod is gone", async () => {
    cluster.deletesPods = true;
    const message = await refusal(renew({ revoke: true, force: false }) ?? Promise.resolve());
    cluster.deletesPods = false;
    expect(message).toContain(
      "was created, but its result is unknown: the Job completed, but its pod was deleted before its log was read. To see it",
    );
  });

  it("does not send the person's token to a control plane that shows another authority's certificate", async () => {
    const path = "/v1/projects/my-project/locations/europe-west4/clusters/ml";
    const found = cluster.objects.get(path) as { endpoint: string };
    const before = cluster.asked.filter((each) => each.includes("/apis/")).length;
    cluster.objects.set(path, { ...found, masterAuth: { clusterCaCertificate: Buffer.from(server.ca.certificate).toString("base64") } });
    const message = await refusal(renew() ?? Promise.resolve());
    cluster.objects.set(path, { masterAuth: {} });
    expect(await refusal(renew() ?? Promise.resolve())).toContain("UserError: cluster ml has no IP endpoint; add --via HOST:PORT");
    cluster.objects.set(path, found);
    expect(message).toContain(`UserError: the control plane of cluster ml (${found.endpoint}) cannot be reached (`);
    expect(cluster.asked.filter((each) => each.includes("/apis/"))).toHaveLength(before);
  });

  it("asks for another deployment where the outputs name no CronJob, and connects itself without a cluster", () => {
    const older = outputs("older-hosted", {});
    expect(() => renew(BY_HAND, "mlflow", resolveGcp(spec), older)).toThrow(
      `${older} has no CronJob that rotates passwords on main; run pulumi up`,
    );
    expect(renew(BY_HAND, "mlflow", resolveGcp(withGcp(spec, { cluster: null })), older)).toBeNull();
  });

  it("opens a prompt through a tunnel, without the master", async () => {
    const before = secrets.asked.length;
    const { code, errors, output } = await run("sql", ["mlflow", ...args("--via", via())], "select current_user;\n");
    expect([code, errors, output]).toEqual([0, "", expect.stringContaining("mlflow_owner")]);
    expect(secrets.asked.slice(before).filter((each) => each.includes("postgres-master"))).toEqual([]);
  });

  it("prints the command for a tunnel if the database cannot be reached", async () => {
    const { code, errors } = await run("sql", ["mlflow", ...args("--outputs", outputs("away", { host: "db.invalid" }))], "select 1;\n");
    expect([code, errors]).toEqual([
      1,
      [
        "✖ the name db.invalid does not resolve; correct the host, or connect from within its network",
        "To reach it from this machine, open a tunnel in another terminal:",
        "  gcloud compute ssh VM --project my-project --zone ZONE --tunnel-through-iap -- -N -L 5433:db.invalid:1",
        "    VM: a virtual machine in the database's network",
        "    ZONE: its zone, such as europe-west4-b",
        "Then run this again with --via localhost:5433",
        "",
      ].join("\n"),
    ]);
  });

  it("shows an instance of Cloud SQL on a page, with what it can restore and a rotation that is overdue", async () => {
    const sql = await CloudSqlDouble.start();
    for (const [name, value] of Object.entries(sql.environment)) vi.stubEnv(name, value);
    const path = "/v1/projects/my-project/instances/hosted-main";
    const backupConfiguration = { enabled: true, pointInTimeRecoveryEnabled: true, transactionLogRetentionDays: 7 };
    sql.answers.set(path, { state: "RUNNABLE", gceZone: "europe-west4-a", settings: { tier: "db-custom-2-8192", backupConfiguration } });
    const times = { earliestRecoveryTime: "2026-11-16T03:12:09Z", latestRecoveryTime: "2026-11-30T11:58:00Z" };
    sql.answers.set(`${path}/getLatestRecoveryTime`, times);
    const named = outputs("named", { connectionName: "my-project:europe-west4:hosted-main" });
    secrets.age(40);
    const shown = await run("status", args("--outputs", named, "--via", via()));
    const { output, code } = await run("status", args("--outputs", named, "--via", via(), "--format", "json"));
    sql.stop();
    expect([shown.code, shown.errors, code]).toEqual([0, "", 0]);
    expect(shown.output).toContain("\n  machine      db-custom-2-8192, RUNNABLE in europe-west4-a, no standby\n");
    expect(shown.output).toMatch(
      /\n {2}backups {6}kept for 7 days; any moment from 2026-11-16T03:12Z to 2026-11-30T11:58Z \(\d+ \w+ ago\) can be restored\n/,
    );
    expect(shown.output).toContain(
      `(40 days): rotation is overdue (due every 30 days); see its log, or run\n                 npm run rotate -- --environment hosted --cloud gcp --outputs ${named} --platform mlflow\n`,
    );
    const [main] = readDocument(statusDocument, output).instances;
    expect(main).toMatchObject({
      machine: { type: "db-custom-2-8192", state: "RUNNABLE", zone: "europe-west4-a", hasStandby: false },
      backups: { areOn: true, days: 7, kept: null, oldest: "2026-11-16T03:12:09.000Z", latest: "2026-11-30T11:58:00.000Z" },
      notVisible: [],
    });
    const age = Date.now() - Date.parse(main?.platforms.mlflow?.passwordSince ?? "");
    expect(Math.floor(age / 86_400_000)).toBe(40);
  });

  it("needs the permissions that docs/reference/permissions.md names, and no other", () => {
    const page = readFileSync(join(__dirname, "..", "..", "..", "docs", "reference", "permissions.md"), "utf8");
    const needed = cluster.asked.map((call) => Object.keys(PERMISSIONS).find((permission) => PERMISSIONS[permission]?.test(call)) ?? call);
    expect([...new Set(needed)].sort()).toEqual(Object.keys(PERMISSIONS).sort());
    expect([...new Set(page.match(/\bcontainer\.\w+\.\w+/g))].sort()).toEqual(Object.keys(PERMISSIONS).sort());
  });

  it("shows no password to the cluster, in arguments and logs", () => {
    const passwords = ["hosted--mlflow", "hosted--mlflow-research", "postgres-master"].flatMap((id) =>
      secrets.contents(secretName(id)).map(({ password }) => password),
    );
    expect(passwords.length).toBeGreaterThan(3);
    const shown = JSON.stringify([cluster.jobs, cluster.logs]);
    expect(shown).toContain("has a new password");
    expect(passwords.filter((password) => shown.includes(password))).toEqual([]);
  });
});
