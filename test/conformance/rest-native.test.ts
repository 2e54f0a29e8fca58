import { nativeTarget, throughRest } from '../support/conformance-targets.ts';

throughRest(nativeTarget());
