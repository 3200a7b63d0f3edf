import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { planGcp } from "../../../infra/gcp/plan";
import type { NamedSpec } from "../../../infra/spec";
import { temporary } from "../../fixtures/cli";
import { minimalGcp, resolveGcp, withGcp } from "../../fixtures/gcp";
import { registrationsOf } from "../../fixtures/registrations";

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What `pulumi stack export` would print after a deployment. */
async function stored(spec: NamedSpec): Promise<string> {
  const { resources } = await registrationsOf(spec);
  const file = join(directory, "state.json");
  writeFileSync(file, JSON.stringify({ version: 3, deployment: { resources } }));
  return file;
}

const before: NamedSpec = { ...minimalGcp, instances: { main: { readReplicas: 1 } } };
const withMain = (change: object): NamedSpec => ({ ...before, instances: { main: { readReplicas: 1, ...change } } });
const planOf = async (spec: NamedSpec, against: NamedSpec | null = before) =>
  planGcp(resolveGcp(spec), against === null ? null : await stored(against));

describe("plan for Google Cloud", () => {
  it("counts what there would be, by how long it lives", async () => {
    const { resources, examples, compared } = await planOf(before, null);
    expect(resources).toContainEqual({ stack: "minimal database", type: "gcp:sql/databaseInstance:DatabaseInstance", count: 2 });
    expect(resources).toContainEqual({ stack: "minimal database", type: "gcp:secretmanager/secret:Secret", count: 1 });
    expect(resources).toContainEqual({ stack: "minimal access", type: "kubernetes:batch/v1:Job", count: 1 });
    expect(resources.map(({ stack }) => stack)).not.toContain("minimal platforms");
    expect([examples, compared]).toEqual([[], null]);
  });

  it("finds nothing where nothing changes, nor where a change is made in place", async () => {
    const harmless = [
      before,
      { ...before, labels: { stage: "test" } },
      withMain({ size: { vcpus: 4, memoryGib: 16 }, majorVersion: 18, highAvailability: false }),
      withMain({ storageGib: 20 }),
      withMain({ readReplicas: 0 }),
      { ...before, platforms: { prefect: {}, mlflow: {} } },
      // They stay, for whoever uses the network besides.
      withGcp(before, { privateServicesAccess: { create: false } }),
    ];
    for (const spec of harmless) expect((await planOf(spec)).dangers).toEqual([]);
  });

  it.each([
    [
      "another region",
      withGcp(before, { region: "europe-west1" }),
      /^DatabaseInstance minimal-main would be replaced by an empty one, because of region/,
    ],
    [
      "another key",
      withGcp(before, { encryptionKey: "projects/my-project/locations/europe-west4/keyRings/ml/cryptoKeys/other" }),
      /^DatabaseInstance minimal-main would be replaced by an empty one, because of encryptionKeyName/,
    ],
    ["a platform less", { ...before, platforms: {} }, /^Secret minimal--prefect would be deleted; keep it in the spec$/],
    ["an older version", withMain({ majorVersion: 16 }), /^DatabaseInstance minimal-main: the major version cannot go from 17 to 16/],
    ["another instance's name", { ...before, instances: { other: {} } }, /^DatabaseInstance minimal-main would be deleted/],
    [
      "another network's way",
      withGcp(before, { privateServicesAccess: { prefixLength: 16 } }),
      /^GlobalAddress private-services-range would be replaced by an empty one, because of prefixLength/,
    ],
    [
      "no backups",
      withMain({ backupRetentionDays: 0, pointInTimeRecovery: false, highAvailability: false, readReplicas: 0 }),
      /^DatabaseInstance minimal-main would have no automated backups, and no recovery to a moment; keep backupRetentionDays at 1 or more$/,
    ],
    [
      "no protection",
      withMain({ deletionProtection: false }),
      /^DatabaseInstance minimal-main would no longer be protected from deletion; keep deletionProtection, unless it is to be deleted$/,
    ],
    [
      "another project",
      withGcp(before, { project: "other-project" }),
      /^DatabaseInstance minimal-main would be replaced by an empty one, because of project/,
    ],
  ] as const)("tells what would be lost with %s", async (_what, spec, expected) => {
    expect((await planOf(spec)).dangers).toContainEqual(expect.stringMatching(expected));
  });

  it("tells that a disk which does not grow by itself does not shrink either", async () => {
    const fixed = (storageGib: number) => withMain({ storageGib, maxStorageGib: null });
    expect((await planOf(fixed(50), fixed(100))).dangers).toEqual([
      "DatabaseInstance minimal-main: the disk cannot go from 100 to 50; Cloud SQL lets it only grow",
    ]);
  });

  it("tells what would restart, and does not where nothing would", async () => {
    const { notes, dangers } = await planOf(withMain({ parameters: { max_connections: 300 } }));
    expect(notes).toEqual([
      "DatabaseInstance minimal-main would restart, because of max_connections",
      "DatabaseInstance minimal-main-replica1 would restart, because of max_connections",
    ]);
    expect(dangers).toEqual([]);
    expect((await planOf(withMain({ parameters: { work_mem: "8MB" } }))).notes).toEqual([]);
    expect((await planOf({ ...before, instances: { main: { majorVersion: 18 } } })).notes).toContain(
      "DatabaseInstance minimal-main would restart, because of databaseVersion",
    );
  });

  it("says that replicas are upgraded with their primary, and that other settings of the same run take a second one", async () => {
    const { notes, dangers } = await planOf(withMain({ size: { vcpus: 4, memoryGib: 8 }, majorVersion: 18 }));
    expect(dangers).toEqual([]);
    expect(notes).toEqual([
      "DatabaseInstance minimal-main would restart, because of databaseVersion, settings.tier; its replicas are upgraded and restart with it",
      "DatabaseInstance minimal-main-replica1 would restart, because of settings.tier",
      "DatabaseInstance minimal-main: run pulumi up --stack minimal a second time, because Google's provider may lose settings.tier in a run that changes databaseVersion",
    ]);
    const enterprise = withMain({ size: { vcpus: 2, memoryGib: 8 } });
    const plus = (change: object) => withGcp(withMain({ size: { vcpus: 2, memoryGib: 16 }, ...change }), { edition: "ENTERPRISE_PLUS" });
    const secondRuns = async (change: object) =>
      (await planOf(plus(change), enterprise)).notes.filter((note) => note.includes("second time"));
    // The tier is sent with the edition; flags are not.
    expect(await secondRuns({ parameters: { max_connections: 300 }, readReplicas: 0 })).toEqual([
      "DatabaseInstance minimal-main: run pulumi up --stack minimal a second time, because Google's provider may lose settings.databaseFlags[].value in a run that changes settings.edition",
    ]);
  });

  it("says what goes with a replica, a platform or an operator that is taken out, and what stays", async () => {
    const cluster = { name: "ml", location: "europe-west4" };
    const own = withGcp(before, { cluster: { ...cluster, installExternalSecrets: true, installReloader: true } });
    const less = withGcp({ ...before, instances: { main: { readReplicas: 0 } }, platforms: {} }, { cluster });
    expect((await planOf(less, own)).notes).toEqual([
      "DatabaseInstance minimal-main-replica1 would be deleted; a read replica has no data that its primary does not have",
      "Release external-secrets would stay in the cluster, and this project would no longer upgrade it; name a new owner",
      "Release prefect would be uninstalled; its databases stay",
      "Release reloader would stay in the cluster, and this project would no longer upgrade it; name a new owner",
    ]);
  });

  it("warns of a peering that the network may have, before Google refuses it, and not where it is this stack's", async () => {
    const note =
      "Connection private-services-peering would be created, and Google rejects a second one in a network; if gcloud services vpc-peerings list --network ml --project my-project shows one (of another environment, or left by a destroyed stack), set gcp.privateServicesAccess.create to false";
    expect((await planOf(before, null)).notes).toContain(note);
    expect((await planOf(before)).notes).toEqual([]);
    expect((await planOf(withGcp(before, { privateServicesAccess: { create: false } }), null)).notes).not.toContain(note);
  });

  it("says where a new instance keeps its backups, if Cloud SQL would keep them in several regions", async () => {
    const notesOf = async (main: object, against?: null) =>
      (await planOf(withMain(main), against)).notes.filter((note) => note.includes("backup"));
    expect(await notesOf({}, null)).toEqual([
      'DatabaseInstance minimal-main would keep its backups in europe-west4 only, and Cloud SQL\'s default is a multi-region; to use one, set backupReplication in gcp.instances, such as { region: "eu" }',
    ]);
    expect(await notesOf({})).toEqual([]);
    expect(await notesOf({ backupReplication: { region: "eu" } }, null)).toEqual([]);
    expect(await notesOf({ readReplicas: 0, highAvailability: false, backupRetentionDays: 0, pointInTimeRecovery: false }, null)).toEqual(
      [],
    );
  });

  it("says that a disk which has grown stays, where storageGib is smaller", async () => {
    const { notes, dangers } = await planOf(withMain({ storageGib: 50 }));
    expect([notes, dangers]).toEqual([
      ["DatabaseInstance minimal-main: its disk of 100 GiB stays, because storageGib (50) is smaller"],
      [],
    ]);
  });

  it("refuses what is no state of this environment", async () => {
    const plan = (file: string) => planGcp(resolveGcp(before), file);
    await expect(plan(join(directory, "missing.json"))).rejects.toThrow(
      `there is no file ${join(directory, "missing.json")}; run pulumi stack export --stack minimal > ${join(directory, "missing.json")}`,
    );
    const other = join(directory, "other.json");
    writeFileSync(other, JSON.stringify({ deployment: { resources: [{ urn: "urn:pulumi:other::platform-postgres::a::b", type: "a" }] } }));
    await expect(plan(other)).rejects.toThrow("contains nothing of stack minimal");
    writeFileSync(other, "{}");
    await expect(plan(other)).rejects.toThrow("contains no state of Pulumi");
  });
});
