import { platforms } from "../../constructs/platforms/registry";
import { Stopped } from "../command";
import { CLOUDS } from "../spec";
import type { CloudName } from "./environments";
import type { CloudKey, Given } from "./given";
import { problemWith } from "./validate";

/** Questions about a cloud, in their order; an empty answer leaves the default. */
const QUESTIONS: Readonly<Record<CloudName, readonly (readonly [key: CloudKey, question: string, placeholder: string])[]>> = {
  aws: [
    ["awsRegion", "Region of RDS?", "eu-central-1"],
    ["awsAccount", "AWS account? (12 digits; empty: the account of the credentials in use)", ""],
    ["awsVpc", "ID of an existing VPC? (empty: create one)", ""],
    ["awsSubnets", "Two or more private subnets, as id:zone, separated by commas?", ""],
  ],
  gcp: [
    ["gcpProject", "Project ID? (empty: a placeholder to replace later)", ""],
    ["gcpProjectNumber", "Project number? (gcloud projects describe PROJECT shows it; empty: a placeholder)", ""],
    ["gcpRegion", "Region of Cloud SQL?", "europe-west4"],
    ["gcpNetwork", "VPC network?", "default"],
    ["gcpCluster", "GKE cluster in that region? (empty: a placeholder)", ""],
  ],
};

/** Asks for missing options, and rejects each wrong answer at once. @throws Stopped if the user cancels. */
export async function ask(given: Given): Promise<Given> {
  const { CANCEL_SYMBOL, multiselect, text } = await import("@clack/prompts");
  const answerOf = <T extends string | string[]>(answer: T | typeof CANCEL_SYMBOL): T => {
    if (answer === CANCEL_SYMBOL) throw new Stopped("stopped; nothing was written");
    return answer as T;
  };
  const choose = async (message: string, names: readonly string[], initialValues: string[]): Promise<string> => {
    const options = names.map((value) => ({ value }));
    return answerOf<string[]>(await multiselect({ message, options, initialValues, required: false })).join(",");
  };
  const cloud = await choose("Clouds? (space selects; select none for this machine only)", CLOUDS, []);
  const answers: Record<string, string> = {
    cloud,
    platforms: given.platforms ?? ((await choose("Platforms?", Object.keys(platforms), ["mlflow"])) || "mlflow"),
  };
  for (const [key, message, placeholder] of CLOUDS.filter((each) => cloud.split(",").includes(each)).flatMap((each) => QUESTIONS[each])) {
    if (key === "awsSubnets" && answers.awsVpc === "") continue;
    const validate = (value = "") => problemWith(key, value || placeholder, { ...given, ...answers });
    answers[key] = given[key] ?? answerOf<string>(await text({ message, placeholder, defaultValue: placeholder, validate }));
  }
  return answers;
}
