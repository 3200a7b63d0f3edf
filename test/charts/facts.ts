import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ChartFacts } from "../../constructs/model/chart-facts";
import type { CommonFields } from "../../constructs/model/common-fields";
import type { Settings } from "../../constructs/model/fields";
import type { Json, JsonObject } from "../../constructs/model/json";
import type { Wired } from "../../constructs/model/wire";
import { factsFile, type Renderings, releaseKey, renderingsFile } from "../../infra/charts/renderings";
import { keepsRunning, mentionsOf, receives, type Workload, workloadsOf } from "../../infra/charts/workloads";
import { type ContractCase, DIRECT, platformOf, settingsOf, waysOf, wire } from "../contract/case";
import { chartKeys, unpacked } from "./keys";
import { renderHelm, renderKustomization } from "./render";
import { rightsOf } from "./rights";
import { type FoundChart, findChart, findTree } from "./source";

/** What was rendered of a version of a chart. */
export interface Rendered {
  readonly kind: string;
  readonly facts: ChartFacts;
  readonly renderings: Renderings;
}

/** A case, and the version that it is rendered with. */
export interface VersionedCase {
  readonly each: ContractCase;
  readonly found: FoundChart;
  /** Whether every way to the database is rendered, or the direct one. */
  readonly everyWay: boolean;
}

type CommonSettings = Settings<CommonFields>;

/** The chart of a case. @param directory where charts are; null pulls them. */
export function findChartOf(each: ContractCase, version: string | null, directory: string | null): FoundChart | null {
  const settings = settingsOf(each);
  const chart = platformOf(each).chart(settings);
  if (chart === null) return null;
  const wanted = version ?? (settings as CommonSettings).chartVersion;
  const isTree = wire(each, DIRECT).wiring.release.kind === "kustomize";
  return isTree ? findTree(chart, wanted, directory) : findChart(each.name, chart, wanted, directory);
}

/** Renders every way of every case of one version. @param progress called with what is rendered. */
export function renderCases(cases: readonly VersionedCase[], progress: (what: string) => void): Rendered {
  const [{ each: first, found } = missing()] = cases;
  const { chart, version } = found;
  const workloads: Record<string, Workload> = {};
  const keys = new Map<string, string>();
  const releases: Record<string, Renderings["releases"][string]> = {};
  const seen: { readonly wired: Wired; readonly objects: readonly JsonObject[] }[] = [];
  for (const { each, everyWay } of cases)
    for (const topology of everyWay ? waysOf(each) : [DIRECT]) {
      const wired = wire(each, topology);
      const way = `${topology.access}, ${topology.tls}`;
      progress(`${each.title}: ${way}`);
      const objects = render(found, wired);
      seen.push({ wired, objects });
      const used = workloadsOf(objects, wired.namespace).map((workload) => {
        const text = JSON.stringify(workload);
        const key = keys.get(text) ?? freeKey(`${workload.kind}/${workload.name}`, workloads);
        keys.set(text, key);
        workloads[key] = workload;
        return key;
      });
      const key = releaseKey(found, wired.wiring.release);
      const secrets = objects.filter(({ kind }) => kind === "Secret").map((object) => String((object.metadata as JsonObject).name));
      const mentions = mentionsOf(objects, wired.connection.secret);
      const more = mentions.length === 0 ? {} : { mentions };
      releases[key] ??= { title: each.title, settings: each.settings, way, workloads: used, secrets: secrets.sort(), ...more };
    }
  const [{ objects } = missing()] = seen;
  // What has to be applied before brings the rights that hold in the whole cluster.
  const rights = rightsOf([...objects, ...renderBefore(found, seen[0]?.wired)]);
  return {
    kind: first.name,
    facts: {
      chart,
      version,
      ...(seen[0]?.wired.wiring.release.kind === "helm" ? keysOf(found) : NO_VALUES),
      rights,
      restarts: restartsOf(seen),
    },
    renderings: { workloads, releases },
  };
}

const missing = (): never => {
  throw new TypeError("nothing to render");
};

function freeKey(name: string, taken: Readonly<Record<string, unknown>>): string {
  for (let number = 1; ; number++) if (!Object.hasOwn(taken, `${name} ${number}`)) return `${name} ${number}`;
}

function render(found: FoundChart, { wiring: { release }, release: name, namespace }: Wired): readonly JsonObject[] {
  if (release.kind === "helm") return renderHelm(found, release.values, { release: name, namespace });
  return release.kind === "kustomize" ? renderKustomization(release, namespace, found.path) : [];
}

function renderBefore(found: FoundChart, wired: Wired | undefined): readonly JsonObject[] {
  if (wired?.wiring.release.kind !== "kustomize") return [];
  const { release } = wired.wiring;
  return release.before.flatMap(({ base }) =>
    renderKustomization({ ...release, base, images: [], patches: [], replacements: [] }, wired.namespace, found.path),
  );
}

/** A kustomization takes no values. */
const NO_VALUES: ReturnType<typeof chartKeys> = { rejects: { types: false, keys: false }, keys: {}, copied: [], rows: [] };

/** The values that a chart of Helm's knows. */
export function keysOf(found: FoundChart): ReturnType<typeof chartKeys> {
  const scratch = mkdtempSync(join(tmpdir(), "platform-postgres-charts-"));
  try {
    return chartKeys(unpacked(found.path, scratch));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
const INSTANCE = "app.kubernetes.io/instance";

/** The workloads that read the Secret, and a label that has the release's name on all of them and on no other. */
function restartsOf(seen: readonly { readonly wired: Wired; readonly objects: readonly JsonObject[] }[]): ChartFacts["restarts"] {
  const restarted = seen.flatMap(({ wired, objects }) =>
    workloadsOf(objects)
      .filter((workload) => keepsRunning(workload) && workload.containers.some((each) => receives(each, wired.connection.secret)))
      .map((workload) => ({ workload, release: wired.release })),
  );
  const kinds = [...new Set(restarted.map(({ workload }) => workload.kind.toLowerCase()))].sort();
  const [first] = restarted;
  const isOfAll = (key: string) => restarted.every(({ workload, release }) => workload.labels[key] === release);
  // A case of the platform's usual name gives its name and its instance one label's value.
  const label = [INSTANCE, ...Object.keys(first?.workload.labels ?? {})].find(isOfAll);
  return label === undefined ? null : { kinds, label };
}

export const writeFacts = (kind: string, facts: ChartFacts): void => write(factsFile(kind, facts), facts as unknown as JsonObject, 2);

/** A workload a line, so that a difference shows what has changed. */
export function writeRendered({ kind, facts, renderings }: Rendered): void {
  writeFacts(kind, facts);
  write(renderingsFile(kind, facts), renderings as unknown as JsonObject, 5);
}

function write(file: string, content: JsonObject, depth: number): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${toLines(content, depth, "")}\n`);
}

/** JSON that is broken into lines down to a depth. */
function toLines(value: Json | undefined, depth: number, indent: string): string {
  if (depth === 0 || value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((item: Json) => toLines(item, depth - 1, inner))
    : Object.entries(value as JsonObject)
        .filter(([, child]) => child !== undefined)
        .map(([key, child]) => `${JSON.stringify(key)}: ${toLines(child, depth - 1, inner)}`);
  const [begin, end] = isList ? ["[", "]"] : ["{", "}"];
  return parts.length === 0 ? `${begin}${end}` : `${begin}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${end}`;
}
