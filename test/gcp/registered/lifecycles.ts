import { rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { worstFirst } from "../../../infra/plan/change";
import type { NamedSpec } from "../../../infra/spec";
import { temporary } from "../../fixtures/cli";
import { CLUSTER, SECTION } from "../../fixtures/gcp";
import { toLine } from "../../fixtures/plan";
import { InProcessEngine } from "../engine/in-process";
import { INSTANCE } from "../engine/instances";
import { RELEASE } from "../engine/world";

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const engine = new InProcessEngine(directory, "life");
const { world } = engine;
const spec = (change: Partial<NamedSpec["gcp"]> = {}, main: object = {}, more: Partial<NamedSpec> = {}): NamedSpec => ({
  name: "life",
  gcp: { ...SECTION, cluster: CLUSTER, ...change },
  instances: { main },
  platforms: { mlflow: {} },
  ...more,
});
const done = { ok: true, shown: "" };
/** What a plan says of a change of what is deployed, the worst first. */
const told = async (next: NamedSpec): Promise<readonly string[]> => worstFirst((await engine.plan(next)).changes).map(toLine);
const instance = (name: string) => {
  const [found] = Object.entries(world.ofType(INSTANCE)).filter(([key]) => key.split(" ")[0]?.endsWith(`::${name}`));
  return found?.[1] as
    | { readonly databaseVersion: string; readonly settings: { readonly tier: string; readonly diskSize: number } }
    | undefined;
};
const countOf = (text: string): number => Object.keys(world.things).filter((key) => key.includes(text)).length;

/** One after the other: each begins where the one before has ended. */
describe("a first deployment of two instances", () => {
  const two = spec({}, {}, { instances: { main: {}, other: {} }, platforms: { mlflow: { instance: "main" } } });

  it("that fails at the second keeps the first, and the next one creates only the rest", async () => {
    const quota = "Error, failed to create instance life-other: googleapi: Error 403: The limit of instances is reached., quotaExceeded";
    const failed = await engine.up(two, { faults: { [`${INSTANCE} life-other`]: quota } });
    expect([failed.ok, failed.shown]).toEqual([false, `error: ${quota}\n`]);
    expect([instance("life-main"), instance("life-other")]).toEqual([expect.anything(), undefined]);
    const before = Object.keys(world.things);
    const mended = await engine.up(two);
    expect(mended).toMatchObject(done);
    expect(mended.changes).toEqual({ same: before.length, create: expect.any(Number) });
    expect(Object.keys(world.things)).toEqual(expect.arrayContaining(before));
    expect((await engine.preview(two)).changes).toEqual({ same: Object.keys(world.things).length });
  });

  it("is what a plan finds in the exported state: nothing would be lost, and nothing is said", async () => {
    expect(await engine.plan(two)).toMatchObject({ changes: [], details: [], notes: [] });
  });

  it("can be taken down, after which the plan warns of the peering that is kept, Google refuses a second, and create: false deploys", async () => {
    const open = spec({}, { deletionProtection: false });
    // The other instance is guarded: first its guard goes, then itself.
    const other = { ...two, instances: { main: { deletionProtection: false }, other: { deletionProtection: false } } };
    expect(await engine.up(other)).toMatchObject(done);
    expect(await engine.up(open)).toMatchObject(done);
    expect(await engine.destroy()).toMatchObject(done);
    expect((await engine.plan(spec())).notes).toContainEqual(expect.stringContaining("set gcp.privateServicesAccess.create to false"));
    expect((await engine.up(spec())).shown).toBe(
      "error: Error waiting for Create Service Networking Connection: Cannot modify allocated ranges in CreateConnection. Please use UpdateConnection.\n",
    );
    const reused = spec({ privateServicesAccess: { create: false } });
    expect((await engine.plan(reused)).notes).not.toContainEqual(expect.stringContaining("privateServicesAccess"));
    expect(await engine.up(reused)).toMatchObject(done);
  });
});

describe("an instance that is there", () => {
  const section = { privateServicesAccess: { create: false } };
  const size = { vcpus: 4, memoryGib: 16 };

  it("gets a replica, and is changed after its disk has grown by itself", async () => {
    expect(await engine.up(spec(section, { readReplicas: 1 }))).toMatchObject(done);
    for (const name of ["life-main", "life-main-replica1"])
      world.meddle(INSTANCE, name, (thing) => ({ ...thing, settings: { ...(thing.settings as object), diskSize: 140 } }));
    const larger = await engine.up(spec(section, { readReplicas: 1, size }));
    expect(larger).toMatchObject(done);
    expect([instance("life-main")?.settings, instance("life-main-replica1")?.settings]).toMatchObject([
      { tier: "db-custom-4-16384", diskSize: 140 },
      { tier: "db-custom-4-16384", diskSize: 140 },
    ]);
  });

  it("could not be, without the refresh that Pulumi.yaml asks for", async () => {
    world.meddle(INSTANCE, "life-main", (thing) => ({ ...thing, settings: { ...(thing.settings as object), diskSize: 150 } }));
    const stale = await engine.up(spec(section, { readReplicas: 1, size, parameters: { work_mem: "8MB" } }), { refresh: false });
    expect(stale.shown).toContain("The disk size cannot decrease.");
  });

  it("gets a larger disk, where storageGib is more than it has grown to", async () => {
    // The state knows when a preview or a deployment has looked.
    expect(await engine.up(spec(section, { readReplicas: 1, size }))).toMatchObject(done);
    expect(await told(spec(section, { readReplicas: 1, size }))).toEqual([]);
    expect(await told(spec(section, { readReplicas: 1, size, storageGib: 120, maxStorageGib: 500 }))).toEqual([
      "other: instances.main.storageGib: 100 -> 120; its disk stays at 150 GiB, because a disk cannot shrink",
    ]);
    expect(await engine.up(spec(section, { readReplicas: 1, size, storageGib: 200, maxStorageGib: 500 }))).toMatchObject(done);
    expect(instance("life-main")?.settings.diskSize).toBe(200);
  });

  it("is upgraded with its replica; the plan says that the size of the same run takes a second one, and so it does", async () => {
    const upgraded = spec(section, { readReplicas: 1, storageGib: 200, maxStorageGib: 500, majorVersion: 18 });
    expect(await told(upgraded)).toEqual([
      "outage: instances.main.majorVersion: 17 -> 18; is upgraded to PostgreSQL 18 at once, and its read replicas with it, and is unavailable until that is done, even with a standby; it cannot go back; try it first on another instance that you restore from a backup; run ANALYZE after it",
      "outage: instances.main.size: db-custom-4-16384 (4 vCPUs, 16 GiB) -> db-custom-2-8192 (2 vCPUs, 8 GiB); restarts at once with the new size, and is unavailable for less than 60 seconds",
      "outage: instances.main.parameters.max_connections: 500 -> 400; restarts at once",
    ]);
    expect((await engine.plan(upgraded)).notes).toEqual([
      "instances.main: run pulumi up --stack life a second time, because Google's provider may lose settings.databaseFlags[].value, settings.tier in a run that changes databaseVersion",
    ]);
    expect(await engine.up(upgraded)).toMatchObject(done);
    expect(instance("life-main")).toMatchObject({ databaseVersion: "POSTGRES_18", settings: { tier: "db-custom-4-16384" } });
    expect(instance("life-main-replica1")).toMatchObject({ databaseVersion: "POSTGRES_18", settings: { tier: "db-custom-2-8192" } });
    expect((await engine.up(upgraded)).changes).toMatchObject({ update: 1 });
    expect(instance("life-main")).toMatchObject({ databaseVersion: "POSTGRES_18", settings: { tier: "db-custom-2-8192" } });
    expect((await engine.preview(upgraded)).changes).toEqual({ same: expect.any(Number) });
  });

  it("loses its replica, whose plan says that nothing is lost, and a platform only after its secret is unprotected", async () => {
    const less = spec(section, { storageGib: 200, maxStorageGib: 500, majorVersion: 18 }, { platforms: {} });
    expect(await told(less)).toEqual([
      "lost: platforms.mlflow; its secret would be deleted; its databases would stay, but would no longer be managed; keep it in the spec, or remove it as docs/how-to/remove-a-platform.md describes",
      "outage: instances.main.readReplicas: 1 -> 0; a read replica would be deleted, and its clients must read elsewhere; a read replica has no data that its source does not have",
      "outage: release mlflow/mlflow; would be uninstalled, and its pods stopped; its databases and its secret stay",
    ]);
    const refused = await engine.up(less);
    const [, urn = ""] = /resource "([^"]+)" cannot be deleted because it is protected/.exec(refused.shown) ?? [];
    expect(urn).toMatch(/Secret::life--mlflow$/);
    for (const each of [urn, urn.replace("$gcp:secretmanager/secret:Secret", "")]) engine.unprotect(each);
    expect(await engine.up(less)).toMatchObject(done);
    expect([instance("life-main-replica1"), countOf("::life--mlflow "), countOf("::life--main--master ")]).toEqual([undefined, 0, 4]);
  });
});

