import type { Listener } from "../../model/platform";

/** The outputs of a deployed environment. They contain no secret. */
export interface Outputs {
  readonly environment: string;
  readonly instances: Readonly<
    Record<
      string,
      {
        readonly host: string;
        readonly port: number;
        /** PEM text. */
        readonly ca: string;
        /** `project:region:instance`; null if the server is not Cloud SQL. */
        readonly connectionName: string | null;
        /** The first read replica; left out if there is none, and by earlier versions. */
        readonly reader?: Listener & { readonly connectionName: string };
        /** Full name of the master's secret. */
        readonly masterSecret: string;
        /** The CronJob that rotates passwords; null without a cluster, left out by earlier versions. */
        readonly rotation?: RotationCronJob | null;
      }
    >
  >;
  /** Full names of the platforms' secrets. */
  readonly platforms: Readonly<Record<string, { readonly secret: string }>>;
}

/** In the environment's cluster. */
export interface RotationCronJob {
  readonly namespace: string;
  readonly cronJob: string;
}
