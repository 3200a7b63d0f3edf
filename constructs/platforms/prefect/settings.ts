import type { CommonFields } from "../../model/common-fields";
import { integer, type Settings } from "../../model/fields";
import { redisFields } from "../redis";

export const prefectFields = {
  /** Connections that each server keeps open. @defaultValue `5` */
  poolSize: integer({ min: 1, max: 100, default: 5 }),
  /**
   * Further connections under load; 0 means none. (-1 means unlimited, contrary to Prefect's own help text, and is rejected.)
   *
   * @defaultValue `5`
   */
  maxOverflow: integer({ min: 0, max: 100, default: 5 }),
  /**
   * DNS name of a Redis: background services then run separately from the server, and a Job migrates. Null keeps one Deployment.
   *
   * @defaultValue `null`
   */
  redisHost: redisFields.redisHost,
  /** TCP port of the Redis. @defaultValue `6379` */
  redisPort: redisFields.redisPort,
  /**
   * Kubernetes Secret with `redis-password` and `docket-url` (`redis://:password@host:port/0`); null for a Redis without password.
   *
   * @defaultValue `null`
   */
  redisSecret: redisFields.redisSecret,
};

export type PrefectFields = typeof prefectFields;
export type PrefectSettings = Settings<PrefectFields & CommonFields>;
