import type { EnvironmentSpec } from "./spec";

/** What `npm start` builds on this machine. */
export default {
  name: "local",
  instances: { main: { highAvailability: false } },
  platforms: { mlflow: {}, prefect: {} },
} satisfies EnvironmentSpec;
