import { describe, expect, it } from "vitest";
import { TASK_FILE, type Task } from "../../../constructs/gcp/task";
import type { Registrations } from "../../../infra/gcp/registrations";
import type { NamedSpec } from "../../../infra/spec";
import { existingGcp, fullGcp, minimalGcp, withGcp } from "../../fixtures/gcp";
import { ofType, one, registrationsOf } from "../../fixtures/registrations";

const POOL = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/my-project.svc.id.goog/subject";

/** What a Job or CronJob runs. */
interface Pod {
  readonly serviceAccountName: string;
  readonly automountServiceAccountToken: boolean;
  readonly initContainers?: readonly {
    readonly restartPolicy: string;
    readonly image: string;
    readonly env: readonly { readonly name: string; readonly value?: string }[];
  }[];
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly terminationMessagePolicy: string;
    readonly securityContext: object;
    readonly env?: unknown;
  }[];
  readonly volumes: readonly object[];
}

const podOf = (inputs: Readonly<Record<string, unknown>>): Pod => {
  const spec = inputs.spec as { readonly template?: { readonly spec: Pod }; readonly jobTemplate?: { readonly spec: typeof spec } };
  return spec.template?.spec ?? podOf({ spec: spec.jobTemplate?.spec });
};
const twoInstances: NamedSpec = { ...minimalGcp, instances: { main: {}, other: {} }, platforms: { prefect: { instance: "main" } } };
const dataOf = (inputs: Readonly<Record<string, unknown>>) => inputs.data as Readonly<Record<string, string>>;

describe("the policy of the namespace of provisioning", () => {
  const POLICY = /admissionregistration/;
  const withPolicy = (admissionPolicy: boolean) =>
    registrationsOf(withGcp(fullGcp, { cluster: { ...fullGcp.gcp?.cluster, name: "ml", location: "europe-west4", admissionPolicy } }));

  it("is there only if it is asked for, before the program", async () => {
    const ofPolicy = ({ resources }: Registrations) => resources.filter(({ type }) => POLICY.test(type));
    expect(ofPolicy(await withPolicy(false))).toEqual([]);
    const [policy, binding] = ofPolicy(await withPolicy(true));
    expect(policy?.inputs).toMatchObject({ kind: "ValidatingAdmissionPolicy", spec: { failurePolicy: "Fail" } });
    expect(binding?.inputs).toMatchObject({
      kind: "ValidatingAdmissionPolicyBinding",
      spec: {
        policyName: "platform-postgres-full",
        validationActions: ["Deny"],
        matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "postgres-full" } } },
      },
    });
  });

  it("lets Kubernetes' own controllers and people through, and no service account of another namespace or in a pod", async () => {
    const { inputs } = one(await withPolicy(true), "ValidatingAdmissionPolicy");
    const { validations } = inputs.spec as { readonly validations: readonly { readonly expression: string }[] };
    // A double of CEL, of which the expression uses what JavaScript calls alike.
    const evaluate = new Function("request", "has", `return ${validations[0]?.expression}`);
    const has = (value: unknown) => value !== undefined;
    const allows = (username: string, extra?: object): unknown => evaluate({ userInfo: { username, extra } }, has);
    expect(
      ["system:serviceaccount:kube-system:job-controller", "me@example.com", "system:node:a", "system:kube-scheduler"].map((name) =>
        allows(name),
      ),
    ).toEqual(Array(4).fill(true));
    expect(
      ["system:serviceaccount:flyte:flyte", "system:serviceaccount:kube-system-2:x", "system:serviceaccount:postgres-full:x"].map((name) =>
        allows(name),
      ),
    ).toEqual(Array(3).fill(false));
    const controller = "system:serviceaccount:kube-system:job-controller";
    expect(allows(controller, { "authentication.kubernetes.io/credential-id": ["JTI=1"] })).toBe(true);
    expect(allows(controller, { "authentication.kubernetes.io/pod-name": ["intruder"] })).toBe(false);
  });
});

