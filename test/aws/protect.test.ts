import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { handler as protect } from "../../constructs/aws/functions/protect";
import { throughFramework } from "../fixtures/provider-framework";
import { RdsDouble } from "../fixtures/rds";

/** Milliseconds: two seconds of which faults that pass are tried again. */
const REMAINING = 32_100;

describe("the function that protects instances", () => {
  let rds: RdsDouble;
  beforeAll(async () => {
    rds = await RdsDouble.start();
  });
  afterAll(() => rds?.stop());
  beforeEach(() => {
    const access = { AWS_REGION: "eu-central-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
    vi.spyOn(console, "log").mockReturnValue();
    for (const [name, value] of Object.entries({ ...rds.environment, ...access })) vi.stubEnv(name, value);
    rds.isProtected.clear();
    for (const identifier of ["main", "spare"]) rds.isProtected.set(identifier, false);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });
  const send = (RequestType: "Create" | "Update" | "Delete", change: { protect?: string[]; release?: string[] }) =>
    throughFramework(
      protect as never,
      {
        RequestType,
        ...(RequestType === "Create" ? {} : { PhysicalResourceId: "deletion-protection" }),
        ResourceProperties: { protect: [], release: [], ...change },
        OldResourceProperties: {},
      },
      REMAINING,
    );

  it("turns deletion protection on where the environment asks for it, and off where it does not", async () => {
    expect(await send("Create", { protect: ["main", "spare"] })).toMatchObject({
      Status: "SUCCESS",
      PhysicalResourceId: "deletion-protection",
    });
    expect([...rds.isProtected.values()]).toEqual([true, true]);
    expect(await send("Update", { protect: ["main"], release: ["spare"] })).toMatchObject({ Status: "SUCCESS" });
    expect([...rds.isProtected.values()]).toEqual([true, false]);
  });

  it("leaves for the maintenance window what waits for it", async () => {
    rds.pending.add("main");
    expect(await send("Create", { protect: ["main"] })).toMatchObject({ Status: "SUCCESS" });
    expect([rds.isProtected.get("main"), [...rds.pending]]).toEqual([true, ["main"]]);
  });

  it("leaves instances as protected as they are when its stack is deleted", async () => {
    rds.isProtected.set("main", true);
    expect(await send("Delete", { protect: ["spare"], release: ["main"] })).toMatchObject({ Status: "SUCCESS" });
    expect([...rds.isProtected.values()]).toEqual([true, false]);
  });

  it("waits for an instance that is busy, and for its own rights", async () => {
    rds.faults.push("AccessDenied", "InvalidDBInstanceState");
    expect(await send("Create", { protect: ["main"] })).toMatchObject({ Status: "SUCCESS" });
    expect([rds.isProtected.get("main"), rds.faults]).toEqual([true, []]);
  });

  it("says in a sentence that an instance is gone", async () => {
    const { Status, Reason } = await send("Create", { protect: ["gone"] });
    expect([Status, Reason.split("\n")[0]]).toEqual(["FAILED", "RDS has no instance gone; deploy the environment's database stack again"]);
  });
});
