import type { Tenant } from "../model/spec";
import type { Server } from "../provisioning/connect";

/** What the program in the cluster needs to know of an instance. It holds no secret, and nothing that is known late. */
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

/** What the program can be told to do. */
export type Command = "provision" | "rotate";
