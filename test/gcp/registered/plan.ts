import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { planGcp } from "../../../infra/gcp/plan";
import { isDanger, worstFirst } from "../../../infra/plan/change";
import type { NamedSpec } from "../../../infra/spec";
import { temporary } from "../../fixtures/cli";
import { minimalGcp, resolveGcp, withGcp } from "../../fixtures/gcp";
import { toLine } from "../../fixtures/plan";
import { registrationsOf } from "../../fixtures/registrations";

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What `pulumi stack export` would print after a deployment. @param grownGib what the disk has grown to by itself. */
async function stored(spec: NamedSpec, grownGib: number | null): Promise<string> {
  const { resources } = await registrationsOf(spec);
  const grown = resources.map((resource) => {
    const { settings } = resource.inputs as { readonly settings?: object };
    return grownGib === null || settings === undefined
      ? resource
      : { ...resource, outputs: { ...resource.inputs, settings: { ...settings, diskSize: grownGib } } };
  });
  const file = join(directory, "state.json");
  writeFileSync(file, JSON.stringify({ version: 3, deployment: { resources: grown } }));
  return file;
}

const before: NamedSpec = { ...minimalGcp, instances: { main: { readReplicas: 1 } } };
const withMain = (change: object): NamedSpec => ({ ...before, instances: { main: { readReplicas: 1, ...change } } });
const planOf = async (spec: NamedSpec, against: NamedSpec | null = before, grownGib: number | null = null) =>
  planGcp(resolveGcp(spec), against === null ? null : await stored(against, grownGib));
const linesOf = async (spec: NamedSpec, against: NamedSpec = before, grownGib: number | null = null) =>
  worstFirst((await planOf(spec, against, grownGib)).changes).map(toLine);

