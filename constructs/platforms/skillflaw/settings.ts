import type { CommonFields } from "../../model/common-fields";
import { integer, nullable, type Settings, text } from "../../model/fields";
import { KUBERNETES_NAME } from "../../model/names";
import { redisFields } from "../redis";

export const skillflawFields = {
  /** Server processes in each pod. @defaultValue `1` */
  workers: integer({ min: 1, max: 64, default: 1 }),
  /** Connections that each process keeps open. (SkillFlaw's own default is 20.) @defaultValue `5` */
  poolSize: integer({ min: 1, max: 100, default: 5 }),
  /** Further connections under load; 0 means none. (SkillFlaw's own default is 30.) @defaultValue `5` */
  maxOverflow: integer({ min: 0, max: 100, default: 5 }),
  /**
   * Kubernetes Secret with the key (`secret_key`) that encrypts stored credentials; null lets SkillFlaw create one in its volume.
   *
   * @defaultValue `null`
   */
  secretKeySecret: nullable(text(KUBERNETES_NAME)),
  /** PersistentVolumeClaim for SkillFlaw's files, writable by several pods; null creates one for one pod. @defaultValue `null` */
  configClaim: nullable(text(KUBERNETES_NAME)),
  /** DNS name of a Redis for the cache and the job queue; null keeps them within the pod. @defaultValue `null` */
  redisHost: redisFields.redisHost,
  /** TCP port of the Redis. @defaultValue `6379` */
  redisPort: redisFields.redisPort,
  /**
   * Kubernetes Secret with `redis-url` and `redis-queue-url` (`redis://:password@host:port/0` and `/1`); null for a Redis without
   * password.
   *
   * @defaultValue `null`
   */
  redisSecret: redisFields.redisSecret,
};

export type SkillflawFields = typeof skillflawFields;
export type SkillflawSettings = Settings<SkillflawFields & CommonFields>;
