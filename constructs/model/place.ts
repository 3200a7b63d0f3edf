import { peak } from "./budget";
import type { CommonFields } from "./common-fields";
import { violation } from "./errors";
import type { Fields, Report, Settings } from "./fields";
import type { InstanceSettings } from "./instance";
import { ownEntry } from "./json";
import type { Platform, PlatformDatabase, Platforms } from "./platform";
import { kindOf, nameDatabases } from "./platform-names";
import { readPlatform } from "./platform-settings";
import { entriesOf, type Instances } from "./read";
import { suggest } from "./suggest";
import type { Target, Topology } from "./target";
import { ifReadable, UNREADABLE, withSettings } from "./unreadable";

/** A platform on its instance. A value is null if it depends on a setting that was reported as malformed. */
export interface Placed {
  readonly name: string;
  /** Its key in the registry. */
  readonly kind: string;
  readonly platform: Platform;
  readonly settings: Settings<CommonFields>;
  readonly instance: string | null;
  readonly databases: Readonly<Record<string, PlatformDatabase>> | null;
  /** Most connections at a time, to the primary. */
  readonly peak: number | null;
  /** Most connections at a time, to the first read replica. */
  readonly readerPeak: number | null;
  /** Also null if the target does not support what the spec asks for, which was reported. */
  readonly topology: Topology | null;
}

export interface Surroundings {
  readonly target: Target;
  readonly platforms: Platforms;
  readonly section: Settings<Fields>;
  readonly instances: Instances;
}

/** Reads the platforms and decides where and how each connects. */
export function placePlatforms(written: unknown, around: Surroundings, report: Report): readonly Placed[] {
  const { platforms, instances } = around;
  const example = `platforms: { ${Object.keys(platforms)[0] ?? ""}: {} }`;
  return entriesOf(written, "platforms", example, report).flatMap(([name, value]) => {
    const path = `platforms.${name}`;
    const kind = kindOf(name, value, platforms, report);
    const platform = kind === null ? undefined : platforms[kind];
    if (kind === null || platform === undefined) return [];
    const read = readPlatform(name, platform, value, path, report);
    const instance = placeOn(read, instances.names, path, report);
    const settings = withSettings(read, { instance: instance ?? UNREADABLE }) as Settings<CommonFields>;
    return [
      {
        name,
        kind,
        platform,
        settings,
        instance,
        databases: ifReadable(() => nameDatabases(name, kind, platform.databases(settings), settings.databases, report), null),
        peak: ifReadable(() => peak(platform.connections(settings)), null),
        readerPeak: ifReadable(() => (hasReplica(instances, instance) ? peak(platform.readerConnections(settings)) : 0), null),
        topology: ifReadable(() => decideTopology(name, platform, settings, around, report), null),
      },
    ];
  });
}

function hasReplica({ settings }: Instances, instance: string | null): boolean {
  const its = ownEntry(settings, instance ?? "");
  return its !== undefined && its.existing === null && its.readReplicas > 0;
}

/** Returns the instance with a platform's databases; null if that is unclear, which is reported once. */
function placeOn(settings: Settings<CommonFields>, instances: readonly string[], path: string, report: Report): string | null {
  const written = ifReadable(() => settings.instance, UNREADABLE);
  if (written === UNREADABLE || instances.length === 0) return null;
  if (written === null && instances.length > 1) {
    report({
      path: `${path}.instance`,
      rule: "is required where there is more than one instance",
      got: null,
      remedy: `use ${instances.join(" or ")}`,
    });
  }
  if (written === null) return instances.length === 1 ? (instances[0] ?? null) : null;
  if (instances.includes(written)) return written;
  report(violation(`${path}.instance`, "must name an instance", written, suggest(written, instances)));
  return null;
}

function decideTopology(
  name: string,
  platform: Platform,
  settings: Settings<CommonFields>,
  { target, section, instances }: Surroundings,
  report: Report,
): Topology | null {
  const sidecarBeforeMigrations = platform.sidecarBeforeMigrations(settings);
  const path = `platforms.${name}.access`;
  if (settings.access === "sidecar" && !sidecarBeforeMigrations) {
    report(
      violation(
        path,
        `the chart of ${platform.title} cannot start a sidecar before its migrations`,
        settings.access,
        'use "direct" or "proxy"',
      ),
    );
    return null;
  }
  const instance = settings.instance ?? "";
  const its: InstanceSettings | undefined = ownEntry(instances.settings, instance);
  if (its === undefined) return null;
  const topology = target.topology(settings.access, { sidecarBeforeMigrations, section, instance, settings: its });
  if ("tls" in topology) return topology;
  report(violation(path, topology.rule, settings.access, topology.remedy));
  return null;
}
