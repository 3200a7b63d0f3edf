import type { TeamRule } from "../constructs/model/team-rule";

/**
 * Your team's rules check every environment of this checkout: names, sizes, regions. `docs/how-to/add-a-rule.md` has examples;
 * `npm test` checks each rule's examples.
 */
export default [] satisfies readonly TeamRule[];
