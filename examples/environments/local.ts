import type { EnvironmentSpec } from "../../infra/spec";

/** The environment of `npm start`: all platforms on one server, on this machine. */
export default {
  acknowledge: { "kubeflow-pipelines-is-for-development": "this machine is for development" },
  instances: { main: { highAvailability: false } },
  platforms: {
    flyte: {},
    mlflow: {},
    prefect: {},
    skillflaw: {},
    "kubeflow-pipelines": {
      images: { "api-server": "ghcr.io/kubeflow/kfp-api-server:master", "cache-server": "ghcr.io/kubeflow/kfp-cache-server:master" },
    },
  },
} satisfies EnvironmentSpec;
