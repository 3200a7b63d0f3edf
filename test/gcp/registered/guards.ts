import { describe, expect, it } from "vitest";
import { existingGcp, fullGcp, minimalGcp } from "../../fixtures/gcp";
import { ofType, one, registrationsOf } from "../../fixtures/registrations";

/** What holds data, or what data cannot be read or reached without. */
const GUARDED = ["DatabaseInstance", "User", "Secret", "SecretVersion", "RandomPassword", "ManagedZone", "RecordSet", "CloudSqlPostgres"];

describe("deletion", () => {
  it("is refused for everything that contains data, and for what makes it readable", async () => {
    const registrations = await registrationsOf(fullGcp);
    const open = GUARDED.flatMap((type) => ofType(registrations, type).filter(({ protect }) => !protect));
    // Read replicas hold no data that the primary lacks: removing one from the spec deletes it with its name.
    expect(open.map(({ name }) => name)).toEqual(["full-main-replica1", "full-main-replica2", "full-main-replica1"]);
    expect(open[2]?.type).toContain("RecordSet");
    for (const replica of open.slice(0, 2))
      expect(replica.inputs).toMatchObject({ deletionProtection: false, settings: { deletionProtectionEnabled: false } });
    expect(one(registrations, "DatabaseInstance", /main$/).inputs).toMatchObject({
      deletionProtection: true,
      settings: { deletionProtectionEnabled: true },
    });
    for (const type of GUARDED) expect(ofType(registrations, type).length, type).toBeGreaterThan(0);
  });

  it("is not refused for what the next plan makes again", async () => {
    const registrations = await registrationsOf(fullGcp);
    const made = ["Job", "CronJob", "ConfigMap", "IAMMember", "SecretIamMember", "Release", "ExternalSecret"];
    expect(made.flatMap((type) => ofType(registrations, type).filter(({ protect }) => protect)).map(({ name }) => name)).toEqual([]);
  });

  it("is refused before anything else is deleted: the guard depends on everything that a provider makes", async () => {
    const registrations = await registrationsOf(fullGcp);
    const guard = one(registrations, "DeletionGuard");
    expect(guard.protect).toBe(true);
    const missed = registrations.resources.filter(
      ({ urn, custom, type }) => custom && !type.startsWith("pulumi:") && !guard.dependsOn.includes(urn),
    );
    expect(missed.map(({ urn }) => urn)).toEqual([]);
  });

  it("is allowed where the spec says so", async () => {
    const spec = { ...minimalGcp, instances: { main: { deletionProtection: false } } };
    const registrations = await registrationsOf(spec);
    expect(registrations.resources.filter(({ protect }) => protect)).toEqual([]);
    expect(one(registrations, "DatabaseInstance").inputs).toMatchObject({
      deletionProtection: false,
      settings: { deletionProtectionEnabled: false, finalBackupConfig: { enabled: true }, retainBackupsOnDelete: true },
    });
  });

  it("is not refused for an existing database", async () => {
    expect((await registrationsOf(existingGcp)).resources.filter(({ protect }) => protect)).toEqual([]);
  });

  it("leaves a network's way to Google's services, namespaces, operators, and the right to the key", async () => {
    const kept = (await registrationsOf(fullGcp)).resources.filter(({ retainOnDelete }) => retainOnDelete);
    expect([...new Set(kept.map(({ type }) => type.split(":").at(-1)))].sort()).toEqual([
      "Connection",
      "CryptoKeyIAMMember",
      "GlobalAddress",
      "Namespace",
      "Release",
    ]);
    expect(kept.map(({ name }) => name)).not.toContain("provisioning-namespace");
  });
});
