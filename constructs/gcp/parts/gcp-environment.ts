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

/** Returns the message about placeholder IDs; null if there are none. @param file that contains them; null if unknown. */
export function tellExamples({ name, section }: GcpEnvironment, file: string | null): string | null {
  const examples = examplesIn(section, "gcp");
  if (examples.length === 0) return null;
  return `${name} has placeholder IDs; replace them ${file === null ? "" : `in ${file} `}before you deploy: ${examples.join(", ")}`;
}

/** Returns `projects/P/global/networks/NAME`, in this project unless the spec names another. */
export const networkOf = ({ project, network }: GcpSettings): string => wholeNetwork(idOf(network), idOf(project));

/** Whether an instance and its resources are protected from deletion. Always false for an existing database, for which none are created. */
export const isGuarded = ({ settings }: Pick<ResolvedInstance, "settings">): boolean =>
  settings.existing === null && settings.deletionProtection;

/** Returns the labels of all resources that have labels. */
export const labelsOf = ({ name, spec: { labels, owner } }: GcpEnvironment): Readonly<Record<string, string>> => ({
  environment: name,
  ...(owner ? { owner } : {}),
  ...labels,
});

/** Returns the full name of a secret in Secret Manager. */
export const secretName = (project: string, written: string): string =>
  written.includes("/") ? written : `projects/${project}/secrets/${written}`;
