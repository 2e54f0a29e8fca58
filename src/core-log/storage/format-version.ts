/** Apart from the format itself, so that `sluice --version` can say it without loading the engine. */

/** Of a data directory. What each brought, and what an older program does with a newer one: docs/UPGRADING.md. */
export const FORMAT_VERSION = 2;
