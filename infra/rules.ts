import type { TeamRule } from "../constructs/model/team-rule";

/**
 * Rules of your own, which every environment of this checkout obeys: names, sizes, regions. `docs/how-to/add-a-rule.md` has some to begin
 * with; `npm test` holds each to its examples.
 */
export default [] satisfies readonly TeamRule[];
