import { violation } from "../../model/errors";
import { isObject } from "../../model/json";
import type { Exclusive, PlatformRule } from "../../model/platform";
import { atValue, scalarAt } from "../../model/values";
import { redisDatabase, redisOfSecret, redisRules } from "../redis";
import type { PrefectFields } from "./settings";

const API_URL = ["server", "uiConfig", "prefectUiApiUrl"] as const;

const PREFECT_CHART = "https://github.com/PrefectHQ/prefect-helm/tree/main/charts/prefect-server";

export const prefectRules: readonly PlatformRule<PrefectFields>[] = [
  {
    id: "prefect-replicas-need-redis",
    why: "Without Redis, each server runs the background services and migrates at startup without a lock, so runs are scheduled twice and migrations collide.",
    source: "https://docs.prefect.io/v3/advanced/self-hosted",
    date: "2026-11-21",
    severity: "error",
    // Servers in one Deployment each run the background services and each migrate at their start, without a lock.
    check: ({ replicas, redisHost }, path) =>
      replicas > 1 && redisHost === null
        ? [
            violation(
              `${path}.replicas`,
              "must be 1 without redisHost",
              replicas,
              "set redisHost, so that background services and migrations run separately",
            ),
          ]
        : [],
    passing: { replicas: 2, redisHost: "redis.example.internal" },
    failing: { replicas: 2 },
  },
  ...redisRules<PrefectFields>("prefect", PREFECT_CHART),
  {
    id: "prefect-ui-knows-its-address",
    why: "The pages call localhost:4200 in each visitor's browser, and show no runs.",
    source: PREFECT_CHART,
    date: "2026-11-30",
    severity: "warning",
    check: ({ values: { ingress, server } }, path) => {
      const ui = isObject(server) && isObject(server.uiConfig) ? server.uiConfig : {};
      return !isObject(ingress) || ingress.enabled !== true || ui.prefectUiApiUrl !== undefined || ui.enabled === false
        ? []
        : [
            {
              path: `${path}.values.ingress.enabled`,
              rule: "needs server.uiConfig.prefectUiApiUrl, because the pages call http://localhost:4200/api",
              got: null,
              remedy: "write the ingress's URL there, such as https://prefect.example.com/api",
            },
          ];
    },
    passing: { values: { ingress: { enabled: true }, server: { uiConfig: { prefectUiApiUrl: "https://prefect.example.com/api" } } } },
    failing: { values: { ingress: { enabled: true } } },
  },
  {
    id: "prefect-image-tag",
    why: "The chart joins repository and tag with a colon, so Kubernetes cannot pull an image by digest.",
    source: PREFECT_CHART,
    date: "2026-11-21",
    severity: "error",
    // The chart joins repository and tag with a colon.
    check: ({ images }, path) =>
      images.prefect?.includes("@")
        ? [
            violation(
              `${path}.images.prefect`,
              "must have a tag, because the chart does not accept a digest",
              images.prefect,
              "use repository:tag",
            ),
          ]
        : [],
    passing: { images: { prefect: "registry.example/prefect:3.8.3" } },
    failing: { images: { prefect: `registry.example/prefect@sha256:${"0".repeat(64)}` } },
  },
  {
    id: "prefect-api-url-is-a-url",
    why: "Browsers treat a host without a scheme as a path below the page, so Prefect's pages stay empty.",
    source: "https://docs.prefect.io/v3/advanced/security-settings",
    date: "2026-11-30",
    severity: "warning",
    check: ({ values }, path) => {
      const written = scalarAt(values, API_URL);
      return typeof written !== "string" || written === "" || /^(https?:\/)?\/|\{\{/.test(written)
        ? []
        : [atValue(path, API_URL, "must be a URL that browsers can open", "write a URL such as https://prefect.example.com/api")];
    },
    passing: { values: { server: { uiConfig: { prefectUiApiUrl: "https://prefect.example.com/api" } } } },
    failing: { values: { server: { uiConfig: { prefectUiApiUrl: "prefect.example.com/api" } } } },
  },
];

/** Its streams are named like their topics, and its queue like the program. The chart keeps the streams in database 0, and the queue in the Secret's database. */
export const prefectExclusive: Exclusive<PrefectFields> = {
  what: "Redis",
  because: "every Prefect uses the same names for its streams and queue, so two would take each other's events",
  source: "https://github.com/PrefectHQ/prefect/blob/main/src/integrations/prefect-redis/prefect_redis/messaging.py",
  date: "2026-11-30",
  uses: (settings) => ({ ...redisDatabase(settings, 0), ...redisOfSecret(settings) }),
  example: { redisHost: "redis.example.internal" },
};
