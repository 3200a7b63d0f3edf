import { integer, type Settings } from "../../model/fields";
import type { CommonFields } from "../../model/platform";
import { redisFields } from "../redis";

export const prefectFields = {
  /** Connections that each server keeps open. */
  poolSize: integer({ min: 1, max: 100, default: 5 }),
  /** Further connections under load; 0 is none. (-1 is unlimited, contrary to Prefect's own help text, and is refused.) */
  maxOverflow: integer({ min: 0, max: 100, default: 5 }),
  /**
   * With `redisHost`, background services run apart from the server, and a Job migrates; null keeps one Deployment. `redisSecret` is a
   * Kubernetes Secret with `redis-password` and `docket-url` (`redis://:password@host:port/0`); null for a Redis without password.
   */
  ...redisFields,
};

export type PrefectFields = typeof prefectFields;
export type PrefectSettings = Settings<PrefectFields & CommonFields>;
