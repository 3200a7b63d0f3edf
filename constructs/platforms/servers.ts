import type { CommonFields } from "../model/common-fields";
import type { Settings } from "../model/fields";
import { splitImage } from "../model/images";
import type { Revision, Servers, ServerVersion } from "../model/platform";

type Chosen = Pick<Settings<CommonFields>, "chartVersion" | "images">;

/** Returns the verified version that a spec runs, by its image's tag, otherwise by its chart. Null for every other version. */
export function serverOf({ chartVersion, images }: Chosen, { container, versions }: Servers): ServerVersion | null {
  const image = images[container];
  const tag = image === undefined ? null : splitImage(image).tag;
  const runs = ({ version, charts }: ServerVersion): boolean =>
    tag === null ? charts.includes(chartVersion) : tag === version || tag.startsWith(`${version}-`);
  return versions.find(runs) ?? null;
}

/** Returns the version that starts on this machine: the spec's, or the newest that a verified chart runs. */
export function startedServer(settings: Chosen, servers: Servers): ServerVersion {
  const ofCharts = servers.versions.filter(({ charts }) => charts.length > 0);
  return serverOf(settings, servers) ?? ofCharts.at(-1) ?? servers.versions[0];
}

/** Returns the newest revision of the version that a spec runs, or null if unknown. */
export const expectedRevision = (settings: Chosen, servers: Servers): string | null => serverOf(settings, servers)?.revision ?? null;

/** Alembic's table. It has one row, unless the migrations were branched. */
export const alembic = <D extends string>(database: D, expected: string | null): Revision<D> => ({
  database,
  table: "alembic_version",
  newest: "string_agg(version_num, ', ' order by version_num)",
  expected,
});
