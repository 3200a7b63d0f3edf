import { budget, checkBudget } from "./budget";
import { checkNames } from "./collisions";
import type { CommonFields } from "./common-fields";
import { SpecError, type Violation, violation } from "./errors";
import type { Fields, Report, Settings } from "./fields";
import { checkValues } from "./guarded-values";
import { type InstanceSettings, isMaxConnections, writtenMaxConnections } from "./instance";
import { frozenCopy, isPlainObject, mapValues } from "./json";
import { roleNames, storeSecretName } from "./names";
import { mergeInstances } from "./own-instance";
import { type Placed, placePlatforms } from "./place";
import type { PlatformDatabase, Platforms } from "./platform";
import { readEnvelope, readInstances, readSections } from "./read";
import { checkRules, type Finding } from "./rule";
import { instanceRules } from "./rules/instance-rules";
import { platformRules } from "./rules/platform-rules";
import { togetherRules } from "./rules/together-rules";
import { wholeRules } from "./rules/whole-rules";
import type {
  CoreSpec,
  Environment,
  Exact,
  ExactPlatforms,
  environmentFields,
  InstancesOf,
  PlatformsOf,
  ResolvedInstance,
  ResolvedPlatform,
  SpecOn,
  Tenant,
} from "./spec";
import { nearest } from "./suggest";
import type { Target, Topology, WholePlatform } from "./target";
import { checkTeamRules, type TeamRule, type TeamSubject } from "./team-rule";
import { ifReadable, withSettings } from "./unreadable";
import { type Share, waysOut } from "./ways-out";

/** What a spec is resolved against. */
export interface Given<P extends Platforms, X extends Fields = Fields, N extends string = string, O extends string = string> {
  readonly target: Target<X, N>;
  /** Platforms that a spec may name. */
  readonly platforms: P;
  /** Names of further targets whose sections a spec may have; none by default. */
  readonly sections?: readonly O[];
  /** A team's rules, added to this project's; none by default. */
  readonly rules?: readonly TeamRule[];
}

/**
 * Checks a spec against a target and completes it. Pure: the same spec gives the same environment.
 *
 * The compiler rejects misspelt keys. If the spec is a literal or a `const`, it knows the instances and platforms.
 *
 * @throws SpecError with every violation.
 */
export function resolve<const S extends CoreSpec<P>, P extends Platforms, X extends Fields, N extends string, O extends string = never>(
  spec: S & Exact<S, SpecOn<NoInfer<P>, NoInfer<X>, NoInfer<N>, NoInfer<O>> & ExactPlatforms<NoInfer<P>, S>> & NoInfer<SpecOn<P, X, N, O>>,
  given: Given<P, X, N, O>,
): Environment<P, X, InstancesOf<S["instances"]>, PlatformsOf<S, P>> {
  return resolveUnknown(spec, given) as Environment<P, X, InstancesOf<S["instances"]>, PlatformsOf<S, P>>;
}

/**
 * Like `resolve`, for a spec of unknown type: parsed from JSON, or read from a file.
 *
 * Order: fields, topology, guarded values, names, rules, budget. A malformed field hides only the checks that read it; all violations are
 * thrown together.
 *
 * @throws SpecError with every violation.
 */
export function resolveUnknown<P extends Platforms, X extends Fields>(spec: unknown, given: Given<P, X>): Environment<P, X> {
  if (!isPlainObject(spec)) throw new SpecError([violation("spec", "must be an object", spec)]);
  const target = given.target as Target;
  const { platforms, sections: others = [], rules: ofTeam = [] } = given;
  const violations: Violation[] = [];
  const report = (found: Violation) => void violations.push(found);

  const known = [...new Set([...others, ...(Object.keys(target.section).length > 0 ? [target.name] : [])])];
  const envelope = readEnvelope(spec, known, report);
  const sections = readSections(spec, { target, sections: known }, report);
  const written = readInstances(spec.instances, target, report);
  const { section, settings: merged, locate, unused } = mergeInstances(target, sections[target.name] ?? {}, written, report);
  const instances = { ...written, settings: merged };
  const located = (found: Violation): Violation => ({ ...found, path: locate(found.path) });
  const reportLocated = (found: Violation) => report(located(found));
  const placed = placePlatforms(spec.platforms, { target, platforms, section, instances }, report);
  for (const { name, platform, settings, topology } of placed)
    ifReadable(() => checkValues(name, platform, settings, topology, report), undefined);
  checkNames(placed, report);

  const rulesOfKinds = mapValues(platforms, (platform, kind) => platformRules(kind, platform));
  const ofAll = togetherRules(platforms);
  const ofWhole = [...wholeRules, ...target.wholeRules];
  const ours = [...instanceRules, ...target.rules, ...ofWhole, ...Object.values(rulesOfKinds).flat(), ...ofAll];
  const whole = {
    section,
    instances: instances.settings,
    platforms: Object.fromEntries(placed.map((item) => [item.name, toWholePlatform(item)])),
  };
  const findings = [
    ...checkRules(ofWhole, withSettings(envelope, whole), ""),
    ...Object.entries(instances.settings).flatMap(([name, settings]) =>
      checkRules([...instanceRules, ...target.rules], settings, `instances.${name}`),
    ),
    ...placed.flatMap(({ name, kind, settings }) => checkRules(rulesOfKinds[kind] ?? [], settings, `platforms.${name}`)),
    ...checkRules(ofAll, placed, "platforms"),
    ...checkTeamRules(ofTeam, toTeamSubject(target, envelope, whole, placed), idsOf(ours)),
  ];
  const warnings = [
    ...judge(findings, envelope, idsOf([...ours, ...ofTeam]), reportLocated),
    ...unused,
    ...placed.flatMap(toCaution),
    ...placed.flatMap((item) => toUntried(item, instances.settings)),
  ].map(located);
  for (const [name, settings] of Object.entries(instances.settings))
    checkInstance({ name, settings, locate }, placed, target, reportLocated);
  if (violations.length > 0) throw new SpecError(violations);

  const complete = placed.filter(isComplete);
  return frozenCopy({
    spec: {
      ...envelope,
      ...sections,
      ...(Object.hasOwn(sections, target.name) ? { [target.name]: section } : {}),
      instances: written.settings,
      platforms: Object.fromEntries(complete.map(({ name, settings }) => [name, settings])),
    },
    name: envelope.name,
    target: target.name,
    section,
    instances: mapValues(instances.settings, (settings, name) => toInstance(envelope.name, name, settings, complete, target)),
    platforms: Object.fromEntries(complete.map((item) => [item.name, toPlatform(item)])),
    warnings,
  }) as unknown as Environment<P, X>;
}

