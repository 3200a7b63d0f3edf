import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { UserError } from "../../constructs/model/errors";
import { resolve } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import type { ProjectEnvironment } from "../../infra/load";
import { checkHealth, readRunningPlatform } from "../../infra/local/health";
import localEnvironment from "../fixtures/environments/local";

/**
 * A double of a platform: it answers below /at/ what probes ask, and 503 everywhere else. Below /mlflow/ it treats hosts as MLflow's
 * security middleware does; that MLflow does so is what `npm run proof:servers` shows.
 */
let server: Server;
let environment: ProjectEnvironment;
let port: number;

const checks = (written: string) => checkHealth(readRunningPlatform(written, environment), environment);
const said = async (written: string): Promise<string | null> =>
  (await checks(written)).find(({ problem }) => problem !== null)?.problem ?? null;

/** Status and text of an answer to a path, for a host. */
function answer(path: string, host: string): readonly [number, string] {
  if (["/at/api/ready", "/at/readyz", "/mlflow/health", "/login/health"].includes(path)) return [200, "OK"];
  if (path.startsWith("/login/api/")) return [403, "Permission denied"];
  if (!path.startsWith("/mlflow/api/")) return [503, "password=canary"];
  return host.startsWith("127.0.0.1") ? [200, "{}"] : [403, "Invalid Host header - possible DNS rebinding attack detected"];
}

describe("doctor --url", () => {
  beforeAll(async () => {
    environment = resolve(localEnvironment, { target: local, platforms });
    server = createServer((request, response) => {
      const [status, text] = answer(request.url ?? "", request.headers.host ?? "");
      response.statusCode = status;
      response.end(text);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => server.close());

  it("asks the path that the platform's own probes ask, below the address that is given", async () => {
    expect(await said(`prefect=http://127.0.0.1:${port}/at`)).toBeNull();
    expect(await said(`flyte=http://127.0.0.1:${port}/at/`)).toBeNull();
    const promises = (await checks(`flyte=http://127.0.0.1:${port}/at`)).map(({ promise }) => promise);
    expect(promises).toEqual(["answers GET /readyz, which queries the database"]);
  });

  it("asks MLflow as a client, too, because its probes are answered where clients are refused", async () => {
    expect(await checks(`mlflow=http://127.0.0.1:${port}/mlflow`)).toEqual([
      { subject: "mlflow", promise: "answers GET /health", problem: null },
      { subject: "mlflow", promise: `answers clients that use the host 127.0.0.1:${port}`, problem: null },
    ]);
    expect(await said(`mlflow=http://localhost:${port}/mlflow`)).toBe(
      `http://localhost:${port}/mlflow rejects requests for this host; add "localhost" to platforms.mlflow.hosts and deploy`,
    );
  });

  it("reports no problem where a platform denies permission, and knows its host", async () => {
    expect(await said(`mlflow=http://127.0.0.1:${port}/login`)).toBeNull();
  });

  it("says what it got, without what the platform wrote", async () => {
    expect(await said(`mlflow=http://127.0.0.1:${port}?token=canary`)).toBe(
      `http://127.0.0.1:${port} answered 503; see the platform's own log`,
    );
  });

  it("reports that there is no answer", async () => {
    const closed = createServer();
    await new Promise<void>((done) => closed.listen(0, "127.0.0.1", done));
    const { port: free } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    expect(await said(`mlflow=http://127.0.0.1:${free}`)).toBe(
      `http://127.0.0.1:${free} does not answer (ECONNREFUSED); is it running there?`,
    );
  });

  it.each([
    ["prefect", "--url must be platform=URL, such as prefect=http://localhost:4200"],
    ["prefect=localhost:4200", "--url must be platform=URL, such as prefect=http://localhost:4200"],
    ["prefect=postgresql://me:canary@db/prefect", "--url must be platform=URL, such as prefect=http://localhost:4200"],
    ["prefect=http://me:canary@db:4200/at", "--url must not contain a user name or password; write prefect=http://db:4200"],
    ["prefct=http://localhost:1", 'environment local has no platform prefct; did you mean "prefect"?'],
  ])("refuses %s", (written, message) => {
    expect(() => readRunningPlatform(written, environment)).toThrow(new UserError(message));
  });
});
