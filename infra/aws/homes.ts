import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { TENANT_TAG } from "../../constructs/aws/task";
import { isObject } from "../../constructs/model/json";
import { type Homes, toHomes } from "../plan/homes";
import type { Resource, Template } from "./templates";

/** What instances are restored from, by instance. */
export const sourcesOf = ({ section }: Pick<AwsEnvironment, "section">): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(section.instances).flatMap(([name, { restoredFrom }]) =>
      restoredFrom === null ? [] : [[name, showSource(restoredFrom.snapshot, restoredFrom.instance, restoredFrom.moment)] as const],
    ),
  );

/** Where restored data comes from, for people. */
export const showSource = (snapshot: string | null, instance: string | null, moment: string | null): string =>
  snapshot === null ? `${instance} at ${moment ?? "the latest moment"}` : `snapshot ${snapshot}`;

type Templates = Readonly<Record<string, Template>>;

/** Not `resourcesOf`: nested stacks of several instances have the same IDs. */
const ofType = (templates: Templates, type: string): readonly Resource[] =>
  Object.values(templates).flatMap(({ Resources }) => Object.values(Resources).filter(({ Type }) => Type === type));

/** Instances by platform: each platform's secret names both in a tag, `ENVIRONMENT--INSTANCE--PLATFORM`. */
export function storedPlatforms(templates: Templates): Readonly<Record<string, string>> {
  const tags = ofType(templates, "AWS::SecretsManager::Secret").flatMap(({ Properties }) => Properties?.Tags ?? []);
  return Object.fromEntries(
    tags.flatMap((tag) => {
      if (!isObject(tag) || tag.Key !== TENANT_TAG) return [];
      const [, instance, platform] = String(tag.Value).split("--");
      return instance === undefined || platform === undefined ? [] : [[platform, instance]];
    }),
  );
}

/** Instances by name: those of platforms, and those that the descriptions of the masters' secrets name. */
export function storedInstances(templates: Templates): readonly string[] {
  const secrets = ofType(templates, "AWS::SecretsManager::Secret");
  const described = secrets.flatMap(({ Properties }) => /^Master of PostgreSQL (\S+)$/.exec(String(Properties?.Description))?.[1] ?? []);
  return [...Object.values(storedPlatforms(templates)), ...described];
}

/** Reads from templates where platforms' data is: provisioning gets the databases as a parameter. */
export function storedHomes(templates: Templates): Homes {
  const instances = storedPlatforms(templates);
  const homes: Homes = Object.assign({}, ...ofType(templates, "Custom::PostgresProvisioning").map(toTenants));
  return Object.fromEntries(
    Object.entries(homes).flatMap(([platform, home]) => {
      const instance = instances[platform];
      return instance === undefined ? [] : [[platform, { ...home, instance }]];
    }),
  );
}

function toTenants({ Properties }: Resource): Homes {
  try {
    return toHomes("", JSON.parse(String(Properties?.tenants)));
  } catch {
    return {};
  }
}
