import { inject } from 'vitest';
import { atPort, kafkaTarget } from '../support/conformance-targets.ts';

atPort(kafkaTarget(inject('kafka')));
