/** In one file, so that one worker loads the CDK, once, and makes each template once. */
import "./synthesized/contract";
import "./synthesized/iam";
import "./synthesized/plan";
import "./synthesized/stacks";
