import { inject } from 'vitest';
import { atPort, rabbitMqTarget } from '../support/conformance-targets.ts';

atPort(rabbitMqTarget('stream', inject('rabbitmq')));
