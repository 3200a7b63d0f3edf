import { type Violation, violation } from "./errors";
import { type Elsewhere, type Field, type Fields, group, optional, type Report, readFields, type Settings, type Written } from "./fields";
import {
  completeInstance,
  INSTANCE_ELSEWHERE,
  type InstanceSettings,
  type InstanceSpec,
  instanceFields,
  parametersBesides,
  withoutEffect,
} from "./instance";
import { isPlainObject, mapValues, ownEntry } from "./json";
import { objectSchema } from "./schema";
import { suggest } from "./suggest";
import { ifReadable, joinSettings, pickSettings, toEntries, UNREADABLE, withSettings } from "./unreadable";

/** Fields that instances have only on one target. All have defaults. */
export type OwnFields = Readonly<Record<string, Field<unknown, false, unknown>>>;

type Shared = { readonly [K in keyof InstanceSettings]?: K extends "size" ? Partial<InstanceSettings[K]> : InstanceSettings[K] };

/** An instance in a target's section: the target's own settings, complete, and the shared settings that differ there. */
export type OwnInstance<F extends OwnFields = OwnFields> = Settings<F> & Shared;
type OwnInstanceSpec<F extends OwnFields> = InstanceSpec & Written<F>;

/** Shared settings that follow from a target's own: the size follows from a class. */
export type Implied<F extends OwnFields> = {
  readonly [K in keyof InstanceSettings]?: {
    /** The own setting that decides it. */
    readonly from: keyof F & string;
    /** Null if the own setting is not set. */
    value(own: Settings<F>): InstanceSettings[K] | null;
  };
};

/** What a target defines for its instances. */
interface Own<F extends OwnFields> {
  readonly fields: F;
  readonly implied: Implied<F>;
  /** Advice on keys of other tools. */
  readonly elsewhere: Elsewhere;
}

/** The setting `instances` of a target's section. */
export interface OwnInstances<F extends OwnFields>
  extends Field<Readonly<Record<string, OwnInstance<F>>>, false, Readonly<Record<string, OwnInstanceSpec<F>>>> {
  readonly own: Own<F>;
}

/** Settings whose parts are merged one by one; other settings are replaced as a whole. */
const MERGED = ["size", "parameters"] as const;

/** A field of settings that keeps only the written ones. */
const sparse = <T extends object>(field: Field<T>): Field<T> => ({
  ...field,
  read: (...given) => {
    const settings = field.read(...given);
    return settings === UNREADABLE ? settings : (withoutUndefined(settings) as T);
  },
});

const withoutUndefined = (settings: object): object =>
  pickSettings(settings, (_key, value, isMalformed) => isMalformed || value !== undefined);

/** Every setting of an instance; none has a default here. */
const SHARED: Fields = {
  ...mapValues(instanceFields as Fields, optional),
  size: optional(sparse(group(mapValues(instanceFields.size.fields ?? {}, optional)))),
  parameters: optional(parametersBesides({})),
};

/**
 * Settings of instances on one target, by the instance's name: the target's own, and any setting of `instances.<name>` that differs
 * there.
 */
export function ownInstances<const F extends OwnFields>(
  fields: F,
  implied: Implied<F> = {},
  elsewhere: Elsewhere = new Map(),
): OwnInstances<F> {
  const known = { ...SHARED, ...fields };
  const calledElsewhere = new Map([...INSTANCE_ELSEWHERE, ...elsewhere]);
  return {
    own: { fields, implied, elsewhere },
    required: false,
    default: {},
    form: "an object of instances",
    schema: {
      description: "an object; a key is an instance's name",
      type: "object",
      additionalProperties: objectSchema(known),
      default: {},
    },
    read(written, path, report) {
      if (!isPlainObject(written)) {
        report(violation(path, "must be an object", written, "write { main: { ... } }"));
        return UNREADABLE;
      }
      const own = Object.entries(written).filter(([, value]) => value !== undefined);
      const read = own.map(([name, value]) => {
        // A value that is not an object changes nothing.
        const its = readFields(isPlainObject(value) ? known : fields, value, `${path}.${name}`, report, calledElsewhere);
        return [name, withoutUndefined(its)] as const;
      });
      return toEntries(read) as Readonly<Record<string, OwnInstance<F>>>;
    },
  };
}

