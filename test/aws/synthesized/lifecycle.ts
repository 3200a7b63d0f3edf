import { describe, expect, it } from "vitest";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, minimalAws, NETWORK, withAws, withMain } from "../../fixtures/aws";
import { awsChanges, toLine } from "../../fixtures/plan";
import { artifactsOf } from "../../fixtures/templates";
import { Cli } from "../cloudformation/cli";
import { ClusterWorld } from "../cloudformation/cluster";
import { CloudFormation } from "../cloudformation/double";
import { handlersOf } from "../cloudformation/handlers";
import { type DbInstance, RdsWorld } from "../cloudformation/rds";

/** An account, as its doubles have it, and who deploys to it. */
class Account {
  readonly rds = new RdsWorld();
  readonly cluster = new ClusterWorld();
  readonly cloud = new CloudFormation(handlersOf(this.rds, this.cluster));
  private readonly cli = new Cli(this.cloud);
  /** Environments, as they were last deployed. */
  private readonly deployed = new Map<string, NamedSpec>();

  deploy(spec: NamedSpec): string {
    const result = this.cli.deploy(artifactsOf(spec));
    if (result === "ok") this.deployed.set(spec.name, spec);
    return result;
  }

  destroy(spec: NamedSpec): string {
    return this.cli.destroy(artifactsOf(spec));
  }

  /** What the plan says of a change, and then what comes of it. */
  change(spec: NamedSpec): { readonly told: readonly string[]; readonly result: string } {
    const told = awsChanges(this.deployed.get(spec.name) ?? spec, spec).map(toLine);
    return { told, result: this.deploy(spec) };
  }

