import { violation } from "../../model/errors";
import type { Exclusive, PlatformRule } from "../../model/platform";
import { moves } from "../../model/rules/image-rules";
import { redisDatabase, redisOfSecret, redisRules } from "../redis";
import type { SkillflawFields } from "./settings";

const ARCHITECTURE = "https://docs.skillflaw.com/deployment-architecture";
const PRACTICES = "https://docs.skillflaw.com/deployment-prod-best-practices";

/** Settings that its documentation requires for more than one pod. */
const SHARED = {
  redisHost: "a Redis for the cache and the job queue",
  secretKeySecret: "one key for stored credentials, in a Secret",
  configClaim: "one volume for its files, which every pod can write",
} as const;

/** The image that runs if the spec names none. */
export const IMAGE = "ghcr.io/cwinux/skillflaw_backend:latest";
/** How to pin an image. */
export const PIN_BY = "name one by digest, because its project publishes no tag but latest";

const PINNED = { skillflaw: `ghcr.io/cwinux/skillflaw_backend@sha256:${"0".repeat(64)}` };
const SEVERAL = { replicas: 3, redisHost: "redis.example.internal", secretKeySecret: "skillflaw-key", configClaim: "skillflaw-files" };

export const skillflawRules: readonly PlatformRule<SkillflawFields>[] = [
  {
    id: "skillflaw-replicas-share-their-state",
    why: "Pods that do not share cache, key and files lose each other's jobs and cannot decrypt stored credentials.",
    source: PRACTICES,
    date: "2026-11-21",
    severity: "error",
    check: (settings, path) =>
      settings.replicas === 1
        ? []
        : Object.entries(SHARED)
            .filter(([setting]) => settings[setting as keyof typeof SHARED] === null)
            .map(([setting, what]) => ({
              path: `${path}.${setting}`,
              rule: `is required with ${settings.replicas} replicas`,
              got: null,
              remedy: `name ${what}; or set replicas to 1`,
            })),
    passing: SEVERAL,
    failing: { replicas: 3, redisHost: "redis.example.internal", secretKeySecret: "skillflaw-key" },
  },
  {
    id: "skillflaw-workers-share-redis",
    why: "Processes without a shared queue lose the events of jobs that another process runs.",
    source: PRACTICES,
    date: "2026-11-21",
    severity: "error",
    check: ({ workers, redisHost }, path) =>
      workers > 1 && redisHost === null
        ? [
            violation(
              `${path}.workers`,
              "must be 1 without redisHost, because processes share their queue in Redis",
              workers,
              "set redisHost",
            ),
          ]
        : [],
    passing: { workers: 2, redisHost: "redis.example.internal" },
    failing: { workers: 2 },
  },
  {
    id: "skillflaw-pods-run-one-image",
    why: "If two versions share a schema and one finds a revision that it does not know, it replays all migrations.",
    source: ARCHITECTURE,
    date: "2026-11-21",
    severity: "error",
    // Two versions on one schema: its upstream replays all migrations if it finds an unknown revision.
    check: ({ images, replicas }, path) => (replicas > 1 ? moves(`${path}.images.skillflaw`, images.skillflaw ?? IMAGE, PIN_BY) : []),
    passing: { ...SEVERAL, images: PINNED },
    failing: SEVERAL,
  },
  ...redisRules<SkillflawFields>("skillflaw", PRACTICES),
];

/** As in Langflow, which it derives from. The cache is in database 0, and the queue in database 1; a Secret has the URLs of both. */
export const skillflawExclusive: Exclusive<SkillflawFields> = {
  what: "Redis",
  because: "every SkillFlaw uses the same names for its keys, so clearing one cache would clear both",
  source: "https://github.com/langflow-ai/langflow/blob/main/src/backend/base/langflow/services/cache/service.py",
  date: "2026-11-30",
  uses: (settings) => (settings.redisSecret === null ? redisDatabase(settings, 0) : redisOfSecret(settings)),
  example: { redisHost: "redis.example.internal" },
};
