import { examplesIn, idOf } from "../../model/fields";
import type { Environment, ResolvedInstance } from "../../model/spec";
import type { platforms } from "../../platforms/registry";
import { wholeNetwork } from "../names";
import type { GcpSettings, gcpFields } from "../section";

/** An environment on Google Cloud, with its section in its own type. */
export type GcpEnvironment = Environment<typeof platforms, typeof gcpFields>;

/**
 * Type of a part of an environment.
 *
 * @param scope the environment's name, so that a program may have several: a URN contains the types of all parents, and no name of theirs.
 */
export const partType = (scope: string, part: "Database" | "Access" | "Platforms" | "DeletionGuard"): string =>
  `platform-postgres:${scope}:${part}`;

/** The message about placeholder IDs; null if there are none. @param file in which they stand; null where that is not known. */
export function tellExamples({ name, section }: GcpEnvironment, file: string | null): string | null {
  const examples = examplesIn(section, "gcp");
  if (examples.length === 0) return null;
  return `${name} has placeholder IDs; replace them ${file === null ? "" : `in ${file} `}before you deploy: ${examples.join(", ")}`;
}

/** `projects/P/global/networks/NAME`, of this project where the spec names no other. */
export const networkOf = ({ project, network }: GcpSettings): string => wholeNetwork(idOf(network), idOf(project));

/** Whether deleting an instance and what belongs to it is refused. Always false for an existing database, of which nothing is created. */
export const isGuarded = ({ settings }: Pick<ResolvedInstance, "settings">): boolean =>
  settings.existing === null && settings.deletionProtection;

/** Labels of everything that has labels. */
export const labelsOf = ({ name, spec: { labels, owner } }: GcpEnvironment): Readonly<Record<string, string>> => ({
  environment: name,
  ...(owner ? { owner } : {}),
  ...labels,
});

/** Whole name of a secret of Secret Manager. */
export const secretName = (project: string, written: string): string =>
  written.includes("/") ? written : `projects/${project}/secrets/${written}`;