/** A platform without undecided values. */
interface Complete extends Placed {
  readonly instance: string;
  readonly databases: Readonly<Record<string, PlatformDatabase>>;
  readonly peak: number;
  readonly readerPeak: number;
  readonly topology: Topology;
}

const isComplete = (placed: Placed): placed is Complete =>
  placed.instance !== null && placed.databases !== null && placed.peak !== null && placed.readerPeak !== null && placed.topology !== null;

const toWholePlatform = ({ platform, settings, instance, databases, topology }: Placed): WholePlatform => ({
  settings,
  instance,
  access: topology?.access ?? null,
  serviceAccounts: ifReadable(() => platform.serviceAccounts(settings), []),
  databases: Object.values(databases ?? {}),
  extensions: [...new Set(Object.values(databases ?? {}).flatMap((database) => database.extensions))],
});

const idsOf = (rules: readonly { readonly id: string }[]): readonly string[] => rules.map(({ id }) => id);

/** Returns an environment as a team's rules see it; reading a malformed setting ends a rule. */
const toTeamSubject = (
  { name }: Target,
  envelope: Settings<typeof environmentFields>,
  { section, instances }: Pick<TeamSubject, "section" | "instances">,
  placed: readonly Placed[],
): TeamSubject =>
  withSettings(envelope, {
    target: name,
    section,
    instances,
    platforms: Object.fromEntries(
      placed.map(({ name: platform, kind, settings, instance, topology }) => [
        platform,
        { kind, settings, instance, access: topology?.access ?? null },
      ]),
    ),
  });

const toCaution = ({ name, settings, topology }: Placed): readonly Violation[] =>
  topology?.caution ? [violation(`platforms.${name}.access`, topology.caution.rule, settings.access, topology.caution.remedy)] : [];

/** Reports a server that is newer than the versions that the platform was tested with. */
const toUntried = ({ platform, instance }: Placed, instances: Readonly<Record<string, InstanceSettings>>): readonly Violation[] =>
  ifReadable(() => {
    const majorVersion = instances[instance ?? ""]?.majorVersion ?? 0;
    const { title, newestMajorVersion: newest } = platform;
    const rule = `is newer than PostgreSQL ${newest}, the newest version that ${title} was tested with`;
    return newest === null || majorVersion <= newest ? [] : [violation(`instances.${instance}.majorVersion`, rule, majorVersion)];
  }, []);

/** Turns findings into violations, or into warnings where the spec acknowledges them. */
function judge(
  findings: readonly Finding[],
  envelope: Settings<typeof environmentFields>,
  known: readonly string[],
  report: Report,
): readonly Violation[] {
  // If it is malformed, its acknowledgements are unknown.
  const acknowledged = ifReadable(() => envelope.acknowledge, null);
  const unknown = checkAcknowledged(Object.getOwnPropertyNames(acknowledged ?? {}), known, report);
  // An error must be fixed, so a reason does not help.
  const rejected = new Set(findings.flatMap(({ severity, violation: found }) => (severity === "error" ? [found.path] : [])));
  const judged = findings.flatMap(({ severity, violation: found }) => {
    if (severity !== "error" && rejected.has(found.path)) return [];
    const { id, remedy } = found;
    const reason = acknowledged !== null && Object.hasOwn(acknowledged, id) ? ifReadable(() => acknowledged[id] ?? "", "") : null;
    if (severity !== "error" && reason !== null) return [{ ...found, remedy: `acknowledged: ${reason}` }];
    if (severity === "warning") return [found];
    const write = `write acknowledge: { "${id}": "<reason>" }`;
    if (severity === "error") report(found);
    else if (acknowledged !== null) report({ ...found, remedy: remedy === "" ? write : `${remedy}; then ${write}` });
    return [];
  });
  return [...judged, ...unknown];
}

