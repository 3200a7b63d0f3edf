import { budget, checkBudget, peak } from "./budget";
import { SpecError, type Violation, violation } from "./errors";
import { readFields, type Settings } from "./fields";
import { completeInstance, type InstanceSettings, type InstanceSpec, instanceFields, writtenMaxConnections } from "./instance";
import { deepFreeze, isObject, mapValues } from "./json";
import { IDENTIFIER, NAME, RESERVED_DATABASES, roleNames, storeSecretName } from "./names";
import { type CommonFields, commonFields, type Platform, type Platforms, type TlsMode } from "./platform";
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
import { suggest } from "./suggest";
import type { Target, Topology } from "./target";
import { collision, leafPaths } from "./values";
import { placeholderWiring } from "./wire";

type PlatformSettings = Settings<CommonFields>;
type Report = (violation: Violation) => void;

/** A platform whose own settings are well-formed. */
interface Placed {
  readonly name: string;
  readonly platform: Platform;
  readonly settings: PlatformSettings;
  readonly instance: string;
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
  const { target, platforms } = given;
  const violations: Violation[] = [];
  const report = (found: Violation) => void violations.push(found);
  const written: Readonly<Record<string, unknown>> = isObject(spec) ? spec : {};

  const envelope = readEnvelope(written, report);
  const section = readFields(target.section, written[target.name] ?? {}, target.name, report);
  const instances = readInstances(written.instances, report);
  const placed = readPlatforms(written.platforms, platforms, instances, report);

  const topologies = new Map(placed.map((item) => [item.name, decideTopology(item, target, report)]));
  for (const item of placed) checkValues(item, topologies.get(item.name)?.tls ?? null, report);
  checkNames(placed, report);

  const findings = [
    ...Object.entries(instances.settings).flatMap(([name, settings]) =>
      checkRules([...instanceRules, ...target.rules], settings, `instances.${name}`),
    ),
    ...placed.flatMap(({ name, platform, settings }) => checkRules(platformRules(name, platform), settings, `platforms.${name}`)),
  ];
  const warnings = judge(findings, envelope.acknowledge, report);

  const resolvedInstances = mapValues(instances.settings, (settings, name) =>
    placeTenants(envelope.name, name, settings, placed, target, report),
  );
  if (violations.length > 0) throw new SpecError(violations);

