import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "../../constructs/model/json";
import type { HelmRelease, Release } from "../../constructs/model/platform";
import { platformDirectory } from "../../constructs/package/root";
import { npmLine } from "../command-line";
import type { Workload } from "./workloads";

/** Results of `npm run charts` for one version of a chart: the workloads of every rendered release, by the release's key. */
export interface Renderings {
  readonly workloads: Readonly<Record<string, Workload>>;
  readonly releases: Readonly<Record<string, RenderedRelease>>;
}

export interface RenderedRelease {
  readonly title: string;
  /** The platform's settings. */
  readonly settings: JsonObject;
  /** How its pods connect: `direct, verify-full`. */
  readonly way: string;
  /** Keys of `workloads`. */
  readonly workloads: readonly string[];
  /** Secrets that it creates. */
  readonly secrets: readonly string[];
  /** Other objects that name the database's Secret, as `Role/NAME`. */
  readonly mentions?: readonly string[];
}

/** A chart's name and version, which name the file of its facts. */
export interface ChartVersion {
  readonly chart: string;
  readonly version: string;
}

/** The files of a platform's facts about a version of its chart: the packed file, and the one that tests read. */
export const factsFile = (kind: string, { chart, version }: ChartVersion): string =>
  join(platformDirectory(kind), "facts", `${chart}-${version}.json`);
export const renderingsFile = (kind: string, chart: ChartVersion): string => factsFile(kind, chart).replace(/json$/, "renderings.json");

/** A release's key: a hash of chart, version and values, or of the kustomization. */
export function releaseKey({ chart, version }: ChartVersion, release: Release): string {
  const { wait: _wait, restarts: _restarts, ...rest } = release as Partial<HelmRelease>;
  return createHash("sha256")
    .update(JSON.stringify(sorted({ ...rest, chart, version } as unknown as Json)))
    .digest("hex")
    .slice(0, 16);
}

const sorted = (value: Json | undefined): Json => {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item));
  if (value === null || typeof value !== "object") return value ?? null;
  const entries = Object.entries(value as JsonObject).filter(([, child]) => child !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, child]) => [key, sorted(child)]));
};

const RENDER = `run ${npmLine("charts", [])}`;

const read = new Map<string, Renderings>();

/** @throws Error if the chart was not rendered. */
export function readRenderings(kind: string, chart: ChartVersion): Renderings {
  const file = renderingsFile(kind, chart);
  const known = read.get(file);
  if (known !== undefined) return known;
  if (!existsSync(file)) throw new Error(`${chart.chart} ${chart.version} has not been rendered; ${RENDER}`);
  const renderings = JSON.parse(readFileSync(file, "utf8")) as Renderings;
  read.set(file, renderings);
  return renderings;
}

/** A rendered release: its workloads, its Secrets, and other objects that name the database's Secret. @throws Error if it was not rendered. */
export function readRelease(
  kind: string,
  chart: ChartVersion,
  release: Release,
): { readonly workloads: readonly Workload[]; readonly secrets: readonly string[]; readonly mentions: readonly string[] } {
  const { releases, workloads } = readRenderings(kind, chart);
  const rendered = releases[releaseKey(chart, release)];
  if (rendered === undefined) throw new Error(`${chart.chart} ${chart.version} has not been rendered with these values; ${RENDER}`);
  const { secrets, mentions = [] } = rendered;
  return { workloads: rendered.workloads.flatMap((key) => workloads[key] ?? []), secrets, mentions };
}
