import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { formatViolation } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import { resolve } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { minimal, refusal } from "../fixtures/specs";

const specOf = (kind: string, values: JsonObject, more: object = {}) => ({ ...minimal, ...more, platforms: { [kind]: { values } } });
const warnings = (kind: string, values: JsonObject) =>
  resolve(specOf(kind, values) as never, { target: local, platforms })
    .warnings.map(formatViolation)
    .filter((each) => each.includes(".values."));

const CLEAR = "is stored in clear text in the release and in state";
const BY_REFERENCE = "write valueFrom: { secretKeyRef: { name: ..., key: ... } } in place of value";

describe("a password of something else in clear", () => {
  it.each<[string, JsonObject, string]>([
    [
      "mlflow",
      { auth: { adminPassword: "in clear" } },
      `auth.adminPassword: ${CLEAR}; name a Secret that contains it in values.auth.existingAdminSecret`,
    ],
    [
      "mlflow",
      { artifactRoot: { s3: { awsSecretAccessKey: "in clear" } } },
      `artifactRoot.s3.awsSecretAccessKey: ${CLEAR}; name a Secret that contains it in values.artifactRoot.s3.existingSecret`,
    ],
    [
      "mlflow",
      { extraEnvVars: { AWS_SECRET_ACCESS_KEY: "in clear" } },
      `extraEnvVars.AWS_SECRET_ACCESS_KEY: ${CLEAR}; name a Secret that contains it in values.extraSecretNamesForEnvFrom`,
    ],
    [
      "prefect",
      { server: { basicAuth: { enabled: true, authString: "admin:in clear" } } },
      `server.basicAuth.authString: ${CLEAR}; name a Secret that contains it in values.server.basicAuth.existingSecret`,
    ],
    [
      "prefect",
      { server: { env: [{ name: "PREFECT_SERVER_API_AUTH_STRING", value: "admin:in clear" }] } },
      `server.env[PREFECT_SERVER_API_AUTH_STRING]: ${CLEAR}; ${BY_REFERENCE}`,
    ],
    [
      "skillflaw",
      { extraEnv: [{ name: "SKILLFLAW_SUPERUSER_PASSWORD", value: "in clear" }] },
      `extraEnv[SKILLFLAW_SUPERUSER_PASSWORD]: ${CLEAR}; ${BY_REFERENCE}`,
    ],
    [
      "flyte",
      { configuration: { storage: { providerConfig: { s3: { secretKey: "in clear" } } } } },
      `configuration.storage.providerConfig.s3.secretKey: ${CLEAR}; keep it in a Secret, or use the pods' service account instead`,
    ],
  ])("is a warning that names the Secret's way, and never shows it: %s %j", (kind, values, expected) => {
    expect(warnings(kind, values)).toEqual([`platforms.${kind}.values.${expected} [${kind}-values-in-clear]`]);
  });

  it.each<[string, JsonObject]>([
    ["mlflow", { auth: { existingAdminSecret: { name: "x", passwordKey: "password" } }, serviceAccount: { automount: true } }],
    ["mlflow", { auth: { adminPassword: "" }, artifactRoot: { s3: { existingSecret: { name: "x", keyOfSecretAccessKey: "k" } } } }],
    ["prefect", { server: { env: [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "x", key: "token" } } }] } }],
    ["prefect", { server: { automountServiceAccountToken: false } }],
  ])("is not what names a Secret: %s %j", (kind, values) => {
    expect(warnings(kind, values)).toEqual([]);
  });
});

describe("a URL with a password in it", () => {
  const warningsOf = (uri: string) => warnings("mlflow", { extraEnvVars: { OIDC_USERS_DB_URI: uri } });

  it("is a warning, whatever it is called, and never shown", () => {
    expect(warningsOf("postgresql://user:canary-42@db/x").join()).toMatch(
      /^platforms\.mlflow\.values\.extraEnvVars\.OIDC_USERS_DB_URI: .*is stored in clear text/,
    );
    expect(warningsOf("postgresql://user:canary-42@db/x").join()).not.toContain("canary");
  });

  it.each(["postgresql://$(A):$(B)@db/x", "https://user@host/x", "http://host:80/a@b", "redis://host:6379/0"])("is not %s", (uri) => {
    expect(warningsOf(uri)).toEqual([]);
  });
});

describe("the Secret of the wiring", () => {
  const values = { extraContainers: [{ name: "backup", image: "backup:1", envFrom: [{ secretRef: { name: "mlflow-db" } }] }] };

  it("has to be acknowledged where values name it, because the budget does not count what logs in with it", () => {
    expect(refusal(specOf("mlflow", values))).toContain(
      "names the Secret that the wiring reads, and the budget does not count connections opened with it",
    );
    expect(refusal(specOf("mlflow", values, { acknowledge: { "mlflow-secret-in-values": "one connection at night" } }))).toBe("accepted");
  });
});

describe("all variables of an object", () => {
  const values = { extraSecretNamesForEnvFrom: ["api-keys"] };

  it("have to be acknowledged, because one may decide the connection", () => {
    expect(refusal(specOf("mlflow", values))).toContain(
      "platforms.mlflow.values.extraSecretNamesForEnvFrom: imports all variables of an object, and one of them can change the connection; list each variable, or make sure that the object contains none of PG*, ",
    );
    expect(refusal(specOf("mlflow", values, { acknowledge: { "mlflow-variables-of-objects": "holds OPENAI_API_KEY only" } }))).toBe(
      "accepted",
    );
  });
});

describe("names that YAML reads as something else", () => {
  it.each([{ release: "on" }, { namespace: "null" }, { databases: { main: "no" } }, { serviceAccount: "y" }])(
    "are refused: %j",
    (settings) => {
      const [key = ""] = Object.keys(settings);
      expect(refusal({ ...minimal, platforms: { mlflow: settings } })).toContain(
        `platforms.mlflow.${key}${key === "databases" ? ".main" : ""}: must not be a word that YAML reads as true, false or null`,
      );
    },
  );
});
