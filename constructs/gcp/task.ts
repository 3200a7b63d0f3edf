import type { Tenant } from "../model/spec";
import type { Server } from "../provisioning/connect";
import type { Renewal } from "../provisioning/renewal";

/** The input of the program in the cluster, for one instance. It contains no secret and no deploy-time values. */
export interface Task {
  readonly environment: string;
  readonly server: Server;
  /** The master's secret: its whole name, `projects/P/secrets/NAME`. */
  readonly masterSecret: string;
  /** Whether the master's password is ours to rotate. */
  readonly rotatesMaster: boolean;
  /** Whole names of the platforms' secrets, by the id that a tenant has for its own. */
  readonly secrets: Readonly<Record<string, string>>;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  /** Days after which a password is rotated. */
  readonly rotationDays: number;
}

/** A `Task` as JSON lies beside the program, under this name. */
export const TASK_FILE = "task.json";

/** Commands of the program: `rotate` renews the passwords that are due, `renew` the password of one platform, for a person. */
export type Command = "provision" | "rotate" | "renew";

/** Prefix of the lines in which the program only reports what it waits for. */
export const WAITING = "waiting: ";

const REVOKE = "--revoke";
const FORCE = "--force";

/** The program's arguments by which a person has a platform's password renewed. No secret is among them. */
export const toRenewArguments = (platform: string, { revoke, force }: Renewal): readonly string[] => [
  "renew" satisfies Command,
  platform,
  ...(revoke ? [REVOKE] : []),
  ...(force ? [FORCE] : []),
];

/** Reads what follows the command in those. */
export function readRenewArguments([platform = "", ...options]: readonly string[]): Renewal & { readonly platform: string } {
  return { platform, revoke: options.includes(REVOKE), force: options.includes(FORCE) };
}
