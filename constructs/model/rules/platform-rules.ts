import { misfits, toViolations } from "../chart-values";
import { isNewer, isSupported } from "../chart-version";
import type { CommonFields } from "../common-fields";
import { violation } from "../errors";
import type { Settings } from "../fields";
import { guardsOf } from "../guarded-values";
import { type Chart, NO_CHART, type Platform, type PlatformRule } from "../platform";
import { defaultSettings } from "../platform-settings";
import { checkEach, checkItems } from "../rule";
import { collision } from "../values";
import { nameOfExtension } from "./extensions";
import { imageRules } from "./image-rules";
import { kubernetesRules } from "./kubernetes-rules";
import { nameRule, valueRules } from "./value-rules";

/** Returns every rule about a platform: its own, and those that follow from its data. */
export function platformRules(kind: string, platform: Platform): readonly PlatformRule[] {
  const ofChart =
    platform.chart === NO_CHART
      ? [noChartRule(kind, platform)]
      : [
          chartSupportRule(kind, platform),
          chartVersionRule(kind, platform),
          ...chartValuesRule(kind, platform),
          ...valueRules(kind, platform),
          ...kubernetesRules(kind),
        ];
  return [...platform.rules, ...ofChart, imageRule(kind, platform), ...imageRules(kind, platform), extensionRule(kind), nameRule(kind)];
}

/** Returns the chart of a platform that a chart always installs. */
function chartOf(platform: Platform, settings: Settings<CommonFields>): Chart {
  const chart = platform.chart(settings);
  if (chart === null) throw new TypeError(`${platform.title} has no chart`);
  return chart;
}

/** Reports chart settings of a platform without a chart. */
function noChartRule(name: string, platform: Platform): PlatformRule {
  return {
    id: `${name}-has-no-chart`,
    why: "The setting would have no effect, because nothing is installed from a chart.",
    source: "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/",
    date: "2026-11-30",
    severity: "error",
    check: ({ chartVersion, replicas }, path) => [
      ...(chartVersion === ""
        ? []
        : [violation(`${path}.chartVersion`, `has no effect, because ${platform.title} has no chart`, chartVersion, "remove it")]),
      ...(replicas === 1
        ? []
        : [
            violation(
              `${path}.replicas`,
              "has no effect, because this project does not create the Deployment",
              replicas,
              "remove it; connections counts all pods",
            ),
          ]),
    ],
    passing: {},
    failing: { replicas: 3 },
  };
}

/** Reports versions that have other keys, or do not work at all. */
function chartSupportRule(name: string, platform: Platform): PlatformRule {
  return {
    id: `${name}-chart-supported`,
    why: "Other generations of the chart have different keys, so the database settings would be ignored or the release would fail.",
    source: "https://helm.sh/docs/helm/helm_install/",
    date: "2026-11-21",
    severity: "error",
    check: (settings, path) => {
      const chart = chartOf(platform, settings);
      const { supported, verified } = chart;
      return isSupported(settings.chartVersion, chart)
        ? []
        : [
            violation(
              `${path}.chartVersion`,
              `must be ${supported.form}`,
              settings.chartVersion,
              `use ${verified[0].version}, the newest verified`,
            ),
          ];
    },
    passing: {},
    failing: { chartVersion: "0.0.1" },
  };
}

/** Keys differ between versions of a chart, and a wrong key can put a password into a ConfigMap. */
function chartVersionRule(name: string, platform: Platform): PlatformRule {
  return {
    id: `${name}-chart-version`,
    why: "Keys differ between versions of a chart, and a wrong key can put a password into a ConfigMap.",
    source: "https://helm.sh/docs/helm/helm_install/",
    date: "2026-11-21",
    severity: "acknowledge",
    check: (settings, path) => {
      const chart = chartOf(platform, settings);
      const versions = chart.verified.map(({ version }) => version);
      return versions.includes(settings.chartVersion) || !isSupported(settings.chartVersion, chart)
        ? []
        : [
            violation(
              `${path}.chartVersion`,
              isNewer(settings.chartVersion, chart.verified[0].version)
                ? `is newer than ${versions[0]}, the newest version of ${chart.name} that was verified`
                : `is not verified for ${chart.name}`,
              settings.chartVersion,
              `use ${versions.join(" or ")}, or read the chart's values and check that no key moved`,
            ),
          ];
    },
    passing: {},
    get failing() {
      return { chartVersion: chartOf(platform, defaultSettings(name, platform)).supported.unverified };
    },
  };
}

/** Helm accepts any key, unless the chart has a schema: a mistyped key installs the default. */
function chartValuesRule(name: string, platform: Platform): readonly PlatformRule[] {
  const { verified, name: chart } = chartOf(platform, defaultSettings(name, platform));
  if (Object.keys(verified[0].keys).length === 0) return [];
  const { keys: isRejected } = verified[0].rejects;
  return [
    {
      id: `${name}-chart-values`,
      why: "Unless the chart has a schema, Helm ignores a key that the chart does not read, and installs the default.",
      source: "https://helm.sh/docs/topics/charts/#schema-files",
      date: "2026-11-30",
      severity: isRejected ? "error" : "acknowledge",
      check: (settings, path) => {
        const facts = chartOf(platform, settings).verified.find(({ version }) => version === settings.chartVersion);
        if (facts === undefined) return [];
        const guarded = guardsOf(platform, settings).map(([own]) => own);
        const found = misfits(settings.values, facts).filter((each) => collision(each.path, guarded) === null);
        return toViolations(found, path);
      },
      passing: {},
      failing: { values: { [`${chart}-without-such-a-value`]: true } },
    },
  ];
}

function extensionRule(name: string): PlatformRule {
  return {
    id: `${name}-extension-names`,
    why: "CREATE EXTENSION fails under this name, and the platform is not provisioned.",
    source: "https://www.postgresql.org/docs/17/sql-createextension.html",
    date: "2026-11-30",
    severity: "error",
    check: ({ databases }, path) =>
      checkEach(databases, ({ extensions }, key) =>
        checkItems(extensions, (extension, index) => {
          const name = nameOfExtension(extension);
          const at = `${path}.databases.${key}.extensions[${index}]`;
          return name === null ? [] : [violation(at, "is not the name that CREATE EXTENSION accepts", extension, `write "${name}"`)];
        }),
      ),
    passing: { databases: { main: { extensions: ["vector"] } } },
    failing: { databases: { main: { extensions: ["pgvector"] } } },
  };
}

function imageRule(name: string, platform: Platform): PlatformRule {
  return {
    id: `${name}-image-container`,
    why: "No image would be replaced, and the pods would run the chart's images.",
    source: "https://kubernetes.io/docs/concepts/containers/images/",
    date: "2026-11-21",
    severity: "error",
    check: (settings, path) => {
      const containers = platform.images(settings);
      return Object.keys(settings.images)
        .filter((container) => !containers.includes(container))
        .map((container) =>
          containers.length === 0
            ? violation(
                `${path}.images.${container}`,
                `is not supported, because no image of ${platform.title} can be replaced`,
                container,
                "remove it",
              )
            : violation(`${path}.images.${container}`, `must name one of ${containers.join(", ")}`, container),
        );
    },
    passing: { images: {} },
    failing: { images: { "no-such-container": "registry.example/image:1" } },
  };
}
