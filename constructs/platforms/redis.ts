import { IPV4, isThisMachine } from "../model/address";
import type { CommonFields } from "../model/common-fields";
import { violation } from "../model/errors";
import { type Field, integer, nullable, type Settings, text } from "../model/fields";
import { KUBERNETES_NAME } from "../model/names";
import type { PlatformRule } from "../model/platform";
import { refusePort } from "../model/rules/server-rules";
import { serverName } from "../model/server-name";

/** A part of a name; the last one is not a number. */
const LABEL = "(?!\\d+\\.?$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";

/** Your own Redis, for platforms that share data through one. */
export const redisFields = {
  redisHost: nullable(
    text({
      pattern: new RegExp(`^(?:${IPV4}|${LABEL}(?:\\.${LABEL})*\\.?)$`),
      form: "a DNS name or an IPv4 address, without a scheme or port (use redisPort)",
      longest: 254,
    }),
  ),
  redisPort: integer({ min: 1, max: 65535, default: 6379 }),
  redisSecret: nullable(text(KUBERNETES_NAME)),
};

/** Rules about the settings of a Redis. @param source the chart's page about them. */
export const redisRules = <F extends typeof redisFields & Readonly<Record<string, Field<unknown, boolean, unknown>>>>(
  platform: string,
  source: `https://${string}`,
): readonly PlatformRule<F>[] => [
  {
    id: `${platform}-redis-settings-need-redis`,
    why: "Without redisHost the platform runs without Redis, and ignores these settings.",
    source,
    date: "2026-11-21",
    severity: "error",
    check: (settings, path) => {
      const { redisHost, ...others } = settings as Settings<typeof redisFields>;
      if (redisHost !== null) return [];
      const set = (["redisPort", "redisSecret"] as const).filter((key) => others[key] !== redisFields[key].default);
      return set.map((key) => violation(`${path}.${key}`, "is used only with redisHost", others[key], "set redisHost, or remove it"));
    },
    passing: { redisHost: "redis.example.internal", redisPort: 6380, redisSecret: "redis" },
    failing: { redisPort: 6380 },
  },
  {
    id: `${platform}-redis-is-elsewhere`,
    why: "In a pod, localhost is the pod itself, where no Redis listens, so the platform does not start.",
    source: "https://kubernetes.io/docs/concepts/workloads/pods/",
    date: "2026-11-30",
    severity: "error",
    check: (settings, path) => {
      const { redisHost } = settings as Settings<typeof redisFields>;
      return redisHost !== null && isThisMachine(redisHost)
        ? [
            violation(
              `${path}.redisHost`,
              "means the pod itself, where no Redis listens",
              redisHost,
              "name the Service of the Redis, or its DNS name",
            ),
          ]
        : [];
    },
    passing: { redisHost: "redis.redis.svc.cluster.local" },
    failing: { redisHost: "localhost" },
  },
  {
    id: `${platform}-redis-port-is-of-redis`,
    why: "The platform waits for a server that does not speak the Redis protocol; a Sentinel rejects its commands.",
    source: "https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/",
    date: "2026-11-30",
    severity: "warning",
    check: (settings, path) =>
      refusePort(`${path}.redisPort`, (settings as Settings<typeof redisFields>).redisPort, "Redis", "usually 6379"),
    passing: { redisHost: "redis.example.internal", redisPort: 6380 },
    failing: { redisHost: "redis.example.internal", redisPort: 26379 },
  },
];

type RedisSettings = Settings<typeof redisFields & CommonFields>;

/** Returns a database of the Redis, by its number. */
export const redisDatabase = ({ redisHost, redisPort }: RedisSettings, number: number): Readonly<Record<string, string>> =>
  redisHost === null ? {} : { redisHost: `${serverName(redisHost, redisPort)}/${number}` };

/** Returns the database of a URL in the Secret, of which only the Secret's name is known. */
export const redisOfSecret = ({ namespace, redisSecret }: RedisSettings): Readonly<Record<string, string>> =>
  redisSecret === null ? {} : { redisSecret: `${namespace}/${redisSecret}` };