  const complete = {
    ...Object.fromEntries(SECTION_NAMES.filter((name) => name in written).map((name) => [name, written[name]])),
    ...envelope,
  };
  const sectionPart = Object.keys(target.section).length > 0 ? { [target.name]: section } : {};
  return deepFreeze({
    spec: {
      ...complete,
      ...sectionPart,
      instances: instances.settings,
      platforms: Object.fromEntries(placed.map(({ name, settings }) => [name, settings])),
    },
    name: envelope.name,
    target: target.name,
    section,
    instances: resolvedInstances,
    platforms: Object.fromEntries(placed.map((item) => [item.name, toResolved(item, topologies.get(item.name) ?? null)])),
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

function readPlatforms(written: unknown, platforms: Platforms, instances: Instances, report: Report): readonly Placed[] {
  return entriesOf(written, "platforms", report).flatMap(([name, value]) => {
    const path = `platforms.${name}`;
    const platform = Object.hasOwn(platforms, name) ? platforms[name] : undefined;
    if (platform === undefined) {
      report({ path, rule: "unknown platform", got: null, remedy: suggest(name, Object.keys(platforms)) });
      return [];
    }
    const counted = counting(report);
    const read = readFields({ ...commonFields(name), ...platform.fields }, value, path, counted.report) as PlatformSettings;
    const instance = placeOn(read.instance, instances.names, path, counted.report);
    if (counted.found() > 0 || instance === null) return [];
    const settings = { ...read, instance, chartVersion: read.chartVersion || platform.chart(read).verifiedVersions[0] };
    return [{ name, platform, settings, instance }];
  });
}

function placeOn(written: string | null, instances: readonly string[], path: string, report: Report): string | null {
  if (written === null && instances.length === 1) return instances[0] ?? null;
  if (written === null)
    report({
      path: `${path}.instance`,
      rule: "is required where there is more than one instance",
      got: null,
      remedy: `use ${instances.join(" or ")}`,
    });
  else if (!instances.includes(written))
    report(violation(`${path}.instance`, "must name an instance", written, suggest(written, instances)));
  return written;
}

function entriesOf(written: unknown, path: string, report: Report): readonly (readonly [string, unknown])[] {
  if (isObject(written)) return Object.entries(written).filter(([, value]) => value !== undefined);
  report(violation(path, "must be an object", written));
  return [];
}

function decideTopology({ name, platform, settings }: Placed, target: Target, report: Report): Topology | null {
  const sidecarFits = platform.sidecarBeforeMigrations(settings);
  const path = `platforms.${name}.access`;
  if (settings.access === "sidecar" && !sidecarFits) {
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
  const topology = target.topology(settings.access, sidecarFits);
  if ("tls" in topology) return topology;
  report(violation(path, topology.rule, settings.access, topology.remedy));
  return null;
}

/** The user's values win, except over the wiring: what `wire` itself writes is guarded. */
function checkValues({ name, platform, settings }: Placed, tls: TlsMode | null, report: Report): void {
  const path = `platforms.${name}.values`;
  const userPaths = leafPaths(settings.values);
  if (tls === null || userPaths.length === 0) return;
  const { release } = placeholderWiring(platform, settings, tls);
  if (release.kind !== "helm") {
    report(violation(path, `must be empty, ${platform.title} has no Helm chart`, settings.values, "patch the rendered files instead"));
    return;
  }
  const guarded = leafPaths(release.values);
  for (const userPath of userPaths) {
    const own = collision(userPath, guarded);
    if (own === null) continue;
    const setting = Object.entries(platform.settingOf).find(([governed]) => collision(own, [governed]) !== null)?.[1];
    const remedy = setting === undefined ? "remove it, the connection decides it" : `use platforms.${name}.${setting}`;
    report({ path: `${path}.${userPath}`, rule: "is set by the wiring", got: null, remedy });
  }
}

function checkNames(placed: readonly Placed[], report: Report): void {
  const releases = new Map<string, string>();
  const databases = new Map<string, string>();
  for (const { name, platform, settings, instance } of placed) {
    const release = `${settings.namespace}/${settings.release}`;
    const other = releases.get(release);
    if (other !== undefined)
      report(
        violation(`platforms.${name}.release`, `is already the release of ${other} in namespace ${settings.namespace}`, settings.release),
      );
    releases.set(release, name);

    const names = new Set(Object.values(platform.databases(settings)).map((database) => database.name));
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

function placeTenants(
  environment: string,
  name: string,
  settings: InstanceSettings,
  placed: readonly Placed[],
  target: Target,
  report: Report,
): ResolvedInstance {
  const own = placed.filter((item) => item.instance === name);
  const maxConnections = writtenMaxConnections(settings) ?? target.maxConnections(settings);
  const peaks = Object.fromEntries(
    own.map(({ name: platform, platform: { connections }, settings: its }) => [platform, peak(connections(its))]),
  );
  for (const found of checkBudget(budget(maxConnections, target.reservedConnections, peaks), `instances.${name}`)) report(found);
  for (const { name: platform, platform: its } of own) {
    if (settings.majorVersion >= its.minimumMajorVersion) continue;
    report(
      violation(`instances.${name}.majorVersion`, `must be at least ${its.minimumMajorVersion} for ${platform}`, settings.majorVersion),
    );
  }
  const tenants = Object.fromEntries(own.map((item) => [item.name, toTenant(environment, item, peaks[item.name] ?? 0)]));
  return { settings, maxConnections, reservedConnections: target.reservedConnections, tenants };
}

function toTenant(environment: string, { name, platform, settings }: Placed, connectionLimit: number): Tenant {
  const { owner, logins } = roleNames(name);
  const databases = new Map<string, readonly string[]>();
  for (const { name: database, extensions } of Object.values(platform.databases(settings))) {
    databases.set(database, [...new Set([...(databases.get(database) ?? []), ...extensions])]);
  }
  return {
    owner,
    logins: [
      { name: logins[0], connectionLimit },
      { name: logins[1], connectionLimit },
    ],
    databases: [...databases].map(([database, extensions]) => ({ name: database, extensions })),
    createDatabase: platform.roleAttributes.includes("CREATEDB"),
    loginParameters: platform.loginParameters,
    secret: storeSecretName(environment, name),
  };
}

function toResolved({ platform, settings, instance }: Placed, topology: Topology | null): ResolvedPlatform<PlatformSettings> | null {
  if (topology === null) return null;
  return {
    settings,
    instance,
    access: topology.access,
    tls: topology.tls,
    peak: peak(platform.connections(settings)),
    databases: mapValues(platform.databases(settings), (database) => database.name),
  };
}
