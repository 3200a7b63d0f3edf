import type { JsonObject } from "../../constructs/model/json";
import { platforms } from "../../constructs/platforms/registry";
import { ACKNOWLEDGED, type PlatformName, shownSettings } from "../../infra/docs/facts";
import type { ContractCase } from "../contract/case";
import { brokenCases } from "../fixtures/broken";
import { cases } from "../fixtures/cases";

/** A case to render: in every way to a database, or in the direct one. */
export interface Subject {
  readonly each: ContractCase;
  readonly everyWay: boolean;
}

/** What a page of the documentation shows. Nothing logs in there. */
const toShown = (name: PlatformName, settings: JsonObject): ContractCase => ({
  title: `docs/${name}.md`,
  name,
  platforms,
  settings,
  acknowledge: ACKNOWLEDGED,
  login: () => [],
});

/** Everything that tests and pages read of charts. */
export const subjects: readonly Subject[] = [
  ...cases.map((each) => ({ each, everyWay: true })),
  ...brokenCases.map(({ each }) => ({ each, everyWay: false })),
  ...(Object.keys(platforms) as PlatformName[]).flatMap((name) =>
    shownSettings(name).map((settings) => ({ each: toShown(name, settings), everyWay: false })),
  ),
];
