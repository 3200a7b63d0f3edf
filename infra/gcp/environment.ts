import type { GcpSettings, gcpFields } from "../../constructs/gcp/section";
import { gcp } from "../../constructs/gcp/target";
import { examplesIn, idOf } from "../../constructs/model/fields";
import type { ResolvedInstance } from "../../constructs/model/spec";
import { environmentFile, loadEnvironment, type ProjectEnvironment } from "../load";

/** An environment on Google Cloud, with its section in its own type. */
export type GcpEnvironment = ProjectEnvironment<typeof gcpFields>;

/** An environment for Google Cloud. @throws UserError, SpecError */
export const loadGcpEnvironment = (name: string): GcpEnvironment => loadEnvironment(name, gcp);

/** The message about placeholder IDs; null if there are none. */
export function tellExamples({ name, section }: GcpEnvironment): string | null {
  const examples = examplesIn(section, "gcp");
  if (examples.length === 0) return null;
  return `${name} has placeholder IDs; replace them in ${environmentFile(name)} before you deploy: ${examples.join(", ")}`;
}

/** What a self link has before `projects/`. */
const LINK = /^https:\/\/[^/]+\/compute\/[^/]+\//;

/** `projects/P/global/networks/NAME`, of this project where the spec names no other. */
export function networkOf({ project, network }: GcpSettings): string {
  const name = idOf(network).replace(LINK, "");
  return name.includes("/") ? name : `projects/${idOf(project)}/global/networks/${name}`;
}

/** Whether an instance, and what belongs to it, may not be deleted: never where somebody else made it, because nothing is. */
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
