/** Splits an image into its parts; missing parts are empty. A registry's port also has a colon, followed by a slash. */
export function splitImage(image: string): { readonly repository: string; readonly tag: string; readonly digest: string } {
  const [name = "", digest = ""] = image.split("@");
  const last = name.lastIndexOf(":");
  const colon = last > name.lastIndexOf("/") ? last : name.length;
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1), digest };
}

const TAG = ":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}";
const COMPONENT = "[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*";

/**
 * An image by tag, by digest or by both (then the digest counts), perhaps in a registry with a port.
 *
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
const IMAGE = new RegExp(`^${COMPONENT}(?::\\d{1,5}(?=/))?(?:/${COMPONENT})*(?:${TAG}|(?:${TAG})?@sha256:[0-9a-f]{64})$`);

/** The form of an image in a setting. */
export const IMAGE_FORM = {
  pattern: IMAGE,
  form: "an image in lower case with a tag of at most 128 characters, a sha256 digest or both, such as registry.example/name:1.2.3",
  longest: 500,
} as const;

/** The vendor's images that work with a chart. Others start with an empty database in the pod, or not at all. */
export interface Generation {
  /** Its usual name: `Prefect 3`. */
  readonly title: string;
  /** Ends of the vendor's repository names, in any registry that mirrors them. */
  readonly repositories: readonly string[];
  /** Last parts of repository names of custom builds, tagged as the vendor does or otherwise; none if versions do not matter. */
  readonly names: readonly string[];
  /** Ends of the repository names of another generation, whose images do not work. */
  readonly others: readonly string[];
  /** The oldest version that works, with the parts that matter: `[3]`. */
  readonly from: readonly number[];
  /** The first version that no longer works; null if unknown. */
  readonly below: readonly number[] | null;
  /** What an image of another generation does. */
  readonly because: string;
  /** An image that works. */
  readonly use: string;
  readonly source: `https://${string}`;
}

/** Facts about a container's images. A missing value has the default in its comment. */
export interface ImageFacts {
  /** The image that runs if the spec names none, if its tag moves. Default: an image with a fixed tag. */
  readonly unpinned?: string;
  /** A moving tag that no fixed one can replace yet. Default: none. */
  readonly onlyTag?: string;
  /** How to pin an image. Default: by full version or by digest. */
  readonly pinBy?: string;
  /** Default: unknown. */
  readonly generation?: Generation;
}

/** The `images` of a platform whose images cannot be replaced. */
export const NO_IMAGES = (): readonly string[] => [];

/** Suffixes that describe the build of a version. */
const BUILD =
  /-(python|py|alpine|ubuntu|debian|amd|arm|cuda)[\d.]+$|-(conda|kubernetes|slim|bullseye|bookworm|trixie|jammy|noble|full|gpu|cpu)$|-alpine$|-(debian|ubuntu)-[\d.]+$|-r\d+$/;

function withoutBuild(tag: string): string {
  const shorter = tag.replace(BUILD, "");
  return shorter === tag ? tag : withoutBuild(shorter);
}

/** Words that mean the newest image. */
const NEWEST = /(^|[._-])latest($|[._-])/;
/** `3` and `v3.8`, but not a date or a build number. */
const SHORT_VERSION = /^v?\d{1,2}(\.\d{1,3})?$/;
const COMMIT = /^[0-9a-f]{7,40}$/;

/** Returns the tag of an image if it usually moves from one image to the next; otherwise null. A digest never moves. */
export function movingTag(image: string): string | null {
  const { tag, digest } = splitImage(image);
  if (digest !== "") return null;
  const plain = withoutBuild(tag.toLowerCase());
  const moves = NEWEST.test(plain) || SHORT_VERSION.test(plain) || (!/\d/.test(plain) && !COMMIT.test(plain));
  return moves ? tag : null;
}

/** Returns the version in a vendor's tag, without its build suffix; null for every other tag. */
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

/** Whether an image is one of the vendor's, of another generation. */
export function isOfOther(image: string, generation: Generation): boolean {
  const { repository, tag } = splitImage(image);
  if (endsWith(repository, generation.others)) return true;
  const version = endsWith(repository, generation.repositories) ? versionOf(tag) : null;
  return version !== null && isOutside(version, generation);
}

/** Whether a custom image is tagged with a complete version of another generation. */
export function isTaggedAsOther(image: string, generation: Generation): boolean {
  const { repository, tag } = splitImage(image);
  if (!endsWith(repository, generation.names) || endsWith(repository, generation.repositories)) return false;
  const version = versionOf(tag);
  return version !== null && version.length === 3 && isOutside(version, generation);
}
