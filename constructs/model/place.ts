import { peak } from "./budget";
import { violation } from "./errors";
import { type Fields, type Report, readFields, type Settings } from "./fields";
import type { InstanceSettings } from "./instance";
import { isPlainObject, mapValues, ownEntry } from "./json";
import { databaseName, IDENTIFIER, kubernetesNames, NAME, RESERVED_BEGINNINGS, RESERVED_DATABASES } from "./names";
import { type CommonFields, commonFields, PLATFORM_ELSEWHERE, type Platform, type PlatformDatabase, type Platforms } from "./platform";
import { entriesOf, type Instances } from "./read";
import { nearest, suggest } from "./suggest";
import type { Target, Topology } from "./target";
import { ifReadable, UNREADABLE, withSettings } from "./unreadable";

/** A platform on its instance. Null is what cannot be decided, because a setting that it depends on was reported as malformed. */
export interface Placed {
  readonly name: string;
  /** Its key in the registry. */
  readonly kind: string;
  readonly platform: Platform;
  readonly settings: Settings<CommonFields>;
  readonly instance: string | null;
  readonly databases: Readonly<Record<string, PlatformDatabase>> | null;
  /** Most connections at a time. */
  readonly peak: number | null;
  /** Also null if the target cannot do what the spec asks for, which was reported. */
  readonly topology: Topology | null;
}

export interface Surroundings {
  readonly target: Target;
  readonly platforms: Platforms;
  readonly section: Settings<Fields>;
  readonly instances: Instances;
}

/** Key of a platform's first database: another is named after platform and key. */
const FIRST_DATABASE = "main";

/** Reads the platforms and decides where and how each connects. */
export function placePlatforms(written: unknown, around: Surroundings, report: Report): readonly Placed[] {
  const { platforms, instances } = around;
  const example = `platforms: { ${Object.keys(platforms)[0] ?? ""}: {} }`;
  return entriesOf(written, "platforms", example, report).flatMap(([name, value]) => {
    const path = `platforms.${name}`;
    const kind = kindOf(name, value, Object.keys(platforms), report);
    const platform = kind === null ? undefined : platforms[kind];
    if (kind === null || platform === undefined) return [];
    const fields = { ...commonFields(name), ...platform.fields };
    const read = readFields(fields, value, path, report, PLATFORM_ELSEWHERE) as Settings<CommonFields>;
    const instance = placeOn(read, instances.names, path, report);
    const chartVersion = ifReadable(() => read.chartVersion || (platform.chart(read)?.verifiedVersions[0] ?? ""), UNREADABLE);
    const settings = withSettings(read, { instance: instance ?? UNREADABLE, chartVersion }) as Settings<CommonFields>;
    return [
      {
        name,
        kind,
        platform,
        settings,
        instance,
        databases: ifReadable(() => nameDatabases(name, kind, platform.databases(settings), settings.databases, report), null),
        peak: ifReadable(() => peak(platform.connections(settings)), null),
        topology: ifReadable(() => decideTopology(name, platform, settings, around, report), null),
      },
    ];
  });
}

/** What a platform is: what its setting `platform` says, else its name. Null if it is nothing that is known, which is reported. */
function kindOf(name: string, written: unknown, known: readonly string[], report: Report): string | null {
  const path = `platforms.${name}`;
  const kind = isPlainObject(written) ? (ownEntry(written, "platform") ?? name) : name;
  if (typeof kind === "string" && known.includes(kind)) return checkName(name, kind, report);
  if (kind !== name || (isPlainObject(written) && ownEntry(written, "platform") !== undefined)) {
    report(violation(`${path}.platform`, "must name a platform", kind, suggest(String(kind), known)));
    return null;
  }
  const meant = known.filter((each) => name.includes(each));
  const near = nearest(name, known);
  const options = (meant.length === 0 ? [...known].sort() : meant).map((each) => `"${each}"`).join(" or ");
  const remedy = near === null ? `add platform: ${options}` : `did you mean "${near}"?`;
  report({ path, rule: "unknown platform", got: null, remedy });
  return null;
}

