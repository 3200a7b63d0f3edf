import { expect, it } from "vitest";
import { fullGcp } from "../../fixtures/gcp";
import ids from "../../fixtures/ids.json";
import { registrationsOf } from "../../fixtures/registrations";

it("keeps every URN of an environment with at most one platform of each kind", async () => {
  const now = (await registrationsOf(fullGcp)).resources.map(({ urn }) => urn);
  expect(ids.gcp.filter((each) => !now.includes(each))).toEqual([]);
});
