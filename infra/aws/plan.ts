import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { aws } from "../../constructs/aws/target";
import { examplesIn } from "../../constructs/model/fields";
import { mapValues } from "../../constructs/model/json";
import type { DeploymentPlan } from "../cloud";
import { isEnvironmentFile, loadEnvironmentFile } from "../load";
import type { Change } from "../plan/change";
import { compareHomes, homesOf } from "../plan/homes";
import { readersOf } from "../plan/readers";
import { compareSpecs, otherClouds, toNewOn } from "../plan/spec-changes";
import { findChanges as compareSnapshots } from "../snapshot";
import { findChanges, findReleases } from "./changes";
import { sourcesOf, storedHomes, storedInstances } from "./homes";
import { awsPriced } from "./priced";
import { awsServers, awsUses } from "./servers";
import { maskTemplate, toStackSnapshot } from "./snapshot";
import { findMove, type Move, placeOf, readStored, regionOf, type Stored } from "./stored";
import { synthesize } from "./synthesize";
import { innerOf, parentOf, type Template } from "./templates";

type Templates = Readonly<Record<string, Template>>;

/** The earlier state: a synthesis, and the environment behind it, if known. */
interface Baseline extends Stored {
  readonly environment: AwsEnvironment | null;
}

export function planAws(environment: AwsEnvironment, against: string | null): DeploymentPlan {
  const before = against === null ? null : readBaseline(against, environment);
  const after = synthesize(environment);
  return {
    servers: awsServers(environment),
    uses: awsUses(environment),
    changes: before === null ? [] : compare(before, after, environment),
    details: before === null ? [] : compareSnapshots(snapshotsOf(before.templates), snapshotsOf(after)).flatMap(({ lines }) => lines),
    notes: against === null || before !== null ? [] : [toNewOn(against, "aws")],
    priced: priceBoth(before, after, environment),
    compared: before === null ? null : Object.keys(before.templates).filter((stack) => innerOf(stack) === null),
    resources: [...new Set(Object.keys(after).map(parentOf))].flatMap((stack) => count(stack, after)),
    examples: examplesIn(environment.section, "aws"),
  };
}

function priceBoth(before: Baseline | null, after: Templates, { instances, section }: AwsEnvironment): DeploymentPlan["priced"] {
  const its = awsPriced(after, Object.keys(instances), section.region);
  if (its === null || before === null) return its === null ? null : { after: its, before: null };
  const names = [...Object.keys(instances), ...storedInstances(before.templates)];
  return { after: its, before: awsPriced(before.templates, names, regionOf(before.places) ?? section.region) };
}

/** @throws UserError, SpecError */
function readBaseline(against: string, { name }: AwsEnvironment): Baseline | null {
  if (!isEnvironmentFile(against)) return { ...readStored(against, name), environment: null };
  const environment = loadEnvironmentFile(against, name, aws);
  if (environment === null) return null;
  const templates = synthesize(environment);
  return { templates, places: mapValues(templates, () => placeOf(environment)), environment };
}

function compare({ templates, places, environment: before }: Baseline, after: Templates, environment: AwsEnvironment): readonly Change[] {
  const move = findMove(places, environment);
  // Stacks of another region or account are different stacks: the stored ones stay unchanged.
  if (move !== null) return [toMove(move)];
  const names = {
    instances: [...Object.keys(environment.instances), ...Object.keys(before?.instances ?? {})],
    platforms: [...Object.keys(environment.platforms), ...Object.keys(before?.platforms ?? {})],
    readers: readersOf(environment),
  };
  const homes = before === null ? storedHomes(templates) : homesOf(before);
  const changes = [
    ...compareHomes(homes, homesOf(environment), sourcesOf(environment)),
    ...findChanges(templates, after, names),
    ...findReleases(templates, after),
  ];
  return before === null ? changes : [...changes, ...compareSpecs(before.spec, environment.spec, changes, otherClouds(environment))];
}

export const toMove = ({ setting, from, to }: Move): Change => ({
  level: "lost",
  path: `aws.${setting}`,
  before: from,
  after: to,
  effect: "everything would be created there again, empty; the current resources stay",
  remedy: "undo that change, or give the new environment another name",
});

const snapshotsOf = (templates: Templates) => mapValues(templates, (template) => toStackSnapshot(maskTemplate(template) as Template, {}));

/** Counts the resources of a stack and its nested stacks. */
function count(stack: string, templates: Templates): DeploymentPlan["resources"] {
  const its = Object.entries(templates).filter(([name]) => parentOf(name) === stack);
  const types = its.flatMap(([, { Resources }]) => Object.values(Resources).map((resource) => resource.Type));
  return [...new Set(types)].sort().map((type) => ({ stack, type, count: types.filter((each) => each === type).length }));
}
