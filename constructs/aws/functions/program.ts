/** The two functions of an instance, in one bundle. */
import { handler as provision } from "./provision";
import { handler as rotate } from "./rotate";

export { provision, rotate };