/** A mistyped ID would acknowledge nothing. An ID with an unknown first word may belong to another target or a team. */
function checkAcknowledged(ids: readonly string[], known: readonly string[], report: Report): readonly Violation[] {
  const firstWord = (id: string) => id.split("-", 1)[0];
  const beginnings = new Set(known.map(firstWord));
  return ids.flatMap((id) => {
    if (known.includes(id)) return [];
    const found = { path: `acknowledge.${id}`, rule: "is not a rule ID", got: null };
    const near = nearest(id, known);
    if (near !== null) report({ ...found, remedy: `did you mean "${near}"?` });
    return near !== null || !beginnings.has(firstWord(id))
      ? []
      : [{ ...found, remedy: "docs/reference/rules.md lists them; remove it, or correct it" }];
  });
}

const tenantsOf = <T extends Placed>(instance: string, placed: readonly T[]): readonly T[] =>
  placed.filter((item) => item.instance === instance);

const maxConnectionsOf = (settings: InstanceSettings, target: Target): number =>
  writtenMaxConnections(settings) ?? target.maxConnections(settings);

const reservedConnectionsOf = (settings: InstanceSettings, target: Target): number =>
  target.reservedConnections + (settings.existing === null ? (target.reservedByParameters?.(settings) ?? 0) : 0);

/** Platforms with an undecided peak do not count: if the others need too much, that is an error in any case. */
function checkInstance(
  { name, settings, locate }: { readonly name: string; readonly settings: InstanceSettings; locate(path: string): string },
  placed: readonly Placed[],
  target: Target,
  report: Report,
): void {
  const own = tenantsOf(name, placed);
  ifReadable(() => {
    const maxConnections = maxConnectionsOf(settings, target);
    // Its own rule has rejected it.
    if (!isMaxConnections(maxConnections)) return;
    const check = (shares: readonly Share[], where?: string) => {
      const peaks = Object.fromEntries(shares.map((share) => [share.name, share.peak]));
      const counted = budget(maxConnections, reservedConnectionsOf(settings, target), peaks);
      const remedies = () => ifReadable(() => waysOut({ name, isExisting: settings.existing !== null, locate }, shares, counted), []);
      for (const each of checkBudget(counted, `instances.${name}`, remedies, where)) report(each);
    };
    check(own.flatMap(toShare));
    const readers = own.flatMap(toReaderShare);
    // A replica has its primary's max_connections.
    if (readers.length > 0) check(readers, " of its first replica");
  }, undefined);
  ifReadable(() => {
    for (const { name: platform, platform: its } of own) {
      if (settings.majorVersion >= its.minimumMajorVersion) continue;
      report(
        violation(`instances.${name}.majorVersion`, `must be at least ${its.minimumMajorVersion} for ${platform}`, settings.majorVersion),
      );
    }
  }, undefined);
}

const toShare = (item: Placed): readonly Share[] => (item.peak === null ? [] : [{ ...item, peak: item.peak }]);

/** A platform as its instance's first replica sees it. */
const toReaderShare = ({ platform, readerPeak, ...item }: Placed): readonly Share[] =>
  readerPeak === null || readerPeak === 0
    ? []
    : [{ ...item, platform: { ...platform, connections: platform.readerConnections }, peak: readerPeak }];

function toInstance(
  environment: string,
  name: string,
  settings: InstanceSettings,
  placed: readonly Complete[],
  target: Target,
): ResolvedInstance {
  const tenants = tenantsOf(name, placed).map((item) => [item.name, toTenant(environment, item)] as const);
  return {
    settings,
    maxConnections: maxConnectionsOf(settings, target),
    reservedConnections: reservedConnectionsOf(settings, target),
    tenants: Object.fromEntries(tenants),
  };
}

function toTenant(environment: string, { name, platform, settings, databases, ...item }: Complete): Tenant {
  const { owner, logins } = roleNames(name);
  // Each server counts its own connections, and a replica has its primary's roles.
  const connectionLimit = Math.max(item.peak, item.readerPeak);
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

function toPlatform({
  kind,
  settings,
  instance,
  databases,
  peak: connections,
  readerPeak,
  topology,
}: Complete): ResolvedPlatform<Settings<CommonFields>> {
  const { access, tls } = topology;
  const names = mapValues(databases, (database) => database.name);
  return { kind, settings, instance, access, tls, peak: connections, readerPeak, databases: names };
}
