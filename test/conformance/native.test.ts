import { atPort, nativeTarget } from '../support/conformance-targets.ts';

atPort(nativeTarget());
