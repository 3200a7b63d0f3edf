import type { GcpEnvironment } from "../../constructs/gcp/parts/gcp-environment";
import { gcp } from "../../constructs/gcp/target";
import { examplesIn } from "../../constructs/model/fields";
import type { DeploymentPlan } from "../cloud";
import { isEnvironmentFile, loadEnvironmentFile } from "../load";
import { compareHomes, homesOf } from "../plan/homes";
import { readersOf } from "../plan/readers";
import { compareSpecs, otherClouds, toNewOn } from "../plan/spec-changes";
import { findChanges, findSecondRuns, toDetails } from "./changes";
import { deploy } from "./deploy";
import { INSTANCE, inputsOf, instanceOf, isReplica, regionOf } from "./facts";
import { storedHomes } from "./homes";
import { gcpPriced } from "./priced";
import { CALLS, type Registration, register } from "./registrations";
import { gcpServers, gcpUses } from "./servers";
import { pulumiProject, readState, type Stored } from "./stored";

const PEERING = "gcp:servicenetworking/connection:Connection";

/** The earlier state: resources, and the environment behind them, if known. */
interface Baseline {
  readonly resources: readonly Stored[];
  readonly environment: GcpEnvironment | null;
}

export async function planGcp(environment: GcpEnvironment, against: string | null): Promise<DeploymentPlan> {
  const before = against === null ? null : await readBaseline(against, environment);
  const after = await registrationsOf(environment);
  const stored = before?.resources ?? [];
  return {
    servers: gcpServers(environment),
    uses: gcpUses(environment),
    changes: before === null ? [] : compare(before, after, environment),
    details: before === null ? [] : toDetails(stored, after),
    notes: [
      ...(against === null || before !== null ? [] : [toNewOn(against, "gcp")]),
      ...findPeering(stored, after),
      ...findBackups(environment, stored, after),
      ...(before === null ? [] : findSecondRuns(environment.name, stored, after)),
    ],
    priced: {
      after: gcpPriced(after, environment.section.region),
      before: before === null ? null : gcpPriced(stored, regionOf(stored) ?? environment.section.region),
    },
    compared: before === null ? null : [`stack ${environment.name}`],
    resources: count(environment.name, after),
    examples: examplesIn(environment.section, "gcp"),
  };
}

async function registrationsOf(environment: GcpEnvironment): Promise<readonly Registration[]> {
  const program = { project: pulumiProject(), stack: environment.name, preview: true, calls: CALLS };
  return (await register(program, () => deploy(environment))).resources;
}

/** @throws UserError, SpecError */
async function readBaseline(against: string, { name }: GcpEnvironment): Promise<Baseline | null> {
  if (!isEnvironmentFile(against)) return { resources: readState(against, name), environment: null };
  const environment = loadEnvironmentFile(against, name, gcp);
  if (environment === null) return null;
  const resources = (await registrationsOf(environment)).map((each) => ({ ...each, outputs: each.inputs }));
  return { resources, environment };
}

function compare({ resources, environment: before }: Baseline, after: readonly Registration[], environment: GcpEnvironment) {
  const homes = before === null ? storedHomes(resources) : homesOf(before);
  const changes = [...compareHomes(homes, homesOf(environment)), ...findChanges(resources, after, readersOf(environment))];
  return before === null ? changes : [...changes, ...compareSpecs(before.spec, environment.spec, changes, otherClouds(environment))];
}

/** Components in their order: `database` lives longest. */
function count(stack: string, resources: readonly Registration[]): DeploymentPlan["resources"] {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const partOf = ({ type, name, parent }: Registration): string => {
    const above = byUrn.get(parent);
    return type.startsWith("platform-postgres:infra:") || above === undefined ? name : partOf(above);
  };
  const made = resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:"));
  const rows = made.map((resource) => `${partOf(resource)} ${resource.type}`);
  return [...new Set(rows)].sort().map((row) => {
    const [part = "", type = ""] = row.split(" ");
    return { stack: `${stack} ${part}`, type, count: rows.filter((each) => each === row).length };
  });
}

/** Notes for new instances whose backups stay in one region, which is not Cloud SQL's default. */
function findBackups({ section }: GcpEnvironment, before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  const isNew = ({ type, urn, inputs }: Registration) =>
    type === INSTANCE && !isReplica({ inputs }) && !before.some((each) => each.urn === urn);
  return after
    .filter(isNew)
    .flatMap((next) =>
      inputsOf(next).settings.backupConfiguration?.location === section.region
        ? [
            `instances.${instanceOf(next)} would keep its backups in ${section.region} only, and Cloud SQL's default is a multi-region; to use one, set backupReplication in gcp.instances, such as { region: "eu" }`,
          ]
        : [],
    );
}

/** A network has one peering, which stays after its stack is destroyed. */
function findPeering(before: readonly Stored[], after: readonly Registration[]): readonly string[] {
  return after
    .filter((next) => next.type === PEERING && !before.some(({ urn }) => urn === next.urn))
    .map((next) => {
      const [, project, , , network] = String(next.inputs.network).split("/");
      const look = `gcloud services vpc-peerings list --network ${network} --project ${project}`;
      return `gcp.privateServicesAccess: a peering would be created, and Google rejects a second one in a network; if ${look} shows one (from another environment, or left by a destroyed stack), set gcp.privateServicesAccess.create to false`;
    });
}
