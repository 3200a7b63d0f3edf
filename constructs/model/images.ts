/** An image taken apart; what it does not name is empty. A registry's port has a colon, too, and a slash behind it. */
export function splitImage(image: string): { readonly repository: string; readonly tag: string; readonly digest: string } {
  const [name = "", digest = ""] = image.split("@");
  const last = name.lastIndexOf(":");
  const colon = last > name.lastIndexOf("/") ? last : name.length;
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1), digest };
}

const TAG = ":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}";
const COMPONENT = "[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*";

/**
 * An image by tag, by digest or by both, of which the digest counts, perhaps in a registry with a port.
 *
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
const IMAGE = new RegExp(`^${COMPONENT}(?::\\d{1,5}(?=/))?(?:/${COMPONENT})*(?:${TAG}|(?:${TAG})?@sha256:[0-9a-f]{64})$`);

/** How a setting takes an image. */
export const IMAGE_FORM = {
  pattern: IMAGE,
  form: "an image in lower case with a tag of at most 128 characters, a sha256 digest or both, such as registry.example/name:1.2.3",
  longest: 500,
} as const;

/** The vendor's images that work under a chart. Others start with an empty database within the pod, or not at all. */
export interface Generation {
  /** As people call it: `Prefect 3`. */
  readonly title: string;
  /** Ends of the vendor's repositories, in whichever registry they are mirrored. */
  readonly repositories: readonly string[];
  /** Last parts of repositories that people give their builds, tagged as the vendor does or otherwise; none where versions do not matter. */
  readonly names: readonly string[];
  /** Ends of the repositories of another generation, none of whose images works. */
  readonly others: readonly string[];
  /** The oldest version that works, as far as it counts: `[3]`. */
  readonly from: readonly number[];
  /** The first version that does not work any more; null where that is not known. */
  readonly below: readonly number[] | null;
  /** What another one does. */
  readonly because: string;
  /** An image that works. */
  readonly use: string;
  readonly source: `https://${string}`;
}

/** What is known of a container's images. What is left out is the default that its comment names. */
export interface ImageFacts {
  /** What runs if the spec names no image, where its tag moves. Default: an image with a fixed tag. */
  readonly unpinned?: string;
  /** A tag that moves, and that nothing fixed can replace yet. Default: none. */
  readonly onlyTag?: string;
  /** How to name an image for good. Default: by full version or by digest. */
  readonly pinBy?: string;
  /** Default: not known. */
  readonly generation?: Generation;
}

/** The `images` of a platform of which no image can be replaced. */
export const NO_IMAGES = (): readonly string[] => [];

/** What tags add to a version to say how it was built. */
const BUILD =
  /-(python|py|alpine|ubuntu|debian|amd|arm|cuda)[\d.]+$|-(conda|kubernetes|slim|bullseye|bookworm|trixie|jammy|noble|full|gpu|cpu)$|-alpine$|-(debian|ubuntu)-[\d.]+$|-r\d+$/;

function withoutBuild(tag: string): string {
  const shorter = tag.replace(BUILD, "");
  return shorter === tag ? tag : withoutBuild(shorter);
}

/** Words that stand for the newest image of a kind. */
const NEWEST = /(^|[._-])latest($|[._-])/;
/** `3` and `v3.8`, but not a date or the number of a build. */
const SHORT_VERSION = /^v?\d{1,2}(\.\d{1,3})?$/;
const COMMIT = /^[0-9a-f]{7,40}$/;

/** The tag of an image, if a registry usually gives it to one image after another; else null. A digest never moves. */
export function movingTag(image: string): string | null {
  const { tag, digest } = splitImage(image);
  if (digest !== "") return null;
  const plain = withoutBuild(tag.toLowerCase());
  const moves = NEWEST.test(plain) || SHORT_VERSION.test(plain) || (!/\d/.test(plain) && !COMMIT.test(plain));
  return moves ? tag : null;
}

/** A version as a vendor tags it, with what says how it was built; null for every other tag. */
function versionOf(tag: string): readonly number[] | null {
  const plain = withoutBuild(tag.toLowerCase()).replace(/-(latest|(alpha|beta|rc)\.?\d*)$/, "");
  return /^v?\d{1,4}(\.\d{1,4}){0,2}$/.test(plain) ? plain.replace("v", "").split(".").map(Number) : null;
}

/** Negative where a is older than b, as far as both are known. */
function compare(a: readonly number[], b: readonly number[]): number {
  const differing = a.slice(0, b.length).findIndex((number, index) => number !== b[index]);
  return differing === -1 ? 0 : (a[differing] ?? 0) - (b[differing] ?? 0);
}

const isOutside = (version: readonly number[], { from, below }: Generation): boolean =>
  compare(version, from) < 0 || (below !== null && compare(version, below) >= 0);

const endsWith = (repository: string, ends: readonly string[]): boolean =>
  ends.some((end) => repository === end || repository.endsWith(`/${end}`));

/** Whether an image is the vendor's, of another generation. */
export function isOfOther(image: string, generation: Generation): boolean {
  const { repository, tag } = splitImage(image);
  if (endsWith(repository, generation.others)) return true;
  const version = endsWith(repository, generation.repositories) ? versionOf(tag) : null;
  return version !== null && isOutside(version, generation);
}

/** Whether an image of one's own is tagged with a complete version of another generation. */
export function isTaggedAsOther(image: string, generation: Generation): boolean {
  const { repository, tag } = splitImage(image);
  if (!endsWith(repository, generation.names) || endsWith(repository, generation.repositories)) return false;
  const version = versionOf(tag);
  return version !== null && version.length === 3 && isOutside(version, generation);
}
