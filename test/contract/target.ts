import { expect, it } from "vitest";
import type { CoreSpec } from "../../constructs/model/spec";
import type { platforms } from "../../constructs/platforms/registry";

type Spec = CoreSpec<typeof platforms>;

/** What a target made of an instance `main` and its platforms, in words of no cloud. A promise that it cannot keep is `undefined`. */
export interface Observed {
  readonly majorVersion: number;
  /** Whether a standby in another zone takes over. */
  readonly highAvailability?: boolean;
  readonly readReplicas?: number;
  readonly storageGib?: number;
  /** Null where the disk does not grow. */
  readonly maxStorageGib?: number | null;
  readonly backupRetentionDays?: number;
  /** hh:mm-hh:mm, UTC. */
  readonly backupWindow?: string;
  /** ddd:hh:mm-ddd:hh:mm, UTC. */
  readonly maintenanceWindow?: string;
  /** The region that backups are copied to, or null. */
  readonly backupReplication?: string | null;
  readonly encryptedAtRest?: boolean;
  readonly plainTextRefused: boolean;
  readonly publicAddress: boolean;
  /** CIDR blocks that may connect. */
  readonly allowedSources?: readonly string[];
  readonly iamAuthentication?: boolean;
  /** Whether a deletion is refused, and whether the data outlives its deployment. */
  readonly deletionProtection?: boolean;
  readonly outlivesDeployment: boolean;
  readonly maxConnections: number;
  /** As PostgreSQL shows them in its base unit; of those asked for. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Platforms that have a secret of their own. */
  readonly secrets: readonly string[];
}

export type PromiseName = keyof Observed;

/** How a target is observed. */
export interface TargetCase {
  /** @param parameters names that `Observed.parameters` has to hold. */
  observe(spec: Spec, parameters: readonly string[]): Promise<Observed>;
  /** What it has nothing to keep with, and why: those promises are not asked of it, and the run shows them as skipped with the reason. */
  readonly exceptions: Partial<Readonly<Record<PromiseName, string>>>;
}

/** What each target must make of the same words. */
const FULL = {
  majorVersion: 17,
  highAvailability: true,
  readReplicas: 1,
  storageGib: 120,
  maxStorageGib: 300,
  backupRetentionDays: 14,
  backupWindow: "01:00-02:00",
  maintenanceWindow: "sat:04:00-sat:05:00",
  allowedSources: ["10.20.0.0/16"],
  iamAuthentication: true,
  deletionProtection: true,
} as const;

const spec = (main: object): Spec => ({
  name: "contract",
  owner: "ml",
  labels: { stage: "test" },
  instances: { main },
  platforms: { prefect: {}, mlflow: {} },
});

/** The suite that every target passes, with exceptions by name. */
export function targetContract({ observe, exceptions }: TargetCase): void {
  const promise = (name: PromiseName, sentence: string, main: object, expected: unknown, parameters: readonly string[] = []) => {
    const reason = exceptions[name];
    // Shown as skipped, with the reason, so that nobody takes it for kept.
    if (reason !== undefined) return it.skip(`${sentence}: ${reason}`);
    it(sentence, async () => expect((await observe(spec(main), parameters))[name]).toEqual(expected));
  };

  for (const [name, value] of Object.entries(FULL)) promise(name as PromiseName, `does as the spec says of ${name}`, FULL, value);
  promise("highAvailability", "has no standby where none is asked for", { highAvailability: false }, false);
  promise("readReplicas", "has no replica where none is asked for", {}, 0);
  promise("maxStorageGib", "lets the disk grow to five times its size by default", { storageGib: 100 }, 500);
  promise("maxStorageGib", "does not let the disk grow where the spec says null", { maxStorageGib: null }, null);
  promise("backupRetentionDays", "keeps automated backups for seven days by default", {}, 7);
  promise(
    "backupRetentionDays",
    "keeps none where the spec says 0",
    { backupRetentionDays: 0, pointInTimeRecovery: false, highAvailability: false },
    0,
  );
  promise("backupReplication", "copies backups nowhere by default", {}, null);
  promise("encryptedAtRest", "encrypts the disk, whatever the spec says", {}, true);
  promise("plainTextRefused", "refuses connections without TLS, whatever the spec says", {}, true);
  promise("publicAddress", "has no public address, whatever the spec says", {}, false);
  promise("allowedSources", "lets no network in by default", {}, []);
  promise("iamAuthentication", "takes passwords only by default", {}, false);
  promise("deletionProtection", "refuses deletion by default", {}, true);
  promise("deletionProtection", "lets itself be deleted where the spec says so", { deletionProtection: false }, false);
  promise(
    "outlivesDeployment",
    "keeps the data when its deployment is removed, whatever the spec says",
    { deletionProtection: false },
    true,
  );
  promise("maxConnections", "sets max_connections where the spec says so", { parameters: { max_connections: 150 } }, 150);
  promise("parameters", "sets the spec's parameters", { parameters: { work_mem: "16MB" } }, { work_mem: "16384" }, ["work_mem"]);
  promise("parameters", "logs slow statements by default", {}, { log_min_duration_statement: "1000" }, ["log_min_duration_statement"]);
  promise("labels", "carries the labels, the owner and the environment", {}, { stage: "test", owner: "ml", environment: "contract" });
  promise("secrets", "gives each platform a secret of its own", {}, ["mlflow", "prefect"]);
}
