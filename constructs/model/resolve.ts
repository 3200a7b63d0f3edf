import { budget, checkBudget, peak } from "./budget";
import { SpecError, type Violation, violation } from "./errors";
import { type Fields, json, type Report, readFields, type Settings } from "./fields";
import { checkValues } from "./guarded-values";
import { completeInstance, type InstanceSettings, type InstanceSpec, instanceFields, writtenMaxConnections } from "./instance";
import { frozenCopy, isObject, mapValues } from "./json";
import { IDENTIFIER, NAME, RESERVED_DATABASES, roleNames, storeSecretName } from "./names";
import { type CommonFields, commonFields, type Platform, type PlatformDatabase, type Platforms } from "./platform";
import { checkRules, type Finding } from "./rule";
import { instanceRules, platformRules } from "./rules";
import {
  type CoreSpec,
  type Environment,
  environmentFields,
  type ResolvedInstance,
  type ResolvedPlatform,
  SECTION_NAMES,
  type Tenant,
} from "./spec";
import { nearest, suggest } from "./suggest";
import type { Target, Topology } from "./target";
import { waysOut } from "./ways-out";

type PlatformSettings = Settings<CommonFields>;

/** A platform whose own settings are well-formed. */
interface Placed {
  readonly name: string;
  readonly platform: Platform;
  readonly settings: PlatformSettings;
  readonly instance: string;
  readonly databases: Readonly<Record<string, PlatformDatabase>>;
  /** Most connections at a time. */
  readonly peak: number;
  /** Null where the target cannot do what the spec asks for, which was reported. */
  readonly topology: Topology | null;
}

/**
 * Checks a spec against a target and completes it. Pure: the same spec gives the same environment.
 *
 * Order: fields, rules, topology, guarded values, budget. A later step skips what an earlier one found malformed, so that one mistake
 * is told once; all that is found is thrown together.
 *
 * @throws SpecError with every violation.
 */
export function resolve<P extends Platforms>(spec: CoreSpec<P>, given: { readonly target: Target; readonly platforms: P }): Environment<P> {
  const { target } = given;
  const violations: Violation[] = [];
  const report = (found: Violation) => void violations.push(found);
  const written: Readonly<Record<string, unknown>> = isObject(spec) ? spec : {};

  const envelope = readEnvelope(written, report);
  const counted = counting(report);
  const sections = readSections(written, target, counted.report);
  const instances = readInstances(written.instances, report);
  const section = sections[target.name] ?? {};
  const placed = readPlatforms(written.platforms, given, { ...instances, section }, report);
  for (const { name, platform, settings, topology } of placed)
    if (topology !== null) checkValues(name, platform, settings, topology, report);
  checkNames(placed, report);

  const findings = [
    ...(counted.found() > 0 ? [] : checkRules(target.wholeRules, { ...envelope, section, instances: instances.settings }, "")),
    ...Object.entries(instances.settings).flatMap(([name, settings]) =>
      checkRules([...instanceRules, ...target.rules], settings, `instances.${name}`),
    ),
    ...placed.flatMap(({ name, platform, settings }) => checkRules(platformRules(name, platform), settings, `platforms.${name}`)),
  ];
  checkAcknowledged(envelope.acknowledge, given, report);
  const warnings = [...judge(findings, envelope.acknowledge, report), ...placed.flatMap(toCaution)];
  for (const [name, settings] of Object.entries(instances.settings)) checkInstance(name, settings, placed, target, report);
  if (violations.length > 0) throw new SpecError(violations);

  return frozenCopy({
    spec: {
      ...envelope,
      ...sections,
      instances: instances.settings,
      platforms: Object.fromEntries(placed.map(({ name, settings }) => [name, settings])),
    },
    name: envelope.name,
    target: target.name,
    section,
    instances: mapValues(instances.settings, (settings, name) => toInstance(envelope.name, name, settings, placed, target)),
    platforms: Object.fromEntries(placed.map((item) => [item.name, toPlatform(item)])),
    warnings,
  }) as unknown as Environment<P>;
}

function readEnvelope(written: Readonly<Record<string, unknown>>, report: Report): Settings<typeof environmentFields> {
  const known = [...Object.keys(environmentFields), "instances", "platforms", ...SECTION_NAMES];
  const own: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(written)) {
    if (Object.hasOwn(environmentFields, key)) own[key] = value;
    else if (!known.includes(key)) report({ path: key, rule: "unknown key", got: null, remedy: suggest(key, known) });
  }
  return readFields(environmentFields, own, "", report);
}