describe("plan for Google Cloud", () => {
  it("counts what there would be, by how long it lives", async () => {
    const { resources, examples, compared } = await planOf(before, null);
    expect(resources).toContainEqual({ stack: "minimal database", type: "gcp:sql/databaseInstance:DatabaseInstance", count: 2 });
    expect(resources).toContainEqual({ stack: "minimal database", type: "gcp:secretmanager/secret:Secret", count: 1 });
    expect(resources).toContainEqual({ stack: "minimal access", type: "kubernetes:batch/v1:Job", count: 1 });
    expect(resources.map(({ stack }) => stack)).not.toContain("minimal platforms");
    expect([examples, compared]).toEqual([[], null]);
  });

  it("finds nothing where nothing changes", async () => {
    const { changes, details, notes } = await planOf(before);
    expect([changes, details, notes]).toEqual([[], [], []]);
  });

  it("finds no danger where a change is made in place", async () => {
    const harmless = [
      { ...before, labels: { stage: "test" } },
      withMain({ size: { vcpus: 4, memoryGib: 16 }, majorVersion: 18, highAvailability: false }),
      withMain({ storageGib: 20 }),
      withMain({ readReplicas: 0 }),
      { ...before, platforms: { prefect: {}, mlflow: {} } },
      // They stay, for whoever uses the network besides.
      withGcp(before, { privateServicesAccess: { create: false } }),
    ];
    for (const spec of harmless) expect((await planOf(spec)).changes.filter(isDanger)).toEqual([]);
  });

  it("does not let a disk shrink that does not grow automatically, and compares it with what it has grown to", async () => {
    const fixed = (storageGib: number) => withMain({ storageGib, maxStorageGib: null });
    const refused = (from: number, to: number) =>
      `refused: instances.main.storageGib: ${from} -> ${to}; a disk cannot shrink, and Cloud SQL refuses this; write ${from}; to have less, restore a dump into a new instance`;
    expect(await linesOf(fixed(50), fixed(100))).toEqual([refused(100, 50)]);
    const stopped =
      "other: instances.main.maxStorageGib: 500 -> none; the disk would no longer grow automatically, and a full disk stops the database; keep a ceiling, or watch the alarm on free storage";
    expect(await linesOf(fixed(100), before, 140)).toEqual([refused(140, 100), stopped]);
    expect(await linesOf(fixed(140), before, 140)).toEqual([stopped]);
  });

  it("says that a disk which has grown stays, where storageGib is smaller", async () => {
    expect(await linesOf(withMain({ storageGib: 50 }))).toEqual([
      "other: instances.main.storageGib: 100 -> 50; its disk stays at 100 GiB, because a disk cannot shrink",
      "other: instances.main.maxStorageGib: 500 -> 250; the disk grows automatically up to 250 GiB",
    ]);
    expect(await linesOf(withMain({ storageGib: 120, maxStorageGib: 500 }), before, 140)).toEqual([
      "other: instances.main.storageGib: 100 -> 120; its disk stays at 140 GiB, because a disk cannot shrink",
    ]);
    expect(await linesOf(before, before, 140)).toEqual([]);
  });

  it("says that replicas are upgraded with their primary, and that other settings of the same run take a second one", async () => {
    const { notes, changes } = await planOf(withMain({ size: { vcpus: 4, memoryGib: 8 }, majorVersion: 18 }));
    expect(changes.map(toLine)).toEqual([
      "outage: instances.main.majorVersion: 17 -> 18; is upgraded to PostgreSQL 18 at once, and its read replicas with it, and is unavailable until that is done, even with a standby; it cannot go back; try it first on another instance that you restore from a backup; run ANALYZE after it",
      "outage: instances.main.size: db-custom-2-8192 (2 vCPUs, 8 GiB) -> db-custom-4-8192 (4 vCPUs, 8 GiB); restarts at once with the new size, and is unavailable for less than 60 seconds",
    ]);
    expect(notes).toEqual([
      "instances.main: run pulumi up --stack minimal a second time, because Google's provider may lose settings.tier in a run that changes databaseVersion",
    ]);
    const enterprise = withMain({ size: { vcpus: 2, memoryGib: 8 } });
    const plus = (change: object) => withGcp(withMain({ size: { vcpus: 2, memoryGib: 16 }, ...change }), { edition: "ENTERPRISE_PLUS" });
    // The tier is sent with the edition; flags are not.
    expect((await planOf(plus({ parameters: { max_connections: 300 }, readReplicas: 0 }), enterprise)).notes).toEqual([
      "instances.main: run pulumi up --stack minimal a second time, because Google's provider may lose settings.databaseFlags[].value in a run that changes settings.edition",
    ]);
  });

  it("says what goes with a replica, a platform or an operator that is taken out, and what stays", async () => {
    const cluster = { name: "ml", location: "europe-west4" };
    const own = withGcp(before, { cluster: { ...cluster, installExternalSecrets: true, installReloader: true } });
    const less = withGcp({ ...before, instances: { main: { readReplicas: 0 } }, platforms: {} }, { cluster });
    const stays = (name: string) =>
      `other: release platform-postgres-${name}/platform-postgres-${name}; would stay in the cluster, and this project would no longer upgrade it; name a new owner`;
    expect(await linesOf(less, own)).toEqual([
      "lost: platforms.prefect; its secret would be deleted; its databases would stay, but would no longer be managed; keep it in the spec, or remove it as docs/how-to/remove-a-platform.md describes",
      "outage: instances.main.readReplicas: 1 -> 0; a read replica would be deleted, and its clients must read elsewhere; a read replica has no data that its source does not have",
      "outage: release prefect/prefect; would be uninstalled, and its pods stopped; its databases and its secret stay",
      stays("external-secrets"),
      stays("reloader"),
    ]);
  });

  it("warns of a peering that the network may have, before Google refuses it, and not where it is this stack's", async () => {
    const note =
      "gcp.privateServicesAccess: a peering would be created, and Google rejects a second one in a network; if gcloud services vpc-peerings list --network ml --project my-project shows one (from another environment, or left by a destroyed stack), set gcp.privateServicesAccess.create to false";
    expect((await planOf(before, null)).notes).toContain(note);
    expect((await planOf(before)).notes).toEqual([]);
    expect((await planOf(withGcp(before, { privateServicesAccess: { create: false } }), null)).notes).not.toContain(note);
  });

  it("says where a new instance keeps its backups, if Cloud SQL would keep them in several regions", async () => {
    const notesOf = async (main: object, against?: null) =>
      (await planOf(withMain(main), against)).notes.filter((note) => note.includes("backup"));
    expect(await notesOf({}, null)).toEqual([
      'instances.main would keep its backups in europe-west4 only, and Cloud SQL\'s default is a multi-region; to use one, set backupReplication in gcp.instances, such as { region: "eu" }',
    ]);
    expect(await notesOf({})).toEqual([]);
    expect(await notesOf({ backupReplication: { region: "eu" } }, null)).toEqual([]);
    expect(await notesOf({ readReplicas: 0, highAvailability: false, backupRetentionDays: 0, pointInTimeRecovery: false }, null)).toEqual(
      [],
    );
  });

  it("rejects a file that is not a state of this environment", async () => {
    const plan = (file: string) => planGcp(resolveGcp(before), file);
    await expect(plan(join(directory, "missing.json"))).rejects.toThrow(
      `there is no file ${join(directory, "missing.json")}; run pulumi stack export --stack minimal > ${join(directory, "missing.json")}`,
    );
    const other = join(directory, "other.json");
    writeFileSync(other, JSON.stringify({ deployment: { resources: [{ urn: "urn:pulumi:other::platform-postgres::a::b", type: "a" }] } }));
    await expect(plan(other)).rejects.toThrow("contains nothing of stack minimal");
    writeFileSync(other, "{}");
    await expect(plan(other)).rejects.toThrow("does not contain a state of Pulumi");
    const urn = "urn:pulumi:minimal::platform-postgres::gcp:sql/databaseInstance:DatabaseInstance::a";
    for (const damaged of [null, 1, { urn: 5 }, { urn }, { type: "a" }]) {
      writeFileSync(other, JSON.stringify({ deployment: { resources: [damaged] } }));
      await expect(plan(other)).rejects.toThrow("contains nothing of stack minimal");
    }
    const type = "gcp:sql/databaseInstance:DatabaseInstance";
    for (const damaged of [{}, { inputs: null, parent: null }, { inputs: { databaseVersion: "POSTGRES_17" } }]) {
      writeFileSync(other, JSON.stringify({ deployment: { resources: [{ urn, type, ...damaged }] } }));
      await expect(plan(other)).rejects.toThrow("contains an instance without a version or a tier");
    }
  });

  it("leaves out what is replaced already, and waits for its deletion", async () => {
    const file = await stored(before, null);
    const state = JSON.parse(readFileSync(file, "utf8")) as { deployment: { resources: { type: string; inputs: object }[] } };
    const { resources } = state.deployment;
    const old = resources
      .filter(({ type }) => type === "gcp:sql/databaseInstance:DatabaseInstance")
      .map((each) => ({ ...each, delete: true, inputs: { ...each.inputs, region: "europe-west1" } }));
    writeFileSync(file, JSON.stringify({ ...state, deployment: { resources: [...old, ...resources] } }));
    expect((await planGcp(resolveGcp(before), file)).changes).toEqual([]);
  });
});