  get statuses(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.cloud.stacks].map(([name, { status }]) => [name.split("-").at(-1), status]));
  }

  /** By the name of the resource: `mainInstance`, `mainReplica1`. */
  instance(name: string): DbInstance {
    const found = [...this.rds.instances.values()].filter(({ id }) => id.includes(`-${name}`));
    if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} instances are called ${name}`);
    return found[0];
  }
}

const spec: NamedSpec = {
  ...minimalAws,
  name: "life",
  instances: { main: {}, flyte: {} },
  platforms: { prefect: { instance: "main" } },
};
const CAPACITY = "Cannot create a db.m7g.large database instance in the availability zone eu-central-1a; choose another zone";

describe("a guarded environment, from its first deployment to its last", () => {
  const account = new Account();
  const { cloud, rds } = account;
  const protections = () => [...rds.instances.values()].map(({ deletionProtection }) => deletionProtection);

  it("whose second instance fails is rolled back whole: nothing stays, is billed, or stands in the way", () => {
    cloud.faults.set("flyteInstance", CAPACITY);
    expect(account.deploy(spec)).toMatch(
      /^postgres-life-database is in ROLLBACK_COMPLETE: postgres-life-database flyteInstance\w+ AWS::RDS::DBInstance: Cannot create a db\.m7g\.large/,
    );
    expect([account.statuses, rds.instances.size, cloud.orphans.size]).toEqual([{ database: "ROLLBACK_COMPLETE" }, 0, 0]);
  });

  it("is deployed by the same command when that is mended, and guarded from then on", () => {
    cloud.faults.clear();
    expect(account.deploy(spec)).toBe("ok");
    expect(account.statuses).toEqual({ database: "CREATE_COMPLETE", access: "CREATE_COMPLETE", guard: "CREATE_COMPLETE" });
    expect(protections()).toEqual([true, true]);
  });

  it("changes nothing when it is deployed again", () => {
    const before = JSON.stringify([...cloud.stacks]);
    expect(account.deploy(spec)).toBe("ok");
    expect(JSON.stringify([...cloud.stacks])).toBe(before);
  });

  it("with another instance that fails keeps the first ones, and can be deployed again", () => {
    cloud.faults.set("spareInstance", CAPACITY);
    const larger = { ...spec, instances: { ...spec.instances, spare: {} } };
    expect(account.deploy(larger)).toContain("postgres-life-database is in UPDATE_ROLLBACK_COMPLETE: ");
    expect([rds.instances.size, protections(), cloud.orphans.size]).toEqual([2, [true, true], 0]);
    cloud.faults.clear();
    expect([account.deploy(larger), protections()]).toEqual(["ok", [true, true, true]]);
    account.deploy(spec);
    // Out of the spec, it stays with its data, as protected as it was.
    expect([rds.instances.size, [...cloud.orphans.keys()].filter((id) => id.includes("-spareInstance")).length]).toEqual([3, 1]);
    expect(protections()).toEqual([true, true, true]);
  });

  it("refuses to be destroyed, by the CLI or by hand, and has lost nothing", () => {
    const before = JSON.stringify([...cloud.stacks]);
    expect(account.destroy(spec)).toBe("Stack [postgres-life-guard] cannot be deleted while TerminationProtection is enabled");
    expect(() => cloud.delete("postgres-life-database")).toThrow(
      "Delete canceled. Cannot delete export postgres-life-database-lock as it is in use by postgres-life-guard.",
    );
    expect(JSON.stringify([...cloud.stacks])).toBe(before);
  });

  it("enlarges a disk and its replica's beyond 400 GiB in one deployment", () => {
    expect(account.deploy(withMain(spec, { readReplicas: 1 }))).toBe("ok");
    expect([account.instance("mainReplica1").sizeGib, account.instance("mainReplica1").iops]).toEqual([100, null]);
    expect(account.change(withMain(spec, { readReplicas: 1, storageGib: 400 })).result).toBe("ok");
    for (const name of ["mainInstance", "mainReplica1"])
      expect([account.instance(name).sizeGib, account.instance(name).iops]).toEqual([400, 12000]);
  });

  it("reports a size below what a disk has grown to, and accepts the real one", () => {
    const grown = (storageGib: number, readReplicas: number) => withMain(spec, { readReplicas, storageGib });
    for (const name of ["mainInstance", "mainReplica1"]) account.instance(name).sizeGib = 700;
    const { told, result } = account.change(grown(500, 1));
    expect(told).toEqual([
      "cost: instances.main.storageGib: 400 -> 500; the disk grows while it is in use; RDS accepts no other change of it for at least 6 hours, and until this one is done; refused if the disk has grown beyond 454 GiB automatically, unless it is already 500 GiB; aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,AllocatedStorage]' shows the real size",
      "other: instances.main.maxStorageGib: 2000 -> 2500; the disk grows automatically up to 2500 GiB",
    ]);
    expect(result).toContain("Invalid storage size: 500 GiB is less than the 700 GiB it has");
    expect(account.statuses.database).toBe("UPDATE_ROLLBACK_COMPLETE");
    expect([account.deploy(grown(700, 1)), account.instance("mainReplica1").sizeGib]).toEqual(["ok", 700]);
    expect([account.deploy(grown(700, 2)), account.instance("mainReplica2").sizeGib]).toEqual(["ok", 700]);
  });

  it("is upgraded by following the plan to its end; no replica is left behind", () => {
    const at = (majorVersion: 17 | 18, readReplicas: number) => withMain(spec, { storageGib: 700, majorVersion, readReplicas });
    const steps = [at(17, 2), at(17, 0), at(18, 0)].map((step) => account.change(step));
    expect(steps.map(({ result }) => result)).toEqual(["ok", "ok", "ok"]);
    expect(steps[2]?.told).toEqual([
      "outage: instances.main.majorVersion: 17 -> 18; is upgraded to PostgreSQL 18 in its maintenance window (sun:04:00-sun:05:00 UTC), and is unavailable until that is done, even with a standby; it cannot go back; try it first on another instance that you restore from a backup; run ANALYZE after it; add read replicas only after that, when aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,EngineVersion]' shows the new version",
    ]);
    // Before the window it is what it was, and a replica of it, too.
    expect(account.deploy(at(18, 1))).toContain("The Parameter Group of family postgres18 cannot be used for this instance of postgres 17");
    expect(account.statuses.database).toBe("UPDATE_ROLLBACK_COMPLETE");
    rds.maintain();
    steps.push(account.change(at(18, 1)));
    expect(steps[3]?.result).toBe("ok");
    expect(steps.flatMap(({ told }) => told).filter((sentence) => /^(lost|refused)/.test(sentence))).toEqual([]);
    const versions = [...rds.instances.values()].map(({ id, majorVersion }) => [/-([a-z]+[A-Z][a-z]+\d?)/.exec(id)?.[1], majorVersion]);
    expect(versions).toEqual([
      ["mainInstance", 18],
      ["flyteInstance", 17],
      ["spareInstance", 17],
      ["mainReplica1", 18],
    ]);
    expect([...cloud.orphans.keys()].filter((id) => id.includes("Replica"))).toEqual([]);
  });

  it("goes when that is asked for step by step, and its databases outlive it", () => {
    const open = { deletionProtection: false };
    const released = { ...spec, instances: { main: { storageGib: 700, majorVersion: 18 as const, ...open }, flyte: open } };
    expect([account.deploy(released), account.destroy(released)]).toEqual(["ok", "ok"]);
    expect([...cloud.stacks.keys()]).toEqual([]);
    const left = [...rds.instances.values()];
    expect(left.map(({ deletionProtection }) => deletionProtection)).toEqual([false, false, true]);
    for (const { id } of left) expect([...cloud.orphans.keys()]).toContain(id);
  });
});

describe("an environment that moves to a restored instance", () => {
  const account = new Account();
  const start: NamedSpec = { ...minimalAws, name: "moves", instances: { main: {} }, platforms: { prefect: { instance: "main" } } };
  const restoredFrom = { instance: "moves-main", moment: "2026-11-30T12:00:00Z" };
  const beside: NamedSpec = {
    ...withAws(start, { instances: { restored: { restoredFrom } } }),
    instances: { main: {}, restored: { readReplicas: 1 } },
  };
  const moved: NamedSpec = { ...beside, platforms: { prefect: { instance: "restored" } } };
  const alone: NamedSpec = { ...moved, instances: { restored: { readReplicas: 1 } } };

  it("gets it beside the old one, as a primary with a replica of its own, and moves platform by platform", () => {
    expect(account.deploy(start)).toBe("ok");
    expect(account.change(beside)).toEqual({ told: ["cost: instances.restored; would be created"], result: "ok" });
    const { id, source, restoredFrom: from, deletionProtection } = account.instance("restoredInstance");
    expect({ source, from, deletionProtection }).toEqual({ source: null, from: "moves-main", deletionProtection: true });
    expect(account.instance("restoredReplica1").source).toBe(id);
    expect(account.change(moved).result).toBe("ok");
    expect(account.instance("mainInstance").restoredFrom).toBe(null);
  });

  it("leaves the old one in RDS when it leaves the spec, and changes nothing of the restored one afterwards", () => {
    const before = account.instance("restoredInstance");
    expect(account.change(alone)).toEqual({
      told: ["lost: instances.main; would stay, but would no longer be managed; keep it in the spec"],
      result: "ok",
    });
    expect(account.instance("mainInstance").id).toContain("mainInstance");
    expect(account.change(alone)).toEqual({ told: [], result: "ok" });
    expect(account.instance("restoredInstance")).toEqual(before);
  });
});

describe("a cluster that others use, too", () => {
  const account = new Account();
  const { cluster, cloud } = account;
  const inCluster = (name: string, change: object): NamedSpec => ({
    ...withAws({ ...minimalAws, name }, { network: NETWORK, cluster: { ...CLUSTER, ...change } }),
    platforms: { prefect: { namespace: name } },
  });
  const first = inCluster("first", { installExternalSecrets: true, installReloader: true });
  const OPERATOR = "platform-postgres-external-secrets/platform-postgres-external-secrets";
  cluster.secrets.add("team/billing-db");

  it("keeps the operators and everybody's Secrets when the first deployment fails, and adopts them in the next", () => {
    cloud.faults.set("ReleasesprefectfirstprefectChart", "helm: timed out waiting for the condition");
    expect(account.deploy(first)).toContain("postgres-first-platforms is in ROLLBACK_COMPLETE");
    expect([[...cluster.secrets], cluster.releases.has(OPERATOR)]).toEqual([["team/billing-db"], true]);
    cloud.faults.clear();
    expect(account.deploy(first)).toBe("ok");
    expect([...cluster.secrets]).toEqual(["team/billing-db", "first/prefect-db"]);
  });

  it("keeps them when a second environment, which has them, too, comes and goes", () => {
    const second = withMain(inCluster("second", { installExternalSecrets: true }), { deletionProtection: false });
    expect(account.deploy(second)).toBe("ok");
    expect([...cluster.secrets]).toContain("second/prefect-db");
    expect(account.destroy(second)).toBe("ok");
    expect([[...cluster.secrets], cluster.releases.has(OPERATOR)]).toEqual([["team/billing-db", "first/prefect-db"], true]);
  });

  it("rejects an environment that would take over another's release, and does not change that release", () => {
    const third = { ...inCluster("third", {}), platforms: { prefect: { namespace: "first" } } };
    const before = JSON.stringify([[...cluster.releases], [...cluster.secrets]]);
    expect(account.deploy(third)).toContain('Error from server (AlreadyExists): configmaps "prefect-db-owner" already exists');
    expect(JSON.stringify([[...cluster.releases], [...cluster.secrets]])).toBe(before);
    // Nor by trying again, nor by moving there.
    expect(account.deploy(third)).toContain('configmaps "prefect-db-owner" already exists');
    expect(JSON.stringify([[...cluster.releases], [...cluster.secrets]])).toBe(before);
    expect(account.deploy(inCluster("third", {}))).toBe("ok");
    const there = JSON.stringify([[...cluster.releases], [...cluster.secrets]]);
    const { told, result } = account.change(third);
    expect(told).toEqual(["outage: release third/prefect; would be uninstalled, and its pods stopped; its databases and its secret stay"]);
    expect(result).toContain('configmaps "prefect-db-owner" already exists');
    expect(JSON.stringify([[...cluster.releases], [...cluster.secrets]])).toBe(there);
  });

  it("keeps them when they get another owner, and the plan says so", () => {
    const { told, result } = account.change(inCluster("first", {}));
    expect(told).toEqual(
      ["external-secrets", "reloader"].map(
        (name) =>
          `other: release platform-postgres-${name}/platform-postgres-${name}; would stay, with everything that uses it, but this stack would no longer upgrade it; name a new owner`,
      ),
    );
    expect([result, [...cluster.secrets], cluster.releases.has(OPERATOR)]).toEqual([
      "ok",
      ["team/billing-db", "first/prefect-db", "third/prefect-db"],
      true,
    ]);
  });

  it("does not take over or change an existing External Secrets, and continues without its own", () => {
    const other = new Account();
    other.cluster.install({ Release: "external-secrets", Namespace: "external-secrets", Values: '{"installCRDs":true}' });
    other.cluster.secrets.add("team/billing-db");
    expect(other.deploy(first)).toContain(
      'Unable to continue with install: CustomResourceDefinition "externalsecrets.external-secrets.io" in namespace "" exists and cannot be imported',
    );
    expect([[...other.cluster.releases.keys()], [...other.cluster.secrets]]).toEqual([
      ["external-secrets/external-secrets"],
      ["team/billing-db"],
    ]);
    expect(other.deploy(inCluster("first", {}))).toBe("ok");
    expect([...other.cluster.secrets]).toEqual(["team/billing-db", "first/prefect-db"]);
  });
});