/** Its own section is checked by the target; those of others are carried along, as long as they are plain data. */
function readSections(
  written: Readonly<Record<string, unknown>>,
  target: Target,
  report: Report,
): Readonly<Record<string, Settings<Fields>>> {
  const others = SECTION_NAMES.filter((name) => name !== target.name && written[name] !== undefined);
  const own =
    Object.keys(target.section).length > 0
      ? [[target.name, readFields(target.section, written[target.name] ?? {}, target.name, report)] as const]
      : [];
  return Object.fromEntries([...others.map((name) => [name, json().read(written[name], name, report)] as const), ...own]);
}

interface Instances {
  /** As written: platforms may name one whose settings are malformed. */
  readonly names: readonly string[];
  /** Those without a violation of their own. */
  readonly settings: Readonly<Record<string, InstanceSettings>>;
}

function readInstances(written: unknown, report: Report): Instances {
  const entries = entriesOf(written, "instances", report);
  if (isObject(written) && entries.length === 0) report(violation("instances", "must name at least one instance", written, "add main: {}"));
  const settings = entries.map(([name, value]) => {
    const path = `instances.${name}`;
    const counted = counting(report);
    if (!NAME.pattern.test(name)) counted.report(violation(path, `name must be ${NAME.form}`, name));
    const read = readFields(instanceFields, value, path, counted.report);
    return counted.found() === 0 ? ([name, completeInstance(read, value as InstanceSpec)] as const) : null;
  });
  return { names: entries.map(([name]) => name), settings: Object.fromEntries(settings.filter((item) => item !== null)) };
}

/** Passes violations on and knows whether there were any. */
function counting(report: Report): { readonly report: Report; readonly found: () => number } {
  let found = 0;
  return {
    report: (each) => {
      found += 1;
      report(each);
    },
    found: () => found,
  };
}

function readPlatforms(
  written: unknown,
  { platforms, target }: { readonly platforms: Platforms; readonly target: Target },
  instances: Instances & { readonly section: Settings<Fields> },
  report: Report,
): readonly Placed[] {
  return entriesOf(written, "platforms", report).flatMap(([name, value]) => {
    const path = `platforms.${name}`;
    const platform = Object.hasOwn(platforms, name) ? platforms[name] : undefined;
    if (platform === undefined) {
      report({ path, rule: "unknown platform", got: null, remedy: suggest(name, Object.keys(platforms)) });
      return [];
    }
    const counted = counting(report);
    const read = readFields({ ...commonFields(name), ...platform.fields }, value, path, counted.report) as PlatformSettings;
    if (counted.found() > 0) return [];
    const instance = placeOn(read.instance, instances.names, path, report);
    if (instance === null) return [];
    const settings = { ...read, instance, chartVersion: read.chartVersion || platform.chart(read).verifiedVersions[0] };
    return [
      {
        name,
        platform,
        settings,
        instance,
        databases: platform.databases(settings),
        peak: peak(platform.connections(settings)),
        topology: decideTopology({ name, platform, settings, instance }, target, instances, report),
      },
    ];
  });
}

/** The instance that holds a platform's databases, or null where that is not told, which is reported once. */
function placeOn(written: string | null, instances: readonly string[], path: string, report: Report): string | null {
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
  if (instances.length > 0) report(violation(`${path}.instance`, "must name an instance", written, suggest(written, instances)));
  return null;
}

function entriesOf(written: unknown, path: string, report: Report): readonly (readonly [string, unknown])[] {
  if (isObject(written)) return Object.entries(written).filter(([, value]) => value !== undefined);
  report(violation(path, "must be an object", written));
  return [];
}

/** Null where there is none, or where its instance is malformed, either of which is reported. */
function decideTopology(
  { name, platform, settings, instance }: Pick<Placed, "name" | "platform" | "settings" | "instance">,
  target: Target,
  { settings: instances, section }: Instances & { readonly section: Settings<Fields> },
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
  const its = instances[instance];
  if (its === undefined) return null;
  const topology = target.topology(settings.access, { sidecarBeforeMigrations, section, instance, settings: its });
  if ("tls" in topology) return topology;
  report(violation(path, topology.rule, settings.access, topology.remedy));
  return null;
}

const toCaution = ({ name, settings, topology }: Placed): readonly Violation[] =>
  topology?.caution ? [violation(`platforms.${name}.access`, topology.caution.rule, settings.access, topology.caution.remedy)] : [];

function checkNames(placed: readonly Placed[], report: Report): void {
  const releases = new Map<string, string>();
  const databases = new Map<string, string>();
  for (const { name, settings, instance, databases: own } of placed) {
    const release = `${settings.namespace}/${settings.release}`;
    const other = releases.get(release);
    if (other !== undefined)
      report(
        violation(`platforms.${name}.release`, `is already the release of ${other} in namespace ${settings.namespace}`, settings.release),
      );
    releases.set(release, name);

    const names = new Set(Object.values(own).map((database) => database.name));
    for (const database of names) {
      const path = `platforms.${name}`;
      const owner = databases.get(`${instance}/${database}`);
      if (owner !== undefined) report(violation(path, `uses a database that ${owner} has on the same instance`, database));
      if (RESERVED_DATABASES.includes(database))
        report(violation(path, "must not use a database that belongs to PostgreSQL or a cloud", database));
      if (!IDENTIFIER.pattern.test(database)) report(violation(path, `database must be ${IDENTIFIER.form}`, database));
      databases.set(`${instance}/${database}`, name);
    }
  }
}

