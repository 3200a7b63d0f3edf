import type { CommonFields } from "../model/common-fields";
import { violation } from "../model/errors";
import { type Field, integer, nullable, type Settings, text } from "../model/fields";
import { KUBERNETES_NAME } from "../model/names";
import type { PlatformRule } from "../model/platform";
import { serverName } from "../model/server-name";

/** A Redis of one's own, for platforms that share something through one. */
export const redisFields = {
  redisHost: nullable(text({ pattern: /^[A-Za-z0-9.-]+$/, form: "a DNS name" })),
  redisPort: integer({ min: 1, max: 65535, default: 6379 }),
  redisSecret: nullable(text(KUBERNETES_NAME)),
};

/** A Secret alone would be ignored. */
export function redisSecretNeedsRedis<F extends typeof redisFields & Readonly<Record<string, Field<unknown, boolean, unknown>>>>(
  platform: string,
  source: `https://${string}`,
): PlatformRule<F> {
  return {
    id: `${platform}-redis-settings-need-redis`,
    source,
    date: "2026-11-21",
    severity: "error",
    check: (settings, path) => {
      const { redisHost, redisSecret } = settings as Settings<typeof redisFields>;
      return redisSecret !== null && redisHost === null
        ? [violation(`${path}.redisSecret`, "is used only with redisHost", redisSecret, "set redisHost, or remove it")]
        : [];
    },
    passing: { redisHost: "redis.example.internal", redisSecret: "redis" },
    failing: { redisSecret: "redis" },
  };
}

type RedisSettings = Settings<typeof redisFields & CommonFields>;

/** A database of the Redis, by its number. */
export const redisDatabase = ({ redisHost, redisPort }: RedisSettings, number: number): Readonly<Record<string, string>> =>
  redisHost === null ? {} : { redisHost: `${serverName(redisHost, redisPort)}/${number}` };

/** The database of a URL in the Secret: no other is known of it. */
export const redisOfSecret = ({ namespace, redisSecret }: RedisSettings): Readonly<Record<string, string>> =>
  redisSecret === null ? {} : { redisSecret: `${namespace}/${redisSecret}` };