describe("provisioning", () => {
  it("runs the program of a ConfigMap that never changes, below a megabyte", async () => {
    const { inputs } = one(await registrationsOf(fullGcp), "ConfigMap", /^program$/);
    expect(inputs.immutable).toBe(true);
    expect(inputs.metadata).toMatchObject({ namespace: "postgres-full", name: expect.stringMatching(/^program-[0-9a-f]{10}$/) });
    expect(Object.keys(dataOf(inputs))).toEqual(["program.js"]);
    const bytes = Buffer.byteLength(JSON.stringify(inputs.data));
    expect(bytes).toBeGreaterThan(100_000);
    // Kubernetes takes a mebibyte.
    expect(bytes).toBeLessThan(0.75 * 2 ** 20);
  });

  it("has one program for all instances, and a task for each", async () => {
    const registrations = await registrationsOf(twoInstances);
    const maps = ofType(registrations, "ConfigMap").map(({ name, inputs }) => [name, Object.keys(dataOf(inputs))]);
    expect(maps.sort()).toEqual([
      ["main-provisioning-program", [TASK_FILE]],
      ["other-provisioning-program", [TASK_FILE]],
      ["program", ["program.js"]],
    ]);
    const mounted = ofType(registrations, "Job").map(({ inputs }) => JSON.stringify(podOf(inputs).volumes));
    expect(mounted).toEqual(["main", "other"].map((name) => expect.stringMatching(`"program-[0-9a-f]{10}".*"${name}-task-[0-9a-f]{10}"`)));
  });

  it("changes nothing of one instance when another is added", async () => {
    const ofMain = async (spec: NamedSpec) =>
      (await registrationsOf(spec)).resources.filter(({ name }) => name === "program" || name.startsWith("main-provisioning"));
    expect(await ofMain(twoInstances)).toEqual(await ofMain({ ...twoInstances, instances: { main: {} } }));
  });

  it("is a Job in its own restricted namespace, which stays when it is done and reports its last sentence", async () => {
    const { inputs } = one(await registrationsOf(fullGcp), "Job");
    expect(inputs.metadata).toMatchObject({ namespace: "postgres-full", name: expect.stringMatching(/^main-provision-[0-9a-f]{10}$/) });
    expect(inputs.spec).toMatchObject({ backoffLimit: 2, activeDeadlineSeconds: 1200 });
    expect(inputs.spec).not.toHaveProperty("ttlSecondsAfterFinished");
    const pod = podOf(inputs);
    expect(pod).toMatchObject({ serviceAccountName: "main-provisioning", automountServiceAccountToken: false, restartPolicy: "Never" });
    const [container] = pod.containers;
    expect(container).toMatchObject({
      args: ["/program/program.js", "provision"],
      terminationMessagePolicy: "FallbackToLogsOnError",
      securityContext: {
        runAsUser: 65532,
        runAsGroup: 65532,
        runAsNonRoot: true,
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
      },
    });
    expect(container?.env).toBeUndefined();
  });

  it("reaches the instance through the Auth Proxy, which starts before it and ends after it", async () => {
    const [proxy] = podOf(one(await registrationsOf(fullGcp), "Job").inputs).initContainers ?? [];
    expect(proxy).toMatchObject({ restartPolicy: "Always", image: "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.28.0" });
    expect(proxy?.env).toContainEqual({
      name: "CSQL_PROXY_INSTANCE_CONNECTION_NAME",
      value: "my-project:europe-west4:full-main-1a2b3c4",
    });
    expect(proxy?.env).toContainEqual({ name: "CSQL_PROXY_PRIVATE_IP", value: "true" });
  });

  it("is another Job when the plan changes, and the same when nothing does", async () => {
    const nameOf = async (spec: typeof fullGcp) => (one(await registrationsOf(spec), "Job").inputs.metadata as { name: string }).name;
    const name = await nameOf(minimalGcp);
    expect(await nameOf({ ...minimalGcp, labels: { a: "b" } })).toBe(name);
    expect(await nameOf({ ...minimalGcp, platforms: { prefect: { poolSize: 4 } } })).not.toBe(name);
  });

  it("knows everything when it is planned, but the instance's connection name", async () => {
    const registrations = await registrationsOf(minimalGcp, true);
    for (const { inputs } of ofType(registrations, "ConfigMap")) expect(JSON.stringify(inputs)).not.toContain("[unknown]");
    expect(JSON.stringify(one(registrations, "Job").inputs).match(/\[unknown\]/g)).toHaveLength(1);
  });

  it("is waited for until it says why it has failed, and is run again then", async () => {
    expect(one(await registrationsOf(fullGcp), "Job").inputs.metadata).toMatchObject({
      annotations: { "pulumi.com/timeoutSeconds": "1500", "pulumi.com/replaceUnready": "true" },
    });
  });

  it("waits for its rights, its program, its account, and the master's password", async () => {
    const registrations = await registrationsOf(minimalGcp);
    const own = registrations.resources.filter(
      ({ name, custom }) => custom && /^(program|main-provisioning-(?!job|rotation).*)$/.test(name),
    );
    expect(own.length).toBeGreaterThan(6);
    expect(one(registrations, "Job").dependsOn).toEqual(expect.arrayContaining(own.map(({ urn }) => urn)));
    const version = one(registrations, "SecretVersion");
    expect(version.dependsOn).toContain(one(registrations, "User").urn);
    const needing = [
      one(registrations, "Job"),
      ...ofType(registrations, "SecretIamMember").filter(({ name }) => name.includes("-master-")),
    ];
    for (const { dependsOn } of needing) expect(dependsOn).toContain(version.urn);
    expect(needing).toHaveLength(3);
    expect(one(registrations, "CronJob").dependsOn).toContain(one(registrations, "Job").urn);
  });

  it("may connect to its instance and use its secrets, and nothing else", async () => {
    const registrations = await registrationsOf(minimalGcp);
    const member = `${POOL}/ns/postgres-minimal/sa/main-provisioning`;
    const [connect] = ofType(registrations, "IAMMember").filter(({ inputs }) => inputs.member === member);
    expect(connect?.inputs).toEqual({
      project: "my-project",
      role: "roles/cloudsql.client",
      member,
      condition: {
        title: "One instance of Cloud SQL",
        expression:
          'resource.name == "projects/my-project/instances/minimal-main-1a2b3c4" && resource.service == "sqladmin.googleapis.com"',
      },
    });
    const granted = ofType(registrations, "SecretIamMember").filter(({ inputs }) => inputs.member === member);
    expect(granted.map(({ inputs }) => [inputs.secretId, inputs.role])).toEqual([
      ["projects/my-project/secrets/minimal--main--master", "roles/secretmanager.secretAccessor"],
      ["projects/my-project/secrets/minimal--main--master", "roles/secretmanager.secretVersionManager"],
      ["projects/my-project/secrets/minimal--prefect", "roles/secretmanager.secretAccessor"],
      ["projects/my-project/secrets/minimal--prefect", "roles/secretmanager.secretVersionManager"],
    ]);
  });

  it("notifies people of what the rotation writes to stderr, if there are channels", async () => {
    const registrations = await registrationsOf(fullGcp);
    const { inputs, dependsOn } = one(registrations, "AlertPolicy", /-rotation$/);
    expect(inputs.notificationChannels).toEqual(["projects/my-project/notificationChannels/1234567890"]);
    const { name, namespace } = one(registrations, "CronJob").inputs.metadata as Readonly<Record<string, string>>;
    expect(JSON.stringify(inputs.conditions)).toContain(
      JSON.stringify(
        `resource.labels.namespace_name="${namespace}" AND resource.labels.pod_name=~"^${name}-[0-9]+-" AND resource.labels.container_name="program" AND severity>=ERROR`,
      ).slice(1, -1),
    );
    expect(dependsOn).toContain(one(registrations, "Job").urn);
    expect(ofType(await registrationsOf(minimalGcp), "AlertPolicy").filter((alert) => alert.name.endsWith("-rotation"))).toEqual([]);
  });

  it("rotates every day what is due, with the same program", async () => {
    const registrations = await registrationsOf(fullGcp);
    const { inputs } = one(registrations, "CronJob");
    expect(inputs.spec).toMatchObject({ schedule: "17 3 * * *", concurrencyPolicy: "Forbid" });
    const [job, rotation] = [podOf(one(registrations, "Job").inputs), podOf(inputs)];
    expect(rotation.containers[0]?.args).toEqual(["/program/program.js", "rotate"]);
    expect(rotation.volumes).toEqual(job.volumes);
    expect(rotation.initContainers).toEqual(job.initContainers);
  });

  it("connects directly, with the given CA, to a database outside of Cloud SQL, and does not change its master", async () => {
    const registrations = await registrationsOf(existingGcp);
    expect(podOf(one(registrations, "Job").inputs).initContainers).toBeUndefined();
    const task = JSON.parse(dataOf(one(registrations, "ConfigMap", /provisioning-program$/).inputs)[TASK_FILE] ?? "") as Task;
    expect(task).toMatchObject({
      server: { host: "db.example.com", port: 5432, tls: { mode: "verify-full", ca: expect.stringContaining("own") } },
      rotatesMaster: false,
      masterSecret: "projects/my-project/secrets/postgres-master",
    });
    const master = ofType(registrations, "SecretIamMember").filter(({ inputs }) => String(inputs.secretId).endsWith("postgres-master"));
    expect(master.map(({ inputs }) => inputs.role)).toEqual(["roles/secretmanager.secretAccessor", "roles/secretmanager.viewer"]);
    expect(ofType(registrations, "IAMMember")).toEqual([]);
  });

  it("reaches an existing Cloud SQL instance through the Auth Proxy if the spec names its connection", async () => {
    const spec = withGcp(existingGcp, { existingConnections: { main: "my-project:europe-west4:theirs" } });
    const registrations = await registrationsOf(spec);
    const [proxy] = podOf(one(registrations, "Job").inputs).initContainers ?? [];
    expect(JSON.stringify(proxy)).toContain("my-project:europe-west4:theirs");
    expect(ofType(registrations, "IAMMember").map(({ name }) => name)).toEqual(["mlflow-mlflow-db-client", "main-provisioning-connect"]);
  });

  it("is left to the user if the spec names no cluster", async () => {
    const registrations = await registrationsOf(withGcp(minimalGcp, { cluster: null }));
    expect(registrations.resources.filter(({ type }) => type.startsWith("kubernetes:"))).toEqual([]);
    expect(ofType(registrations, "Secret").length).toBe(2);
  });
});

