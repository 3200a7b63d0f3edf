/** In one file, so that one worker loads the CDK, once, and makes each template once. */
import "./synthesized/access";
import "./synthesized/contract";
import "./synthesized/crowd";
import "./synthesized/database";
import "./synthesized/findings";
import "./synthesized/iam";
import "./synthesized/ids";
import "./synthesized/lifecycle";
import "./synthesized/own-instance";
import "./synthesized/plan";
import "./synthesized/reader";
import "./synthesized/releases";
import "./synthesized/retained";
import "./synthesized/several";
import "./synthesized/templates";
