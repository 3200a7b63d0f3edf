import type { Tenant } from "../model/spec";
import type { Server } from "../provisioning/connect";
import type { Renewal } from "../provisioning/renewal";

/** The input of the program in the cluster, for one instance. It contains no secret and no deploy-time values. */
export interface Task {
  readonly environment: string;
  readonly server: Server;
  /** Full name of the master's secret, `projects/P/secrets/NAME`. */
  readonly masterSecret: string;
  /** Whether to rotate the master's password. */
  readonly rotatesMaster: boolean;
  /** Full names of the platforms' secrets, by the tenant's secret ID. */
  readonly secrets: Readonly<Record<string, string>>;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  /** Days after which a password is rotated. */
  readonly rotationDays: number;
}

/** Name of the file next to the program with a `Task` as JSON. */
export const TASK_FILE = "task.json";

/** Commands of the program: `rotate` renews due passwords, `renew` the password of one platform on request. */
export type Command = "provision" | "rotate" | "renew";

/** Prefix of lines that only report what the program waits for. */
export const WAITING = "waiting: ";

const REVOKE = "--revoke";
const FORCE = "--force";

/** Returns the program's arguments that renew a platform's password on request. They contain no secret. */
export const toRenewArguments = (platform: string, { revoke, force }: Renewal): readonly string[] => [
  "renew" satisfies Command,
  platform,
  ...(revoke ? [REVOKE] : []),
  ...(force ? [FORCE] : []),
];

/** Reads the arguments after the command. */
export function readRenewArguments([platform = "", ...options]: readonly string[]): Renewal & { readonly platform: string } {
  return { platform, revoke: options.includes(REVOKE), force: options.includes(FORCE) };
}
