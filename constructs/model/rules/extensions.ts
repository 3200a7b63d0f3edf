import { type Violation, violation } from "../errors";
import type { InstanceSettings } from "../instance";
import { ownEntry } from "../json";
import { checkEach, checkItems } from "../rule";
import { nearest } from "../suggest";
import type { WholePlatform } from "../target";

const words = (text: string): readonly string[] => text.split(/\s+/);

/** PostgreSQL's own extensions that both clouds offer. https://www.postgresql.org/docs/17/contrib.html */
const OF_POSTGRESQL = words(
  `amcheck bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance fuzzystrmatch hstore intarray isn lo ltree
  pg_buffercache pg_freespacemap pg_prewarm pg_stat_statements pg_trgm pg_visibility pg_walinspect pgcrypto pgrowlocks pgstattuple plpgsql
  postgres_fdw refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp`,
);

/** Extensions of other projects that both clouds offer. */
const OF_OTHERS = words(
  `address_standardizer address_standardizer_data_us h3 h3_postgis hll hypopg ip4r oracle_fdw orafce pageinspect pg_bigm pg_cron pg_hint_plan
  pg_partman pg_proctab pg_repack pg_similarity pgaudit pglogical pgrouting pgtap plv8 postgis postgis_raster postgis_tiger_geocoder
  postgis_topology prefix rdkit tds_fdw vector`,
);

/** What both clouds offer. */
export const OFFERED: readonly string[] = [...OF_POSTGRESQL, ...OF_OTHERS];

/** Extensions by the names of their projects. */
const PROJECTS: Readonly<Record<string, string>> = {
  pgvector: "vector",
  uuid: "uuid-ossp",
  trgm: "pg_trgm",
  timescale: "timescaledb",
};

const squeezed = (name: string): string => name.replaceAll(/[_-]/g, "");

const BY_LETTERS: ReadonlyMap<string, string> = new Map(OFFERED.map((name) => [squeezed(name), name]));

/** Returns the name that `CREATE EXTENSION` accepts for a project's name or other hyphens; null if it is already written so, or unknown. */
export function nameOfExtension(written: string): string | null {
  const name = ownEntry(PROJECTS, written) ?? BY_LETTERS.get(squeezed(written));
  return name === undefined || name === written ? null : name;
}

/** Reports extensions of platforms that a cloud is not known to offer. @param list shows what it offers. */
export const notOffered = (
  instances: Readonly<Record<string, InstanceSettings>>,
  platforms: Readonly<Record<string, WholePlatform>>,
  offered: readonly string[],
  cloud: string,
  list: string,
): readonly Violation[] =>
  checkEach(platforms, ({ instance: name, extensions }, platform) => {
    const instance = ownEntry(instances, name ?? "");
    if (instance === undefined || instance.existing !== null) return [];
    return checkItems(extensions, (extension) => {
      // Another spelling is a separate error.
      if (offered.includes(extension) || nameOfExtension(extension) !== null) return [];
      const near = nearest(extension, offered);
      const remedy = near === null ? list : `did you mean "${near}"? ${list}`;
      return [violation(`platforms.${platform}.databases`, `has an extension that ${cloud} is not known to offer`, extension, remedy)];
    });
  });
