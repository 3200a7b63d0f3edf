import type { Cloud } from "./cloud";

/** Loaded only when it is asked for: who uses one cloud has not installed the other. */
export function loadCloud(name: string): Cloud {
  switch (name as Cloud["name"]) {
    case "aws":
      return (require("./aws/cloud") as typeof import("./aws/cloud")).awsCloud;
    case "gcp":
      return (require("./gcp/cloud") as typeof import("./gcp/cloud")).gcpCloud;
  }
}
