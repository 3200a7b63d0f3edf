import { UserError } from "../constructs/model/errors";
import { IS_CHECKOUT } from "../constructs/package/root";
import type { Cloud } from "./cloud";
import { npmLine, typed } from "./command-line";
import { project } from "./project";

/** Loaded on demand, because users of one cloud do not install the other's packages. */
export function loadCloud(name: string): Cloud {
  switch (name as Cloud["name"]) {
    case "aws":
      return (require("./aws/cloud") as typeof import("./aws/cloud")).awsCloud;
    case "gcp":
      return (require("./gcp/cloud") as typeof import("./gcp/cloud")).gcpCloud;
  }
}

/** A cloud's package in an error message of Node.js. */
const CLOUD_PACKAGE = /Cannot find module '(aws-cdk-lib|cdk-nag|constructs|@aws-|@pulumi|google-auth-library)/;
const GOOGLE: readonly string[] = ["@pulumi", "google-auth-library"];

/** Returns an error with a remedy if a cloud's packages are not installed; null for other errors. */
export function missingPackages(error: unknown): UserError | null {
  const [, name] = (error instanceof Error && CLOUD_PACKAGE.exec(error.message)) || [];
  if (name === undefined) return null;
  const cloud = GOOGLE.includes(name) ? "gcp" : "aws";
  const remedy = IS_CHECKOUT ? "npm ci" : npmLine("init", [typed(project().root), "--cloud", cloud]);
  return new UserError(`the packages of ${cloud} are not installed; run ${remedy}`);
}