describe("rights of platforms", () => {
  it("let each platform's store of External Secrets read its own secret only", async () => {
    const registrations = await registrationsOf(fullGcp);
    // To list the versions is what LatestOrFetch needs.
    for (const role of ["secretAccessor", "viewer"])
      expect(ofType(registrations, "SecretIamMember").filter(({ name }) => name.endsWith(`-reader-${role}`))).toHaveLength(
        Object.keys(fullGcp.platforms).length,
      );
    const readers = ofType(registrations, "SecretIamMember").filter(({ name }) => name.endsWith("-reader-secretAccessor"));
    expect(readers.map(({ inputs }) => [inputs.secretId, inputs.member])).toEqual(
      ["flyte", "kubeflow-pipelines", "mlflow", "prefect", "skillflaw"].map((platform) => {
        const namespace = platform === "kubeflow-pipelines" ? "kubeflow" : platform;
        return [`projects/my-project/secrets/full--${platform}`, `${POOL}/ns/${namespace}/sa/${platform}-db-store`];
      }),
    );
  });

  it("let those connect who have a proxy: pods beside it, a chart's own accounts, or the proxy's pods", async () => {
    const members = ofType(await registrationsOf(fullGcp), "IAMMember").map(({ inputs }) =>
      String(inputs.member).replace(`${POOL}/ns/`, ""),
    );
    expect(members.sort()).toEqual([
      "flyte/sa/flyte-db-client",
      "kubeflow/sa/kubeflow-pipelines-cache",
      "kubeflow/sa/metadata-grpc-server",
      "kubeflow/sa/ml-pipeline",
      "mlflow/sa/mlflow-db-client",
      "postgres-full/sa/main-provisioning",
      "skillflaw/sa/skillflaw-db-proxy",
    ]);
  });
});

