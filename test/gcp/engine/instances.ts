import type { Inputs, Things } from "./world";

/*
 * What Google's provider does with an instance, as its code has it:
 * https://github.com/hashicorp/terraform-provider-google-beta/blob/93c65b2/google-beta/services/sql/resource_sql_database_instance.go
 * and what Cloud SQL answers. The sentences of Cloud SQL are this double's own where no source quotes them.
 */

export const INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";

interface Settings {
  readonly diskSize?: number;
  readonly diskAutoresize?: boolean;
  readonly edition?: string;
  readonly tier?: string;
}

const settingsOf = ({ settings }: Inputs): Settings => (settings ?? {}) as Settings;
const withSettings = (inputs: Inputs, change: Settings): Inputs => ({ ...inputs, settings: { ...settingsOf(inputs), ...change } });

/** A replica is as large as its primary is by then. */
export function createInstance(all: Things, inputs: Inputs): Inputs {
  const primary = Object.values(all).find(({ name }) => name === inputs.masterInstanceName);
  return primary === undefined ? inputs : withSettings(inputs, { diskSize: settingsOf(primary).diskSize });
}

/** `diskSizeCutomizeDiff`: as long as a disk grows by itself, a smaller size is no difference. */
export function ignoreSmallerDisk(old: Inputs, next: Inputs): Inputs {
  const [had, has] = [settingsOf(old), settingsOf(next)];
  return has.diskAutoresize === true && (has.diskSize ?? 0) < (had.diskSize ?? 0) ? withSettings(next, { diskSize: had.diskSize }) : next;
}

/** And where it does not, a smaller size takes a new instance. */
export const shrinks = (old: Inputs, next: Inputs): boolean =>
  settingsOf(next).diskAutoresize === false && (settingsOf(next).diskSize ?? 0) < (settingsOf(old).diskSize ?? 0);

/**
 * One update. After a version or an edition the provider reads the instance, and takes that for what is wanted: the rest is lost.
 *
 * @param now what there is. @param old what the state says of it.
 */
export function updateInstance(
  all: Things,
  now: Inputs,
  old: Inputs,
  inputs: Inputs,
): { readonly primary: Inputs; readonly replicas: Things } {
  if (inputs.databaseVersion !== old.databaseVersion) return upgrade(all, now, inputs);
  const { edition, tier } = settingsOf(inputs);
  if (edition !== settingsOf(old).edition) return { primary: withSettings(now, { edition, tier }), replicas: {} };
  const { diskSize } = settingsOf(ignoreSmallerDisk(old, inputs));
  // What nobody writes is sent as the state has it.
  const sent = diskSize ?? settingsOf(old).diskSize;
  if (sent !== undefined && sent < (settingsOf(now).diskSize ?? 0))
    throw new Error(
      "Error, failed to update instance settings: googleapi: Error 400: Invalid request: The disk size cannot decrease., invalid",
    );
  // No version is sent with settings.
  return { primary: withSettings({ ...now, ...inputs, databaseVersion: now.databaseVersion }, { diskSize: sent }), replicas: {} };
}

function upgrade(all: Things, now: Inputs, { databaseVersion, includeReplicasForMajorVersionUpgrade }: Inputs) {
  const replicas = Object.entries(all).filter(([, { masterInstanceName }]) => masterInstanceName === now.name);
  if (replicas.length > 0 && includeReplicasForMajorVersionUpgrade !== true)
    throw new Error("Error 400: Invalid request: the major version of an instance with replicas cannot be upgraded without them");
  const upgraded = replicas.map(([key, replica]): [string, Inputs] => [key, { ...replica, databaseVersion }]);
  return { primary: { ...now, databaseVersion }, replicas: Object.fromEntries(upgraded) };
}
