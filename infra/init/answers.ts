import { UserError } from "../../constructs/model/errors";
import { suggest } from "../../constructs/model/suggest";
import { platforms } from "../../constructs/platforms/registry";
import { CLOUDS } from "../spec";
import type { Answers, AwsAnswers } from "./environments";
import type { Given } from "./given";

/** This machine only. */
const NONE = "none";

/** @throws UserError with every invalid option. A cloud's values are checked later, as part of its environment. */
export function toAnswers(given: Given): Answers {
  const problems: string[] = [];
  const clouds = choose("--cloud", given.cloud === NONE ? "" : (given.cloud ?? ""), CLOUDS, problems);
  const chosen = choose("--platforms", given.platforms ?? "mlflow", Object.keys(platforms), problems);
  const unused = Object.keys(given).flatMap((key) => {
    const cloud = CLOUDS.find((each) => key.startsWith(each));
    const option = optionOf(key);
    return cloud !== undefined && !clouds.includes(cloud)
      ? [`${option}: requires ${cloud}; add --cloud ${[...clouds, cloud].join(",")}`]
      : [];
  });
  const privateSubnets = toSubnets(given.awsSubnets, problems);
  if (privateSubnets.length > 0 && !given.awsVpc) problems.push("--aws-subnets: must belong to an existing VPC; add --aws-vpc");
  if (problems.length + unused.length > 0) throw new UserError([...problems, ...unused].join("\n"));
  return {
    platforms: chosen,
    aws: clouds.includes("aws")
      ? { region: given.awsRegion || "eu-central-1", account: given.awsAccount || null, vpc: given.awsVpc || null, privateSubnets }
      : null,
    gcp: clouds.includes("gcp")
      ? {
          region: given.gcpRegion || "europe-west4",
          project: given.gcpProject || null,
          projectNumber: given.gcpProjectNumber || null,
          network: given.gcpNetwork || "default",
          cluster: given.gcpCluster || null,
        }
      : null,
  };
}

/** Returns the option of an answer: `--aws-region` for `awsRegion`. */
export const optionOf = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Splits names at commas; returns the known ones in their own order. */
function choose<T extends string>(option: string, written: string, known: readonly T[], problems: string[]): readonly T[] {
  const names = split(written);
  for (const name of names.filter((each) => !(known as readonly string[]).includes(each)))
    problems.push(`${option}: there is no ${name}; ${suggest(name, known)}`);
  return known.filter((each) => names.includes(each));
}

function toSubnets(written = "", problems: string[]): AwsAnswers["privateSubnets"] {
  return split(written).map((each) => {
    const [id = "", zone = ""] = each.split(":");
    if (zone === "") problems.push(`--aws-subnets: must be IDs with their zones, such as subnet-0a1b2c3d:eu-central-1a, got ${each}`);
    return { id, zone };
  });
}

const split = (written: string): readonly string[] =>
  written
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