/** A mistyped id would acknowledge nothing. Ids that are like no known one may be another target's. */
function checkAcknowledged(
  acknowledged: Readonly<Record<string, string>>,
  { target, platforms }: { readonly target: Target; readonly platforms: Platforms },
  report: Report,
): void {
  const ofPlatforms = Object.entries(platforms).flatMap(([name, platform]) => platformRules(name, platform));
  const known = [...instanceRules, ...target.rules, ...target.wholeRules, ...ofPlatforms].map((rule) => rule.id);
  for (const id of Object.keys(acknowledged)) {
    const near = known.includes(id) ? null : nearest(id, known);
    if (near !== null) report({ path: `acknowledge.${id}`, rule: "names no rule", got: null, remedy: `did you mean "${near}"?` });
  }
}

/** Turns findings into violations, or into warnings where the spec acknowledges them. */
function judge(findings: readonly Finding[], acknowledged: Readonly<Record<string, string>>, report: Report): readonly Violation[] {
  return findings.flatMap(({ rule, severity, violation: found }) => {
    if (severity === "warning") return [found];
    if (severity === "acknowledge") {
      if (Object.hasOwn(acknowledged, rule)) return [{ ...found, remedy: `acknowledged: ${acknowledged[rule]}` }];
      report({ ...found, remedy: `${found.remedy}; then write acknowledge: { "${rule}": "<reason>" }` });
      return [];
    }
    report(found);
    return [];
  });
}

const tenantsOf = (instance: string, placed: readonly Placed[]): readonly Placed[] => placed.filter((item) => item.instance === instance);

const maxConnectionsOf = (settings: InstanceSettings, target: Target): number =>
  writtenMaxConnections(settings) ?? target.maxConnections(settings);

function checkInstance(name: string, settings: InstanceSettings, placed: readonly Placed[], target: Target, report: Report): void {
  const own = tenantsOf(name, placed);
  const maxConnections = maxConnectionsOf(settings, target);
  const peaks = Object.fromEntries(own.map((item) => [item.name, item.peak]));
  const counted = budget(maxConnections, target.reservedConnections, peaks);
  // A text that is no number has been refused by its rule.
  const found = Number.isNaN(maxConnections)
    ? []
    : checkBudget(counted, `instances.${name}`, () => waysOut(name, own, counted, settings.existing !== null));
  for (const each of found) report(each);
  for (const { name: platform, platform: its } of own) {
    if (settings.majorVersion >= its.minimumMajorVersion) continue;
    report(
      violation(`instances.${name}.majorVersion`, `must be at least ${its.minimumMajorVersion} for ${platform}`, settings.majorVersion),
    );
  }
}

function toInstance(
  environment: string,
  name: string,
  settings: InstanceSettings,
  placed: readonly Placed[],
  target: Target,
): ResolvedInstance {
  const tenants = tenantsOf(name, placed).map((item) => [item.name, toTenant(environment, item)] as const);
  return {
    settings,
    maxConnections: maxConnectionsOf(settings, target),
    reservedConnections: target.reservedConnections,
    tenants: Object.fromEntries(tenants),
  };
}

function toTenant(environment: string, { name, platform, settings, databases, peak: connectionLimit }: Placed): Tenant {
  const { owner, logins } = roleNames(name);
  const extensions = new Map<string, readonly string[]>();
  for (const database of Object.values(databases)) {
    extensions.set(database.name, [...new Set([...(extensions.get(database.name) ?? []), ...database.extensions])]);
  }
  return {
    owner,
    logins: [
      { name: logins[0], connectionLimit },
      { name: logins[1], connectionLimit },
    ],
    databases: [...extensions].map(([database, its]) => ({ name: database, extensions: its })),
    createDatabase: platform.roleAttributes.includes("CREATEDB"),
    loginParameters: platform.loginParameters,
    secret: storeSecretName(environment, name),
    revisions: platform.revisions(settings).map((revision) => ({ ...revision, database: databases[revision.database]?.name ?? "" })),
  };
}

function toPlatform({ settings, instance, databases, peak: connections, topology }: Placed): ResolvedPlatform<PlatformSettings> | null {
  if (topology === null) return null;
  const { access, tls } = topology;
  return { settings, instance, access, tls, peak: connections, databases: mapValues(databases, (database) => database.name) };
}
