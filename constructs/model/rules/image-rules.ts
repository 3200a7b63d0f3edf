import type { CommonFields } from "../common-fields";
import { type Violation, violation } from "../errors";
import type { Settings } from "../fields";
import { type Generation, isOfOther, isTaggedAsOther, movingTag, NO_IMAGES } from "../images";
import type { JsonObject } from "../json";
import type { Platform, PlatformRule } from "../platform";
import { defaultSettings } from "../platform-settings";

const KUBERNETES_IMAGES = "https://kubernetes.io/docs/concepts/containers/images/";

/** Rules about the images that a spec names for a platform's containers. */
export const imageRules = (kind: string, platform: Platform): readonly PlatformRule[] =>
  platform.images === NO_IMAGES ? [] : [pinnedRule(kind, platform), ...generationRules(kind, platform)];

/** Reports an image whose tag moves. @param pinBy what to do, in the imperative. */
export const moves = (path: string, image: string, pinBy = "name a full version or a digest"): readonly Violation[] =>
  movingTag(image) === null ? [] : [violation(path, "has a moving tag, so a restarted pod can run another version", image, pinBy)];

function pinnedRule(kind: string, platform: Platform): PlatformRule {
  const example = (tag: string): JsonObject => {
    const containers = platform.images(defaultSettings(kind, platform));
    return { images: Object.fromEntries(containers.slice(0, 1).map((container) => [container, `registry.example/${kind}:${tag}`])) };
  };
  return {
    id: `${kind}-image-is-pinned`,
    why: "With a moving tag, a restarted pod can run another version, which migrates the database.",
    source: KUBERNETES_IMAGES,
    date: "2026-11-30",
    severity: "warning",
    check: (settings, path) => {
      const facts = platform.imageFacts(settings);
      return platform.images(settings).flatMap((container) => {
        const { unpinned, onlyTag, pinBy } = facts[container] ?? {};
        const image = settings.images[container] ?? unpinned;
        return image === undefined || movingTag(image) === onlyTag ? [] : moves(`${path}.images.${container}`, image, pinBy);
      });
    },
    get passing() {
      return example("1.2.3");
    },
    get failing() {
      return example("latest");
    },
  };
}

/** Checks each container whose generation is known. */
function checkGenerations(
  platform: Platform,
  settings: Settings<CommonFields>,
  path: string,
  rule: (image: string, generation: Generation) => string | null,
): readonly Violation[] {
  const facts = platform.imageFacts(settings);
  return Object.entries(settings.images).flatMap(([container, image]) => {
    const generation = facts[container]?.generation;
    const found = generation === undefined ? null : rule(image, generation);
    return found === null ? [] : [violation(`${path}.images.${container}`, found, image, `use one such as ${generation?.use}`)];
  });
}

/** For a platform whose default settings have a container of a known generation. */
function generationRules(kind: string, platform: Platform): readonly PlatformRule[] {
  const [container, generation] = Object.entries(platform.imageFacts(defaultSettings(kind, platform))).flatMap(([name, its]) =>
    its.generation === undefined ? [] : [[name, its.generation] as const],
  )[0] ?? ["", null];
  if (generation === null) return [];
  const { title, because, from, repositories, names, others } = generation;
  const older = `${(from[0] ?? 1) - 1}.0.0`;
  const ofVendor: readonly PlatformRule[] = [
    {
      id: `${kind}-image-generation`,
      why: `The chart installs ${title}, and ${because}.`,
      source: generation.source,
      date: "2026-11-30",
      severity: "error",
      check: (settings, path) =>
        checkGenerations(platform, settings, path, (image, its) =>
          isOfOther(image, its) ? `must be an image of ${its.title}, because ${its.because}` : null,
        ),
      passing: { images: { [container]: `${repositories[0]}@sha256:${"0".repeat(64)}` } },
      failing: { images: { [container]: others[0] === undefined ? `${repositories[0]}:${older}` : `${others[0]}:1.0.0` } },
    },
  ];
  if (names.length === 0) return ofVendor;
  return [
    ...ofVendor,
    {
      id: `${kind}-image-version`,
      why: `If the tag is the vendor's version, the image does not fit the chart of ${title}: ${because}.`,
      source: generation.source,
      date: "2026-11-30",
      severity: "warning",
      check: (settings, path) =>
        checkGenerations(platform, settings, path, (image, its) =>
          isTaggedAsOther(image, its) ? `is not tagged as an image of ${its.title}, and ${its.because}` : null,
        ),
      passing: { images: { [container]: `registry.example/${names[0]}:${from[0]}.1.0` } },
      failing: { images: { [container]: `registry.example/${names[0]}:${older}` } },
    },
  ];
}
