import { GoogleAuth } from "google-auth-library";
import { isUnauthenticated, messageOf, SCOPE, statusOf, TIMEOUT } from "../../constructs/gcp/google-api";
import { onOneLine } from "../../constructs/provisioning/shown";
import { isOutOfReach } from "../../constructs/provisioning/stored-secret";
import { type Backups, type CloudView, type Machine, NO_BACKUPS, see } from "../cloud-instance";

/** Replaces the public endpoint of the Cloud SQL Admin API; gcloud reads it, too. */
const ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL";
const ENDPOINT = "https://sqladmin.googleapis.com/";

/** The role that allows every call. docs/reference/permissions.md names it. https://cloud.google.com/sql/docs/postgres/iam-roles, read 2026-12-01 */
export const ROLE = "Cloud SQL Viewer (roles/cloudsql.viewer)";

/** Pages of backups that are read at most. */
const PAGES = 10;

/** The parts of the API's `DatabaseInstance` that are read. */
interface FoundInstance {
  readonly state?: string;
  readonly gceZone?: string;
  readonly secondaryGceZone?: string;
  readonly settings?: {
    readonly tier?: string;
    /** In GB, which means GiB here. A 64-bit number, so JSON has it as a text. */
    readonly dataDiskSizeGb?: string;
    readonly availabilityType?: string;
    readonly backupConfiguration?: {
      readonly enabled?: boolean;
      readonly pointInTimeRecoveryEnabled?: boolean;
      readonly transactionLogRetentionDays?: number;
      readonly backupRetentionSettings?: { readonly retainedBackups?: number };
    };
  };
}

interface RecoveryTimes {
  readonly earliestRecoveryTime?: string;
  readonly latestRecoveryTime?: string;
}

interface BackupRuns {
  readonly items?: readonly { readonly status?: string; readonly endTime?: string }[];
  readonly nextPageToken?: string;
}

/**
 * Reads an instance of Cloud SQL with the user's own credentials.
 *
 * Sources, read 2026-12-01: https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1/instances/get,
 * https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1/projects.instances/getLatestRecoveryTime,
 * https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1/backupRuns/list
 *
 * @param connectionName `PROJECT:REGION:INSTANCE`; the project of a domain contains a colon.
 */
export async function describeCloudSql(connectionName: string): Promise<CloudView> {
  const [, project = "", name = ""] = /^(.+):[^:]+:([^:]+)$/.exec(connectionName) ?? [];
  const auth = new GoogleAuth({ scopes: SCOPE, projectId: project });
  const ask = async <T>(path: string): Promise<T> => {
    const instance = `v1/projects/${encodeURIComponent(project)}/instances/${encodeURIComponent(name)}`;
    const url = new URL(`${instance}${path}`, process.env[ENDPOINT_VARIABLE] ?? ENDPOINT);
    return (await auth.request<T>({ url: url.href, timeout: TIMEOUT, retry: false })).data;
  };
  const sentence = (error: unknown) => explain(error, project, name);
  const found = await see(ask<FoundInstance>(""), sentence);
  if (found.value === null) return { machine: found, backups: found };
  const instance = found.value;
  return { machine: { value: toMachine(instance), problem: null }, backups: await see(readBackups(ask, instance), sentence) };
}

function toMachine({ state = "unknown", gceZone, secondaryGceZone, settings = {} }: FoundInstance): Machine {
  const { tier = "unknown", dataDiskSizeGb, availabilityType } = settings;
  return {
    type: tier,
    diskGib: dataDiskSizeGb === undefined ? null : Number(dataDiskSizeGb),
    state,
    isUsable: state === "RUNNABLE",
    zone: gceZone ?? null,
    standby: availabilityType === "REGIONAL" ? { zone: secondaryGceZone ?? null } : null,
  };
}

type Ask = <T>(path: string) => Promise<T>;

async function readBackups(ask: Ask, { settings = {} }: FoundInstance): Promise<Backups> {
  const {
    enabled,
    pointInTimeRecoveryEnabled,
    transactionLogRetentionDays = null,
    backupRetentionSettings,
  } = settings.backupConfiguration ?? {};
  if (enabled !== true) return NO_BACKUPS;
  const kept = backupRetentionSettings?.retainedBackups ?? null;
  if (pointInTimeRecoveryEnabled !== true) return { areOn: true, days: null, kept, ...(await readRuns(ask)) };
  const { earliestRecoveryTime, latestRecoveryTime } = await ask<RecoveryTimes>("/getLatestRecoveryTime");
  const days = transactionLogRetentionDays;
  return { areOn: true, days, kept, oldest: toDate(earliestRecoveryTime), latest: toDate(latestRecoveryTime) };
}

const toDate = (text: string | undefined): Date | null => (text === undefined ? null : new Date(text));

/** The oldest and the newest backup. */
async function readRuns(ask: Ask): Promise<Pick<Backups, "oldest" | "latest">> {
  const ends: number[] = [];
  let token = "";
  for (let page = 0; page < PAGES; page += 1) {
    const { items = [], nextPageToken = "" } = await ask<BackupRuns>(
      `/backupRuns${token === "" ? "" : `?pageToken=${encodeURIComponent(token)}`}`,
    );
    for (const { status, endTime } of items) if (status === "SUCCESSFUL" && endTime !== undefined) ends.push(Date.parse(endTime));
    token = nextPageToken;
    if (token === "") break;
  }
  if (ends.length === 0) return { oldest: null, latest: null };
  return { oldest: new Date(Math.min(...ends)), latest: new Date(Math.max(...ends)) };
}

/** Describes an error of the Cloud SQL Admin API in one sentence. */
function explain(error: unknown, project: string, name: string): string {
  const [status, message] = [statusOf(error), onOneLine(messageOf(error))];
  if (status === 403) return `you have no permission to query Cloud SQL (${message}); grant ${ROLE}`;
  if (status === 404) return `project ${project} has no instance ${name}; deploy the environment again, or use newer outputs`;
  if (isOutOfReach(error)) return "Cloud SQL does not answer; check the network and run this again";
  if (isUnauthenticated(error))
    return `there are no valid credentials for Google Cloud (${message}); run gcloud auth application-default login`;
  return `Cloud SQL failed (${message}); run this again`;
}
