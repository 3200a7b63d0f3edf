import type { ChartFacts, ChartKeys } from "../../constructs/model/chart-facts";
import { splitImage } from "../../constructs/model/images";
import type { Servers } from "../../constructs/model/platform";
import type { RenderedRelease, Renderings } from "../../infra/charts/renderings";
import type { Container, Workload } from "../../infra/charts/workloads";

/** What is known of a version: what is packed, and what was rendered. */
export interface Known {
  readonly facts: ChartFacts;
  readonly renderings: Renderings;
}

/** A line that one version has and the other one has not, and in how many releases. */
interface Difference {
  readonly sign: "+" | "-";
  readonly line: string;
  readonly releases: number;
}

/** The values that a version has and the other one has not. */
export const compareKeys = (before: ChartKeys, after: ChartKeys): readonly string[] =>
  toSection("values", differences([keyLines(before)], [keyLines(after)]));

/** What changed in what two versions of a chart render, under headings, for a person to read. */
export function compareRendered(before: Known, after: Known): readonly string[] {
  const sections: readonly (readonly [string, readonly Difference[]])[] = [
    ["rights", differences([rightLines(before.facts)], [rightLines(after.facts)])],
    ["other objects", inReleases(before, after, objectLines)],
    ["workloads", inReleases(before, after, ofWorkloads(workloadLines))],
    ["images", inReleases(before, after, ofWorkloads(imageLines))],
    ["variables", inReleases(before, after, ofWorkloads(variableLines))],
    ["mounts", inReleases(before, after, ofWorkloads(mountLines))],
    ["arguments, ports and probes", inReleases(before, after, ofWorkloads(otherLines))],
  ];
  return sections.flatMap(([title, found]) => toSection(title, found));
}

/** How far the servers of two versions migrate, by their images. @param servers that were verified. */
export function compareRevisions(before: Known, after: Known, servers: Servers | null): readonly string[] {
  if (servers === null) return ["revisions: this platform states none"];
  const [old, young] = [before, after].map((known) => {
    const images = Object.values(known.renderings.workloads).flatMap(({ containers }) =>
      containers.map(({ image }) => splitImage(image).tag),
    );
    return servers.versions.find(({ version }) => images.some((tag) => tag === version || tag.startsWith(`${version}-`))) ?? null;
  });
  if (young === null) return ["revisions", "  + not known, because the server's version was not verified"];
  if (old?.version === young?.version) return ["revisions: as before"];
  return [
    "revisions",
    `  - ${old?.revision ?? "not known"} (${old?.version ?? "not verified"})`,
    `  + ${young?.revision} (${young?.version})`,
  ];
}

const toSection = (title: string, found: readonly Difference[]): readonly string[] => [
  `${title}${found.length === 0 ? ": as before" : ""}`,
  ...found.map(({ sign, line, releases }) => `  ${sign} ${line}${releases > 1 ? ` (${releases} releases)` : ""}`),
];

type ToLines = (workload: Workload) => readonly string[];
type ReleaseToLines = (release: RenderedRelease, workloads: readonly Workload[]) => readonly string[];

const ofWorkloads =
  (toLines: ToLines): ReleaseToLines =>
  (_release, workloads) =>
    workloads.flatMap(toLines);

const objectLines: ReleaseToLines = ({ secrets, mentions = [] }) => [
  ...secrets.map((name) => `Secret/${name}: comes with the chart`),
  ...mentions.map((name) => `${name}: names the database's Secret`),
];

/** Releases are compared one by one, by what they are called and how their pods connect. */
function inReleases(before: Known, after: Known, toLines: ReleaseToLines): readonly Difference[] {
  const old = linesOf(before.renderings, toLines);
  const young = linesOf(after.renderings, toLines);
  const common = Object.keys(young).filter((name) => old[name] !== undefined);
  return differences(
    common.map((name) => old[name] ?? []),
    common.map((name) => young[name] ?? []),
  );
}

