import { expect, it } from "vitest";
import type { JsonObject } from "../../constructs/model/json";
import { platforms } from "../../constructs/platforms/registry";
import { workloadsOf } from "../../infra/charts/workloads";
import { type HelmCase, helmContract } from "../contract/helm";
import { platformContract } from "../contract/platform";
import { cases } from "../fixtures/cases";
import { fromLibpqVariables } from "../fixtures/logins";
import { toy } from "../fixtures/toy";

for (const each of cases) {
  platformContract(each);
  if ("hostile" in each) helmContract(each);
}

it("has cases of registered platforms only", () => {
  expect(cases.map(({ name }) => name).filter((name) => !Object.hasOwn(platforms, name))).toEqual([]);
});

// A registered platform may have no case while it is being tried. Its title then says why it is skipped.
for (const name of Object.keys(platforms))
  if (!cases.some((each) => each.name === name))
    it.skip(`${name} keeps the contract: it has no case in test/fixtures/cases.ts, which says what of its release reaches which container`, () =>
      undefined);

interface ToyValues {
  readonly annotations: JsonObject;
  readonly app: { readonly env: readonly JsonObject[]; readonly volumes: readonly JsonObject[]; readonly mounts: readonly JsonObject[] };
  readonly inits: readonly JsonObject[];
  readonly account: string | null;
}

const sixth: HelmCase = {
  title: "A sixth platform",
  name: "toy",
  platforms: { ...platforms, toy },
  settings: {},
  // There is no such chart: it would give its values to one container.
  workloads: ({ wiring }) => {
    const { app, inits, annotations, account } = (wiring.release as unknown as { values: ToyValues }).values;
    const pod = {
      initContainers: inits,
      containers: [{ name: "toy", env: app.env, volumeMounts: app.mounts }],
      volumes: app.volumes,
      serviceAccountName: account,
    };
    return workloadsOf([{ kind: "Deployment", metadata: { name: "toy", annotations }, spec: { template: { spec: pod } } }]);
  },
  login: fromLibpqVariables,
  guarded: { values: { app: { replicas: 2 } }, path: "app.replicas", field: "replicas" },
  hostile: [{ app: { env: [{ name: "PGHOST", value: "elsewhere" }] } }],
  harmless: [{ app: { env: [{ name: "LEVEL", value: "debug" }] } }],
  list: { path: ["app", "env"], item: { name: "LEVEL", value: "debug" } },
};
platformContract(sixth);
helmContract(sixth);
