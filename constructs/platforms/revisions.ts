import type { CommonFields } from "../model/common-fields";
import type { Settings } from "../model/fields";
import type { Revision } from "../model/platform";

/** Alembic's table. It has one row, unless somebody branched the migrations. */
export const alembic = <D extends string>(database: D, expected: string | null): Revision<D> => ({
  database,
  table: "alembic_version",
  newest: "string_agg(version_num, ', ' order by version_num)",
  expected,
});

/**
 * The newest revision in a chart's version, or null where that is not known: another version, or another image.
 *
 * @param container key of the image that migrates.
 */
export function expectedRevision(
  { chartVersion, images }: Settings<CommonFields>,
  container: string,
  byVersion: Readonly<Record<string, string>>,
): string | null {
  return images[container] === undefined ? (byVersion[chartVersion] ?? null) : null;
}