/** The title of a case names the version, where it is not the newest verified one. */
const linesOf = ({ releases, workloads }: Renderings, toLines: ReleaseToLines): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.values(releases).map((release) => [
      `${release.title}: ${release.way}`,
      toLines(
        release,
        release.workloads.flatMap((key) => workloads[key] ?? []),
      ),
    ]),
  );

function differences(before: readonly (readonly string[])[], after: readonly (readonly string[])[]): readonly Difference[] {
  const counts = new Map<string, Difference>();
  const count = (sign: Difference["sign"], line: string) => {
    const known = counts.get(`${sign}${line}`);
    counts.set(`${sign}${line}`, { sign, line, releases: (known?.releases ?? 0) + 1 });
  };
  for (const [index, lines] of after.entries()) {
    const old = new Set(before[index]);
    const young = new Set(lines);
    for (const line of old) if (!young.has(line)) count("-", line);
    for (const line of young) if (!old.has(line)) count("+", line);
  }
  return [...counts.values()].sort((a, b) => order(a).localeCompare(order(b), "en"));
}

/** What is gone stands before what took its place. */
const order = ({ sign, line }: Difference): string => `${line.split(":")[0]} ${sign === "-" ? 1 : 2} ${line}`;

const keyLines = (keys: ChartKeys, path = ""): readonly string[] =>
  Object.entries(keys).flatMap(([key, node]) => (typeof node === "string" ? [`${path}${key}: ${node}`] : keyLines(node, `${path}${key}.`)));

const rightLines = ({ rights }: ChartFacts): readonly string[] =>
  rights.flatMap(({ isClusterWide, accounts, rules }) =>
    rules.map(
      ({ groups, resources, verbs }) =>
        `${accounts.join(", ")} ${isClusterWide ? "in every namespace" : "in its namespace"}: ${verbs.join(", ")} ${resources.join(", ")}${groups.join("") === "" ? "" : ` of ${groups.join(", ")}`}`,
    ),
  );

const each =
  (toLines: (container: Container) => readonly string[]): ToLines =>
  ({ kind, name, containers }) =>
    containers.flatMap((container) => toLines(container).map((line) => `${kind}/${name} ${container.name}: ${line}`));

const workloadLines: ToLines = ({ kind, name, namespace, pods = 1, recreates, serviceAccount, reloads, containers }) => [
  `${kind}/${name}: is ${pods === 1 ? "one pod" : `${pods} pods`}${namespace === undefined ? "" : ` in namespace ${namespace}`}${recreates ? ", and old ones end first" : ""}`,
  `${kind}/${name}: runs as ${serviceAccount ?? "default"}, ${Object.keys(reloads).length === 0 ? "is not restarted" : "is restarted with its Secret"}`,
  `${kind}/${name}: starts ${containers.map(({ name: container, role }) => (role === "main" ? container : `${container} (${role})`)).join(", ")}`,
];
const imageLines = each(({ image }) => [image]);
const variableLines = each(({ env }) =>
  env.map(
    ({ name, from, key, value }) =>
      `${name ?? "all"}${from === null ? "" : ` from ${from}${key === undefined ? "" : ` ${key}`}`}${value === undefined ? "" : ` = ${value}`}`,
  ),
);
const mountLines = each(({ mounts }) =>
  mounts.map(
    ({ path, subPath, readOnly, sources }) =>
      `${path}${subPath === undefined ? "" : ` from ${subPath}`}${readOnly ? ", read only" : ""}: ${sources.map(({ from, ...more }) => [from, ...Object.values(more).map((each) => JSON.stringify(each))].join(" ")).join(", ")}`,
  ),
);
const otherLines = each(({ args, ports, probes }) => [
  ...(args.length === 0 ? [] : [`arguments ${args.join(" ")}`]),
  ...ports.map((port) => `port ${port}`),
  ...Object.entries(probes).map(([kind, probe]) => `${kind} ${probe}`),
]);
