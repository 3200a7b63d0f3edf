import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { UserError } from "../../constructs/model/errors";
import { resolve } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import localEnvironment from "../../infra/environments/local";
import type { ProjectEnvironment } from "../../infra/load";
import { checkHealth, readRunning } from "../../infra/local/health";

/** A double of a platform: it answers below /at/ as its probes are asked, and 503 everywhere else. */
let server: Server;
let environment: ProjectEnvironment;
let port: number;

const said = async (written: string): Promise<string | null> => (await checkHealth(readRunning(written, environment), environment)).problem;

describe("doctor --url", () => {
  beforeAll(async () => {
    environment = resolve(localEnvironment, { target: local, platforms });
    server = createServer((request, response) => {
      response.statusCode = ["/at/api/ready", "/at/readyz"].includes(request.url ?? "") ? 200 : 503;
      response.end("password=canary");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => server.close());

  it("asks the path that the platform's own probes ask, below the address that is given", async () => {
    expect(await said(`prefect=http://127.0.0.1:${port}/at`)).toBeNull();
    expect(await said(`flyte=http://127.0.0.1:${port}/at/`)).toBeNull();
    const { promise } = await checkHealth(readRunning(`flyte=http://127.0.0.1:${port}/at`, environment), environment);
    expect(promise).toBe("answers GET /readyz, which asks the database");
  });

  it("says what it got, without what the platform wrote", async () => {
    expect(await said(`mlflow=http://127.0.0.1:${port}?token=canary`)).toBe(
      `http://127.0.0.1:${port} answered 503; see the platform's own log`,
    );
  });

  it("says that nobody answers", async () => {
    const closed = createServer();
    await new Promise<void>((done) => closed.listen(0, "127.0.0.1", done));
    const { port: free } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    expect(await said(`mlflow=http://127.0.0.1:${free}`)).toBe(
      `http://127.0.0.1:${free} does not answer (ECONNREFUSED); is it running there?`,
    );
  });

  it.each([
    ["prefect", "--url takes platform=URL, such as prefect=http://localhost:4200"],
    ["prefect=localhost:4200", "--url takes platform=URL, such as prefect=http://localhost:4200"],
    ["prefect=postgresql://me:canary@db/prefect", "--url takes platform=URL, such as prefect=http://localhost:4200"],
    ["prefect=http://me:canary@db:4200/at", "--url takes a URL without user name and password; write prefect=http://db:4200"],
    ["prefct=http://localhost:1", 'environment local has no platform prefct; did you mean "prefect"?'],
  ])("refuses %s", (written, message) => {
    expect(() => readRunning(written, environment)).toThrow(new UserError(message));
  });
});