/** Kinds have valid names. */
function checkName(name: string, kind: string, report: Report): string | null {
  const path = `platforms.${name}`;
  if (name === kind) return kind;
  const reserved = RESERVED_BEGINNINGS.find((beginning) => name === beginning || name.startsWith(`${beginning}-`));
  if (reserved !== undefined) report(violation(path, `name must not be ${reserved} or begin with ${reserved}-, which is reserved`, name));
  if (!NAME.pattern.test(name)) report(violation(path, `name must be ${NAME.form}`, name));
  return NAME.pattern.test(name) && reserved === undefined ? kind : null;
}

/** A platform's databases with their names: those of the spec, else the kind's if the platform is called like it, else those that follow from the platform's name. */
function nameDatabases(
  name: string,
  kind: string,
  usual: Readonly<Record<string, PlatformDatabase>>,
  written: Settings<CommonFields>["databases"],
  report: Report,
): Readonly<Record<string, PlatformDatabase>> {
  const path = `platforms.${name}.databases`;
  for (const key of Object.keys(written))
    if (!Object.hasOwn(usual, key))
      report({ path: `${path}.${key}`, rule: "unknown key", got: null, remedy: suggest(key, Object.keys(usual)) });
  const isOnly = new Set(Object.values(usual).map((database) => database.name)).size === 1;
  const derive = (key: string, database: PlatformDatabase) =>
    name === kind ? database.name : databaseName(name, isOnly || key === FIRST_DATABASE ? null : key);
  const byName = new Map<string, string>();
  return mapValues(usual, (database, key) => {
    const own = ownEntry(written, key);
    const other = own?.name == null ? undefined : byName.get(own.name);
    if (other !== undefined) report(violation(`${path}.${key}`, `must differ from the database of ${other}`, own?.name));
    const its = own?.name ?? derive(key, database);
    byName.set(its, key);
    return { name: its, extensions: [...new Set([...database.extensions, ...(own?.extensions ?? [])])] };
  });
}

/** The instance that holds a platform's databases, or null if that is unclear, which is reported once. */
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

/** Refuses two platforms of one release, two whose objects could have one name, and two in one database. */
export function checkNames(placed: readonly Placed[], report: Report): void {
  const releases = new Map<string, string>();
  const databases = new Map<string, string>();
  for (const together of byNamespace(placed))
    for (const item of together) for (const other of together) checkBeginnings(item, other, report);
  for (const { name, settings, instance, databases: own } of placed) {
    ifReadable(() => {
      const release = `${settings.namespace}/${settings.release}`;
      const other = releases.get(release);
      if (other !== undefined)
        report(
          violation(`platforms.${name}.release`, `is already the release of ${other} in namespace ${settings.namespace}`, settings.release),
        );
      releases.set(release, name);
    }, undefined);

    const names = new Set(Object.values(own ?? {}).map((database) => database.name));
    for (const database of names) {
      const path = `platforms.${name}`;
      const owner = instance === null ? undefined : databases.get(`${instance}/${database}`);
      if (owner !== undefined)
        report(
          violation(path, `uses a database that ${owner} has on the same instance`, database, `write another name in ${path}.databases`),
        );
      if (RESERVED_DATABASES.includes(database))
        report(violation(path, "must not use a database that belongs to PostgreSQL or a cloud", database));
      if (!IDENTIFIER.pattern.test(database)) report(violation(path, `database must be ${IDENTIFIER.form}`, database));
      if (instance !== null) databases.set(`${instance}/${database}`, name);
    }
  }
}

/** Those whose names are readable. */
function byNamespace(placed: readonly Placed[]): Iterable<readonly Placed[]> {
  const groups = new Map<string, Placed[]>();
  for (const item of placed) {
    const namespace = ifReadable(() => item.settings.release && item.settings.namespace, null);
    if (namespace !== null) groups.set(namespace, [...(groups.get(namespace) ?? []), item]);
  }
  return groups.values();
}

/** What a chart creates is called as its release begins: beside a release `a`, one called `a-db` would take the names of its objects. */
function checkBeginnings({ name, settings: { namespace, release } }: Placed, { name: other, settings: its }: Placed, report: Report): void {
  const { secret } = kubernetesNames(its.release);
  if (release !== secret && !release.startsWith(`${secret}-`)) return;
  const rule = `must not begin with ${secret}, as the objects of ${other} in namespace ${namespace} do`;
  report(violation(`platforms.${name}.release`, rule, release, "choose another release or namespace"));
}
