import type { Listener } from "../../model/platform";

/** What the stacks print of an environment. */
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
        /** ARN of what encrypts its secrets; null where that is the account's own key. */
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
        /** What External Secrets reads it with; null without a cluster. */
        readonly readerRoleArn: string | null;
      }
    >
  >;
  /** By instance. Null if the deployment is of an earlier version, or has no functions. */
  readonly rotation: Readonly<Record<string, RotationFunctions>> | null;
}

/** ARNs of the functions that rotate passwords on an instance. */
export interface RotationFunctions {
  /** Of the platforms that are named after their kind, and the master; null if there is none. */
  readonly platforms: string | null;
  /** Of the platforms whose names differ from their kinds; null if there is none. */
  readonly furtherPlatforms: string | null;
}

/** A name as part of a logical id, which allows letters and digits only. No name contains a capital letter. */
export const idPart = (name: string): string => name.replaceAll("-", "X");

/** Output with the platforms of an instance that are in a nested stack: one output for each instance. */
export const innerOutput = (instance: string): string => `Platforms${idPart(instance)}`;

/** Output with the functions that rotate passwords. */
export const ROTATION = "Rotation";
