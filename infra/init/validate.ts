import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { formatViolation, SpecError, UserError } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { CLOUDS } from "../spec";
import { optionOf, toAnswers } from "./answers";
import { type EnvironmentFile, toEnvironments } from "./environments";
import type { CloudKey, Given } from "./given";

/** The setting that each answer becomes. */
const SETTINGS: Readonly<Record<CloudKey, string>> = {
  awsRegion: "aws.region",
  awsAccount: "aws.account",
  awsVpc: "aws.network.vpc",
  awsSubnets: "aws.network.privateSubnets",
  gcpRegion: "gcp.region",
  gcpProject: "gcp.project",
  gcpProjectNumber: "gcp.projectNumber",
  gcpNetwork: "gcp.network",
  gcpCluster: "gcp.cluster.name",
};

/** Checks an environment before anything is written. @throws SpecError */
export function checkEnvironment({ name, spec }: EnvironmentFile): void {
  const target = [aws, gcp].find((each) => Object.hasOwn(spec, each.name)) ?? local;
  resolveUnknown({ ...spec, name }, { target: target as typeof local, platforms, sections: CLOUDS });
}

/** Returns the first problem with an answer, by the rules for options; undefined if there is none. @param before the other answers. */
export function problemWith(key: CloudKey, value: string, before: Given): string | undefined {
  const cloud = CLOUDS.find((each) => key.startsWith(each));
  if (cloud === undefined) throw new TypeError(`${key} belongs to no cloud`);
  const others = Object.fromEntries(Object.entries(before).filter(([each]) => each.startsWith(cloud)));
  try {
    for (const each of toEnvironments(toAnswers({ ...others, cloud, [key]: value }), [cloud])) checkEnvironment(each);
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (!(error instanceof SpecError)) return error.message.split("\n").find((line) => line.startsWith(`${optionOf(key)}: `));
    const found = error.violations.find(({ path }) => new RegExp(`^${SETTINGS[key].replaceAll(".", "\\.")}(?![A-Za-z])`).test(path));
    return found === undefined ? undefined : formatViolation(found);
  }
}