describe("Google service accounts, where the cluster's section asks for them", () => {
  const withAccounts = (spec: NamedSpec) =>
    withGcp(spec, { cluster: { name: "ml", location: "europe-west4", ...spec.gcp?.cluster, serviceAccounts: "google" } });
  const emailOf = (registrations: Registrations, name: string) =>
    `${String(one(registrations, "Account", new RegExp(`^${name}`)).inputs.accountId)}@my-project.iam.gserviceaccount.com`;

  it("are not created unless it does", async () => {
    expect(ofType(await registrationsOf(fullGcp), "Account")).toEqual([]);
    expect(JSON.stringify((await registrationsOf(fullGcp)).resources)).not.toContain("iam.gke.io/gcp-service-account");
  });

  it("are one for each service account with a proxy, which alone may act as it, and may connect", async () => {
    const registrations = await registrationsOf(withAccounts(fullGcp));
    const accounts = ofType(registrations, "Account");
    expect(accounts.map(({ inputs }) => inputs.displayName)).toEqual([
      "PostgreSQL full: flyte/flyte-db-client",
      "PostgreSQL full: kubeflow/kubeflow-pipelines-cache",
      "PostgreSQL full: kubeflow/metadata-grpc-server",
      "PostgreSQL full: kubeflow/ml-pipeline",
      "PostgreSQL full: mlflow/mlflow-db-client",
      "PostgreSQL full: skillflaw/skillflaw-db-proxy",
      "PostgreSQL full: postgres-full/main-provisioning",
    ]);
    for (const { inputs } of accounts) expect(inputs.accountId).toMatch(/^postgres-[0-9a-f]{10}$/);
    expect(new Set(accounts.map(({ inputs }) => inputs.accountId)).size).toBe(accounts.length);
    const bindings = ofType(registrations, "IAMMember").filter(({ type }) => type.startsWith("gcp:serviceaccount/"));
    expect(bindings.map(({ inputs }) => [inputs.role, inputs.member])).toContainEqual([
      "roles/iam.workloadIdentityUser",
      "serviceAccount:my-project.svc.id.goog[mlflow/mlflow-db-client]",
    ]);
    expect(bindings).toHaveLength(accounts.length);
    const connect = one(registrations, "IAMMember", /^mlflow-mlflow-db-client$/);
    expect([connect.inputs.role, connect.inputs.member]).toEqual([
      "roles/cloudsql.client",
      `serviceAccount:${emailOf(registrations, "mlflow")}`,
    ]);
    expect(connect.dependsOn).toContain(one(registrations, "Account", /^mlflow/).urn);
  });

  it("are named by the Kubernetes service accounts that are made here, and all of it is known in a preview", async () => {
    const registrations = await registrationsOf(withAccounts(fullGcp), true);
    const annotated = [
      ["main-provisioning-account", "main-provisioning"],
      ["mlflow-serviceaccount-mlflow-db-client", "mlflow"],
      ["skillflaw-serviceaccount-skillflaw-db-proxy", "skillflaw"],
    ] as const;
    for (const [name, account] of annotated)
      expect(one(registrations, "ServiceAccount", new RegExp(`^${name}$`)).inputs.metadata).toMatchObject({
        annotations: { "iam.gke.io/gcp-service-account": emailOf(registrations, account) },
      });
  });

  it("also have the rights of the provisioning Job, because Google only sees the annotated service account", async () => {
    const registrations = await registrationsOf(withAccounts(minimalGcp));
    const member = `serviceAccount:${emailOf(registrations, "main-provisioning")}`;
    const own = registrations.resources.filter(({ type, name }) => /I[aA][mM]Member/.test(type) && name.startsWith("main-provisioning-"));
    const rights = own.filter(({ type }) => !type.startsWith("gcp:serviceaccount/"));
    expect(rights.map(({ inputs }) => inputs.member)).toEqual([member, member, member, member, member]);
    expect(one(registrations, "Job").dependsOn).toEqual(expect.arrayContaining(own.map(({ urn }) => urn)));
  });

  it("do not change External Secrets, which uses the Kubernetes service account directly", async () => {
    const registrations = await registrationsOf(withAccounts(fullGcp));
    expect(one(registrations, "SecretIamMember", /^mlflow-reader-secretAccessor$/).inputs.member).toBe(
      `${POOL}/ns/mlflow/sa/mlflow-db-store`,
    );
  });
});