/** A target with its section. */
interface WithSection {
  readonly name: string;
  readonly section: Fields;
}

const ownOf = ({ section }: WithSection): Own<OwnFields> | null => {
  const { instances } = section as { readonly instances?: OwnInstances<OwnFields> };
  return instances?.own ?? null;
};

/** Returns advice on keys of `instances.<name>` that only the target's section knows. */
export function elsewhereOf(target: WithSection, instance: string): Elsewhere {
  const own = Object.keys(ownOf(target)?.fields ?? {}).map((key) => {
    const known = INSTANCE_ELSEWHERE.get(key.toLowerCase());
    const advice = `write it as ${target.name}.instances.${instance}.${key}`;
    return [key.toLowerCase(), known === undefined ? advice : `${known}; or ${advice}`] as const;
  });
  return new Map([...INSTANCE_ELSEWHERE, ...(ownOf(target)?.elsewhere ?? []), ...own]);
}

/** Instances as read from the spec, without any target's section. */
interface Read {
  /** As written. */
  readonly names: readonly string[];
  readonly settings: Readonly<Record<string, InstanceSettings>>;
  readonly written: Readonly<Record<string, unknown>>;
}

export interface Merged {
  /** With an entry for each instance. */
  readonly section: Settings<Fields>;
  /** With the settings of the target's section. */
  readonly settings: Readonly<Record<string, InstanceSettings>>;
  /** Returns where a setting is in the spec: `instances.main.iops` may be written as `aws.instances.main.iops`. */
  locate(path: string): string;
  /** Own settings of the target that existing databases ignore. */
  readonly unused: readonly Violation[];
}

/** Merges the target's section into the instances. */
export function mergeInstances(target: WithSection, section: Settings<Fields>, instances: Read, report: Report): Merged {
  const own = ownOf(target);
  if (own === null) return { section, settings: instances.settings, locate: (path) => path, unused: [] };
  const written = ifReadable(() => section.instances as Readonly<Record<string, OwnInstance>>, {});
  for (const name of instances.names.length === 0 ? [] : Object.getOwnPropertyNames(written)) {
    if (!instances.names.includes(name))
      report(violation(`${target.name}.instances.${name}`, "must name an instance", name, suggest(name, instances.names)));
  }
  const defaults = readFields(own.fields, {}, "", report) as OwnInstance;
  const merged = mapValues(instances.settings, (base, name) =>
    merge(base, ownEntry(written, name) ?? defaults, ownEntry(instances.written, name), own.implied),
  );
  for (const [name, { contradicted }] of Object.entries(merged)) {
    for (const [key, from] of contradicted)
      report(
        violation(
          `${target.name}.instances.${name}.${key}`,
          `must not be set together with ${from}, which decides it`,
          {},
          "remove one of the two",
        ),
      );
  }
  const sections = mapValues(merged, (each) => each.own);
  return {
    section: withSettings(section, { instances: ifReadable(() => section.instances, UNREADABLE) === UNREADABLE ? UNREADABLE : sections }),
    settings: mapValues(merged, (each) => each.settings),
    locate: (path) => locate(path, target.name, sections, (name, key) => ownEntry(merged, name)?.from.get(key) ?? null),
    unused: Object.entries(merged).flatMap(([name, each]) =>
      each.isExisting ? unusedOf(each.own, defaults, `${target.name}.instances.${name}`) : [],
    ),
  };
}

const unusedOf = (own: OwnInstance, defaults: OwnInstance, path: string): readonly Violation[] =>
  Object.entries(defaults)
    .filter(([key, value]) => ifReadable(() => JSON.stringify(own[key as keyof OwnInstance]) !== JSON.stringify(value), false))
    .map(([key]) => withoutEffect(`${path}.${key}`));

