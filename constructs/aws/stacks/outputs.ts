import type { Listener } from "../../model/platform";

/** The outputs of an environment's stacks. */
export interface Outputs {
  readonly instances: Readonly<
    Record<
      string,
      {
        readonly host: string;
        readonly port: number;
        /** The first read replica; left out if there is none, and by earlier versions. */
        readonly reader?: Listener;
        /** ARN. */
        readonly masterSecret: string;
        /** ARN of the key that encrypts its secrets; null for the account's own key. */
        readonly key: string | null;
        readonly securityGroups: readonly string[];
        /** Command that restarts the instance; null for an existing database. */
        readonly restart: string | null;
      }
    >
  >;
  readonly platforms: Readonly<
    Record<
      string,
      {
        readonly secretArn: string;
        /** The role that External Secrets reads it with; null without a cluster. */
        readonly readerRoleArn: string | null;
      }
    >
  >;
  /** By instance. Null if the deployment is of an earlier version, or has no functions. */
  readonly rotation: Readonly<Record<string, RotationFunctions>> | null;
}

/** ARNs of the functions that rotate passwords on an instance. */
export interface RotationFunctions {
  /** For platforms that are named after their kind, and the master; null if there is none. */
  readonly platforms: string | null;
  /** For platforms whose names differ from their kinds; null if there is none. */
  readonly furtherPlatforms: string | null;
}

/** Returns a name as part of a logical ID, which allows only letters and digits. No name contains a capital letter. */
export const idPart = (name: string): string => name.replaceAll("-", "X");

/** Output with the platforms of an instance that are in a nested stack: one output per instance. */
export const innerOutput = (instance: string): string => `Platforms${idPart(instance)}`;

/** Output with the functions that rotate passwords. */
export const ROTATION = "Rotation";
