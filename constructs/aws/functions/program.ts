/** The functions of an environment, in one bundle. */
import { handler as protect } from "./protect";
import { handler as provision } from "./provision";
import { handler as rotate } from "./rotate";

export { protect, provision, rotate };
