/** The load generator: a process of its own, which does nothing but make load and keep its books. */

export { ClientFailed, Generator, GeneratorGone } from './generator.ts';