interface MergedInstance {
  /** Also true if `existing` is malformed. */
  readonly isExisting: boolean;
  readonly settings: InstanceSettings;
  readonly own: OwnInstance;
  /** Shared settings that follow from own ones, by name: the own setting. */
  readonly from: ReadonlyMap<string, string>;
  /** Those of them that are written as well. */
  readonly contradicted: readonly (readonly [string, string])[];
}

function merge(base: InstanceSettings, own: OwnInstance, written: unknown, implied: Implied<OwnFields>): MergedInstance {
  const shared = pickSettings(own, (key) => Object.hasOwn(instanceFields, key)) as Partial<InstanceSettings>;
  const parts = MERGED.filter((key) => Object.hasOwn(shared, key)).map(
    (key) => [key, ifReadable(() => joinSettings<object, object>(base[key], shared[key] ?? {}), UNREADABLE)] as const,
  );
  const joined = withSettings(joinSettings(base, shared), Object.fromEntries(parts)) as unknown as InstanceSettings;
  const isExisting = ifReadable(() => joined.existing !== null, true);
  const follows = Object.entries(isExisting ? {} : implied).flatMap(([key, { from, value }]) => {
    const its = ifReadable(() => value(own), UNREADABLE);
    return its === null ? [] : [{ key, from, value: its }];
  });
  const settings = withSettings(joined, Object.fromEntries(follows.map(({ key, value }) => [key, value]))) as InstanceSettings;
  const isCeilingOwn = Object.hasOwn(own, "maxStorageGib");
  const complete = isCeilingOwn ? settings : completeInstance(settings, written);
  return {
    isExisting,
    settings: complete,
    own: complete !== settings && Object.hasOwn(own, "storageGib") ? withCeiling(own, complete) : own,
    from: new Map(follows.map(({ key, from }) => [key, from])),
    contradicted: follows.flatMap(({ key, from }) => (Object.hasOwn(own, key) ? [[key, from] as const] : [])),
  };
}

/** The default ceiling follows from the target's own disk size: one from the instance's disk may be too low. */
const withCeiling = (own: OwnInstance, settings: InstanceSettings): OwnInstance =>
  withSettings(own, { maxStorageGib: ifReadable(() => settings.maxStorageGib, UNREADABLE) }) as OwnInstance;

function locate(
  path: string,
  target: string,
  sections: Readonly<Record<string, OwnInstance>>,
  decidedBy: (name: string, key: string) => string | null,
): string {
  const [, name = "", key = "", part] = /^instances\.([^.]+)\.([A-Za-z]+)(?:\.(.+))?/s.exec(path) ?? [];
  const own = ownEntry(sections, name);
  if (own === undefined) return path;
  const from = decidedBy(name, key);
  if (from !== null) return `${target}.instances.${name}.${from}`;
  if (!Object.hasOwn(own, key)) return path;
  const isOther = MERGED.some(
    (each) => each === key && part !== undefined && !ifReadable(() => Object.hasOwn(own[each] ?? {}, part), true),
  );
  return isOther ? path : `${target}.${path}`;
}

interface WithOwnInstances<T> {
  readonly section: { readonly instances: Readonly<Record<string, T>> };
}

/** Returns the target's own settings of an environment's instance, complete. Throws an Error if there is no such instance. */
export function ownInstance<T>({ section }: WithOwnInstances<T>, name: string): T {
  const own = ownEntry(section.instances, name);
  if (own === undefined) throw new Error(`there is no instance ${name}`);
  return own;
}

/** Returns where a setting of an environment's instance is in the spec: in the target's section, or in the instance. */
export function pathOf({ target, section }: { readonly target: string; readonly section: object }, path: string): string {
  const { instances = {} } = section as { readonly instances?: Readonly<Record<string, OwnInstance>> };
  return locate(path, target, instances, () => null);
}