describe("operators", () => {
  const section = (installExternalSecrets: boolean) => ({
    privateServicesAccess: { create: false },
    cluster: { ...CLUSTER, installExternalSecrets },
  });
  const main = { storageGib: 200, maxStorageGib: 500, majorVersion: 18 } as const;

  it("that are handed over stay, with every ExternalSecret of the cluster; the plan says who looks after them", async () => {
    expect(await engine.up(spec(section(true), main))).toMatchObject(done);
    const secrets = countOf(":external-secrets.io/");
    expect(secrets).toBeGreaterThan(0);
    expect(await told(spec(section(false), main))).toEqual([
      "other: release platform-postgres-external-secrets/platform-postgres-external-secrets; would stay in the cluster, and this project would no longer upgrade it; name a new owner",
    ]);
    expect((await engine.up(spec(section(false), main))).changes).toMatchObject({ discard: 1 });
    expect([
      Object.values(world.ofType(RELEASE))
        .map(({ chart }) => chart)
        .sort(),
      countOf(":external-secrets.io/"),
    ]).toEqual([["external-secrets", "mlflow"], secrets]);
  });

  it("that are taken back meet their own release: uninstalled by hand, which no Secret notices, they are installed again", async () => {
    expect((await engine.up(spec(section(true), main))).shown).toBe("error: cannot re-use a name that is still in use\n");
    const secrets = countOf(":external-secrets.io/");
    world.uninstall("external-secrets");
    expect(countOf(":external-secrets.io/")).toBe(secrets);
    expect(await engine.up(spec(section(true), main))).toMatchObject(done);
  });

  it("would take every ExternalSecret of the cluster with them, if the chart's definitions were not kept", async () => {
    world.meddle(RELEASE, "external-secrets", (thing) => ({ ...thing, values: { installCRDs: true } }));
    world.uninstall("external-secrets");
    expect(countOf(":external-secrets.io/")).toBe(0);
    expect(await engine.up(spec(section(true), main))).toMatchObject(done);
  });
});

describe("a cluster whose endpoint is rotated", () => {
  const rotated = spec({ privateServicesAccess: { create: false } }, { storageGib: 200, maxStorageGib: 500, majorVersion: 18 });

  it("is not reached by the refresh any more, which must not be taken for a cluster that is gone; without it nothing is replaced", async () => {
    expect(await engine.up(rotated)).toMatchObject(done);
    const before = Object.keys(world.things);
    const { changes: unchanged } = await engine.preview(rotated);
    expect(Object.keys(unchanged)).toEqual(["same"]);
    world.moveCluster("10.30.0.3");
    expect((await engine.up(rotated)).shown).toContain("failed to read resource state due to unreachable cluster.");
    const { ok, changes, shown } = await engine.up(rotated, { refresh: false });
    expect([ok, shown, changes]).toEqual([true, "", unchanged]);
    expect(Object.keys(world.things)).toEqual(before);
    expect((await engine.up(rotated)).changes).toEqual(unchanged);
  });
});
