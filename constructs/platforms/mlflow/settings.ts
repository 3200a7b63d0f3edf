import type { CommonFields } from "../../model/common-fields";
import { flag, integer, type Settings } from "../../model/fields";
import { hostFields } from "./hosts";

export const mlflowFields = {
  /** Server processes in each pod. @defaultValue `2` */
  workers: integer({ min: 1, max: 64, default: 2 }),
  /** Connections that each engine of a process keeps open. MLflow ignores 0 and uses 5 instead. @defaultValue `3` */
  poolSize: integer({ min: 1, max: 100, default: 3 }),
  /** Further connections under load. MLflow ignores 0 and uses 10 instead. @defaultValue `2` */
  maxOverflow: integer({ min: 1, max: 100, default: 2 }),
  /**
   * Runs jobs within the server: automatic scorers, and evaluation and prompt optimisation from the UI. They use connections.
   *
   * @defaultValue `false`
   */
  jobs: flag(false),
  /**
   * Reads from the instance's first read replica, if it has `readReplicas`, and writes to the primary. A reply can then be older than the
   * client's latest change: MLflow's own client fails to start runs if the replica lags by a second.
   *
   * @defaultValue `false`
   */
  readFromReplica: flag(false),
  /**
   * Further hosts that clients and browsers use, such as an ingress's. A host without a port matches any port. `*` matches any part of a name.
   *
   * @defaultValue `[]`
   */
  hosts: hostFields.hosts,
  /** Other sites whose pages may call MLflow from a browser. `*` allows every site, without credentials. @defaultValue `[]` */
  origins: hostFields.origins,
};

export type MlflowFields = typeof mlflowFields;
export type MlflowSettings = Settings<MlflowFields & CommonFields>;
